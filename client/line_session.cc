#include "client/line_session.h"

#include <algorithm>
#include <utility>

#include "client/terminal_text.h"
#include "client/utf8.h"

namespace txtchat::client {
namespace {

constexpr std::string_view kJoined = "$$joined: ";
constexpr std::string_view kError = "$$error:";
constexpr std::size_t kNameBytesMax = 128;

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// What the server names a new channel: ten lower-case hexadecimal digits.
bool LooksLikeChannelId(std::string_view line) {
  return line.size() == 10 && std::all_of(line.begin(), line.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// The line in which the server will echo `text`: it removes controls but tab, and sets a space
// before a leading `$$`. After a carriage return comes a line of its own; the last one counts.
std::string EchoOf(std::string_view text) {
  if (const std::size_t cr = text.rfind('\r'); cr != std::string_view::npos) {
    text.remove_prefix(cr + 1);
  }
  std::string echo;
  while (!text.empty()) {
    const DecodedRune decoded = DecodeRune(text);
    const bool control = (decoded.rune < 0x20 && decoded.rune != '\t') ||
                         (decoded.rune >= 0x7F && decoded.rune <= 0x9F);
    if (!control) echo.append(text.substr(0, decoded.length));
    text.remove_prefix(decoded.length);
  }
  return StartsWith(echo, "$$") ? " " + echo : echo;
}

LineActions Note(std::string text) {
  LineActions actions;
  actions.notes.push_back(std::move(text));
  return actions;
}

// Why `channel` cannot be sent as a channel id; empty if it can.
std::string ChannelProblem(std::string_view channel) {
  if (channel.empty()) return "say which channel";
  if (channel.find_first_of("$ \t") != std::string_view::npos) {
    return "a channel id has no spaces and no $";
  }
  return "";
}

}  // namespace

std::string NameProblem(std::string_view name) {
  if (name.empty()) return "a name cannot be empty";
  if (name.size() > kNameBytesMax) {
    return "a name has at most " + std::to_string(kNameBytesMax) + " bytes, this one has " +
           std::to_string(name.size());
  }
  if (!IsUtf8(name)) return "a name must be valid UTF-8";
  for (std::string_view rest = name; !rest.empty();) {
    const DecodedRune decoded = DecodeRune(rest);
    if (decoded.rune == '$') return "a name cannot hold $";
    if (decoded.rune < 0x20 || (decoded.rune >= 0x7F && decoded.rune <= 0x9F)) {
      return "a name cannot hold control characters or line ends";
    }
    rest.remove_prefix(decoded.length);
  }
  return "";
}

const std::vector<std::string>& LineHelp() {
  static const auto& help = *new std::vector<std::string>{
      "TEXT               send TEXT to the current channel",
      "$say TEXT          the same, for a TEXT that begins with $",
      "$join CHAN         join CHAN and make it current",
      "$create_chan NAME  create a channel and make it current",
      "$leave [CHAN]      leave CHAN, or the current channel",
      "$switch CHAN       make CHAN current without joining it (you are a member already)",
      "$help              this help",
      "Ctrl-D ends, Ctrl-C interrupts",
  };
  return help;
}

LineSession::LineSession(std::string name, std::string user_id)
    : name_(std::move(name)), user_id_(std::move(user_id)) {}

LineActions LineSession::OnServerLine(std::string_view line) {
  switch (stage_) {
    case Stage::kAwaitWelcome:
      return OnWelcome(line);
    case Stage::kAwaitChannel:
      return OnFirstChannel(line);
    case Stage::kChatting:
      break;
  }
  return OnChatLine(line);
}

LineActions LineSession::OnWelcome(std::string_view line) {
  LineActions actions = Note(std::string(line));
  if (StartsWith(line, kError)) {
    actions.refused = true;
    return actions;
  }
  stage_ = Stage::kAwaitChannel;
  actions.send = "reg$" + name_ + "\n";
  return actions;
}

LineActions LineSession::OnFirstChannel(std::string_view line) {
  LineActions actions;
  if (StartsWith(line, kError)) {
    actions = Note(std::string(line));
    actions.refused = true;
    return actions;
  }
  stage_ = Stage::kChatting;
  personal_ = std::string(line);
  current_ = personal_;
  actions.prints.emplace_back(line);
  return actions;
}

LineActions LineSession::OnChatLine(std::string_view line) {
  LineActions actions;
  actions.prints.emplace_back(line);
  if (StartsWith(line, kJoined)) {
    // As the original reads it: the field up to the next ": ".
    std::string_view channel = line.substr(kJoined.size());
    channel = channel.substr(0, channel.find(": "));
    const auto joined = std::find_if(pending_.begin(), pending_.end(), [&](const Pending& p) {
      return p.kind == Kind::kJoin && p.expect == channel;
    });
    if (joined != pending_.end()) pending_.erase(joined);
    SwitchTo(std::string(channel), actions);
  } else if (StartsWith(line, kError)) {
    // Errors do not name the command; commands are answered in order, so it is the oldest.
    if (!pending_.empty()) {
      pending_.pop_front();
      was_refused_ = true;
    }
  } else if (TakeAnswer(line)) {
    SwitchTo(std::string(line), actions);
  }
  return actions;
}

bool LineSession::TakeAnswer(std::string_view line) {
  const bool id = LooksLikeChannelId(line);
  const auto answered = std::find_if(pending_.begin(), pending_.end(), [&](const Pending& p) {
    return (p.kind == Kind::kSend && p.expect == line) || (p.kind == Kind::kCreate && id);
  });
  if (answered == pending_.end()) return false;
  const bool created = answered->kind == Kind::kCreate;
  pending_.erase(answered);
  return created;
}

LineActions LineSession::OnTypedLine(std::string_view line) {
  if (Trim(line).empty()) return {};
  if (line.front() == '$') return OnCommand(line);
  return Send(line);
}

LineActions LineSession::OnCommand(std::string_view line) {
  const std::size_t space = line.find_first_of(" \t");
  const std::string_view word = line.substr(0, space);
  const std::string_view rest =
      space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
  if (word == "$say")
    return Trim(rest).empty() ? Note("$say TEXT: the text is missing") : Send(rest);
  const std::string_view argument = Trim(rest);
  if (word == "$join") return Join(argument);
  if (word == "$create_chan") return Create(argument);
  if (word == "$leave") return Leave(argument);
  if (word == "$switch") return Switch(argument);
  if (word == "$help") {
    LineActions actions;
    actions.notes = LineHelp();
    return actions;
  }
  return Note(std::string(word) +
              " is not a command, nothing was sent. $help lists the commands; $say TEXT sends a "
              "text that begins with $");
}

LineActions LineSession::Send(std::string_view text) {
  if (current_.empty())
    return Note("not sent: no current channel. $join CHAN or $switch CHAN first");
  Expect(Kind::kSend, EchoOf(text));
  LineActions actions;
  actions.send = "send_msg$" + user_id_ + "$" + current_ + "$" + std::string(text) + "\n";
  return actions;
}

LineActions LineSession::Join(std::string_view channel) {
  if (std::string why = ChannelProblem(channel); !why.empty()) return Note("$join CHAN: " + why);
  Expect(Kind::kJoin, std::string(channel));
  LineActions actions;
  actions.await_switch = true;
  actions.send = "join$" + user_id_ + "$" + std::string(channel) + "\n";
  return actions;
}

LineActions LineSession::Create(std::string_view name) {
  if (std::string why = NameProblem(name); !why.empty()) return Note("$create_chan NAME: " + why);
  Expect(Kind::kCreate, "");
  LineActions actions;
  actions.await_switch = true;
  actions.send = "create_chan$" + user_id_ + "$" + std::string(name) + "\n";
  return actions;
}

LineActions LineSession::Leave(std::string_view channel) {
  const std::string leaving(channel.empty() ? std::string_view(current_) : channel);
  if (std::string why = ChannelProblem(leaving); !why.empty()) return Note("$leave CHAN: " + why);
  LineActions actions;
  actions.send = "leave$" + user_id_ + "$" + leaving + "\n";
  actions.notes.push_back("left channel: " + leaving);
  if (leaving == personal_) personal_.clear();
  if (leaving != current_) return actions;
  if (personal_.empty()) {
    current_.clear();
    actions.notes.push_back("no current channel: $join CHAN or $switch CHAN");
  } else {
    SwitchTo(personal_, actions);
  }
  return actions;
}

LineActions LineSession::Switch(std::string_view channel) {
  if (std::string why = ChannelProblem(channel); !why.empty()) return Note("$switch CHAN: " + why);
  LineActions actions;
  SwitchTo(std::string(channel), actions);
  return actions;
}

void LineSession::SwitchTo(std::string channel, LineActions& actions) {
  current_ = std::move(channel);
  actions.notes.push_back("switched to channel: " + current_);
}

bool LineSession::switching() const {
  return std::any_of(pending_.begin(), pending_.end(),
                     [](const Pending& p) { return p.kind != Kind::kSend; });
}

void LineSession::Expect(Kind kind, std::string expect) {
  if (pending_.size() == kPendingMax) pending_.pop_front();
  pending_.push_back({kind, std::move(expect)});
}

}  // namespace txtchat::client
