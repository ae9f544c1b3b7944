#include "tests/gateway/transcript.h"

#include <cstdlib>
#include <fstream>

#include "gtest/gtest.h"

namespace txtchat::gateway {
namespace {

std::string Unescaped(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
    } else if (text[i + 1] == 'x') {
      out += static_cast<char>(std::strtol(text.substr(i + 2, 2).c_str(), nullptr, 16));
      i += 3;
    } else {
      out += text[i + 1] == 'r' ? '\r' : text[i + 1];
      ++i;
    }
  }
  return out;
}

}  // namespace

void Transcript::Replay(const std::string& path) {
  std::ifstream file(path);
  ASSERT_TRUE(file) << path;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    where_ = path + ":" + std::to_string(number) + ": " + line;
    if (line.empty() || line[0] == '#') continue;
    Step(line);
    if (::testing::Test::HasFailure()) return;
  }
  for (auto& [name, peer] : peers_) Flush(peer);
}

void Transcript::Step(const std::string& line) {
  const std::size_t end = line.find_first_of("<> ");
  ASSERT_NE(end, std::string::npos) << where_;
  const std::string name = line.substr(0, end);
  FlushAllBut(name);
  const std::string rest = line.substr(end);
  if (rest == " connects") {
    Connect(name);
    return;
  }
  ASSERT_TRUE(peers_.contains(name)) << where_;
  Peer& peer = peers_[name];
  const auto text = [&](std::size_t skip) {
    return rest.size() > skip ? rest.substr(skip) : std::string();
  };
  if (rest.rfind(">>", 0) == 0 || rest.rfind('>', 0) == 0) {
    const bool whole = rest[1] != '>';
    bool complete = true;
    std::string bytes = Unescaped(Filled(text(whole ? 2 : 3), &complete));
    if (!complete) {  // It needs what an answer has not told yet.
      Flush(peer);
      bytes = Unescaped(Filled(text(whole ? 2 : 3), &complete));
    }
    ASSERT_TRUE(complete) << where_;
    Send(peer, whole ? bytes + "\n" : bytes);
  } else if (rest[0] == '<') {
    Expect(peer, text(2));
  } else {
    Flush(peer);
    Act(name, rest.substr(1));
  }
}

void Transcript::Connect(const std::string& name) {
  Peer& peer = peers_[name];
  peer.client = std::make_unique<testing::LineClient>(port_);
  ASSERT_TRUE(peer.client->connected()) << where_;
  bound_[name] = peer.client->LocalAddress();
}

void Transcript::Act(const std::string& name, const std::string& what) {
  testing::LineClient& client = *peers_[name].client;
  if (what == "is quiet") {
    const std::string word = "quiet-" + std::to_string(++pings_);
    ASSERT_TRUE(client.SendLine("ping$" + word)) << where_;
    EXPECT_EQ(client.ReadLine().value_or("(nothing)"), "$$pong: " + word) << where_;
  } else if (what == "ends its side") {
    client.EndSending();
  } else if (what == "sees the end") {
    EXPECT_TRUE(client.ReadsEnd()) << where_;
  } else if (what == "leaves") {
    client.Close();
  } else {
    FAIL() << "what is this? " << where_;
  }
}

void Transcript::Send(Peer& peer, const std::string& bytes) {
  longest_sent_ = std::max(longest_sent_, bytes.size());
  if (pieces_ == Pieces::kJoined) {
    peer.unsent += bytes;
  } else if (pieces_ == Pieces::kBytes) {
    for (const char byte : bytes) ASSERT_TRUE(peer.client->Send({&byte, 1})) << where_;
  } else {
    const std::size_t cut = std::min(cut_at_, bytes.size());
    ASSERT_TRUE(peer.client->Send(bytes.substr(0, cut))) << where_;
    ASSERT_TRUE(peer.client->Send(bytes.substr(cut))) << where_;
  }
}

void Transcript::Expect(Peer& peer, const std::string& pattern) {
  if (peer.unsent.empty()) {
    ExpectNow(peer, pattern);
  } else {
    peer.expected.push_back(pattern);
  }
}

void Transcript::ExpectNow(Peer& peer, const std::string& pattern) {
  const std::string line = peer.client->ReadLine().value_or("(nothing)");
  EXPECT_TRUE(Matches(pattern, line)) << where_ << "\n  read: " << line;
}

void Transcript::Flush(Peer& peer) {
  if (!peer.unsent.empty()) {
    ASSERT_TRUE(peer.client->Send(peer.unsent)) << where_;
    peer.unsent.clear();
  }
  for (const std::string& pattern : peer.expected) ExpectNow(peer, pattern);
  peer.expected.clear();
}

void Transcript::FlushAllBut(const std::string& name) {
  for (auto& [other, peer] : peers_) {
    if (other != name) Flush(peer);
  }
}

// The pattern with what is bound; `complete` tells whether everything is.
std::string Transcript::Filled(const std::string& pattern, bool* complete) {
  std::string out;
  *complete = true;
  for (std::size_t i = 0; i < pattern.size();) {
    const std::size_t end = pattern[i] == '{' ? pattern.find('}', i) : std::string::npos;
    if (end == std::string::npos) {
      out += pattern[i++];
      continue;
    }
    const auto known = bound_.find(pattern.substr(i + 1, end - i - 1));
    if (known == bound_.end()) *complete = false;
    out += known == bound_.end() ? pattern.substr(i, end - i + 1) : known->second;
    i = end + 1;
  }
  return out;
}

bool Transcript::Matches(const std::string& pattern, const std::string& line) {
  bool complete = true;
  const std::string filled = Unescaped(Filled(pattern, &complete));
  if (complete) return filled == line;
  std::size_t at = 0;
  for (std::size_t i = 0; i < filled.size();) {
    const std::size_t end = filled[i] == '{' ? filled.find('}', i) : std::string::npos;
    if (end == std::string::npos) {
      if (at >= line.size() || line[at++] != filled[i++]) return false;
      continue;
    }
    const std::string name = filled.substr(i + 1, end - i - 1);
    i = end + 1;
    const std::size_t stop = i < filled.size() ? line.find(filled[i], at) : line.size();
    if (stop == std::string::npos || stop == at) return false;
    const std::string value = line.substr(at, stop - at);
    if (value.find(' ') != std::string::npos) return false;
    if (name != "*") bound_[name] = value;
    at = stop;
  }
  return at == line.size();
}

}  // namespace txtchat::gateway
