// Slow readers, a full inbox, a store that fails.
#include <atomic>
#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/gateway/held_store.h"
#include "tests/gateway/line_server.h"

namespace txtchat::gateway {
namespace {

using std::chrono::milliseconds;

void ExpectNumbered(Guest& guest, int from, int to) {
  for (int i = from; i < to; ++i) {
    const std::string line = guest.Line();
    ASSERT_EQ(line, Numbered(i));
  }
}

TEST(Backpressure, OneThatNeverReadsGetsEverythingInTheEnd) {
  constexpr int kMessages = 20'000;
  HeldStore store;
  LineServerConfig config;
  config.store = &store;
  LineServer server(config);
  Guest host(server, "host");
  const std::string den = host.Create("den");
  Guest lazy(server, "lazy", /*receive_buffer_bytes=*/4'096);
  lazy.Join(den);
  EXPECT_EQ(host.Line(), "$$joined: " + den);

  // The host is undisturbed: it gets each of its messages while the other one reads nothing.
  SayNumbered(host, den, 0, kMessages);
  ExpectNumbered(lazy, 0, kMessages);
  EXPECT_GT(store.reads(), 0);  // Far more than the queue holds.
  lazy.ExpectQuiet();
}

// The page that it reads the channel's end from was read for somebody who is owed more of it.
TEST(Backpressure, AChannelThatWasLeftGivesUpThePlaceOfItsPage) {
  constexpr int kMessages = 20'000;
  constexpr int kOfTheOther = 1'500;
  LineServer server;
  Guest host(server, "host");
  const std::string left = host.Create("left");
  const std::string other = host.Create("other");
  Guest lazy(server, "lazy", /*receive_buffer_bytes=*/4'096);
  for (const std::string& channel : {left, other}) {
    lazy.Join(channel);
    EXPECT_EQ(host.Line(), "$$joined: " + channel);
  }
  SayNumbered(host, left, 0, kMessages);
  SayNumbered(host, other, 0, kOfTheOther);
  lazy.SendLine("leave$-$" + left);
  for (bool is_there = true; is_there;) {
    is_there = false;
    host.SendLine("members$" + left);
    for (std::string line = host.Line(); line.rfind("$$ok", 0) != 0; line = host.Line()) {
      ASSERT_EQ(line.rfind("$$member: ", 0), 0u) << line;
      is_there = is_there || line.find("lazy") != std::string::npos;
    }
  }
  SayNumbered(host, left, kMessages, kMessages + 3'000);
  Guest reader(server, "reader");
  reader.SendLine("resume$" + left + "$0");
  while (reader.Line() != Numbered(kMessages + 2'999)) {
  }

  ExpectNumbered(lazy, 0, kMessages);
  ExpectNumbered(lazy, 0, kOfTheOther);
}

TEST(Backpressure, WhatIsNoLongerKeptIsAGapAndNeverSilence) {
  HeldStore store(200'000);
  LineServerConfig config;
  config.store = &store;
  config.limits.queue_events_max = 100;
  LineServer server(config);
  Guest host(server, "host");
  const std::string den = host.Create("den");
  Guest lazy(server, "lazy", /*receive_buffer_bytes=*/4'096);
  lazy.Join(den);
  EXPECT_EQ(host.Line(), "$$joined: " + den);
  constexpr int kMessages = 30'000;
  SayNumbered(host, den, 0, kMessages);
  // The events are 1: host joined, 2: lazy joined, 3 …: the messages. Received and missed make all.
  std::uint64_t next = 3;
  int gaps = 0;
  while (next < kMessages + 3) {
    const std::string line = lazy.Line();
    ASSERT_NE(line, "(nothing)");
    const std::string gap = "$$gap: " + den + " ";
    if (line.rfind(gap, 0) == 0) {
      const std::size_t space = line.find(' ', gap.size());
      ASSERT_EQ(std::stoull(line.substr(gap.size(), space - gap.size())), next);
      next = std::stoull(line.substr(space + 1)) + 1;
      ++gaps;
    } else {
      ASSERT_EQ(line, Numbered(static_cast<int>(next - 3)));
      ++next;
    }
  }
  EXPECT_GT(gaps, 0);
  lazy.ExpectQuiet();
}

TEST(Backpressure, APageThatCannotBeReadIsTriedAgain) {
  HeldStore store;
  LineServerConfig config;
  config.store = &store;
  LineServer server(config);
  Guest host(server, "host");
  const std::string den = host.Create("den");
  Guest lazy(server, "lazy", /*receive_buffer_bytes=*/4'096);
  lazy.Join(den);
  EXPECT_EQ(host.Line(), "$$joined: " + den);
  store.FailReads(true);
  constexpr int kMessages = 10'000;
  int received = 0;
  SayNumbered(host, den, 0, kMessages);
  // It reads until it needs the store.
  while (store.failed_reads() < 2) {
    if (auto line = lazy.ReadLine(milliseconds(1))) {
      ASSERT_EQ(*line, Numbered(received++));
    }
  }
  store.FailReads(false);
  ExpectNumbered(lazy, received, kMessages);
}

TEST(Backpressure, OneThatIsBehindInManyChannelsReadsThemOneAfterTheOther) {
  constexpr int kChannels = 20;
  constexpr int kMessages = 12;  // In each; together what a connection may have in flight.
  HeldStore store;
  LineServerConfig config;
  config.store = &store;
  config.history_threads = 4;
  config.limits.queue_events_max = 2;
  LineServer server(config);
  Guest host(server, "host");
  Guest reader(server, "reader");
  reader.SendLine("hello$2");
  EXPECT_EQ(reader.Line(), "$$hello: 2");
  std::vector<std::string> channels;
  for (int i = 0; i < kChannels; ++i) {
    channels.push_back(host.Create("channel"));
    reader.SendLine("join$-$" + channels.back());
    EXPECT_EQ(host.Line(), "$$joined: " + channels.back());
  }
  reader.ReadToNow();
  store.HoldReads(true);
  store.HoldCommits(true);  // So that all of it is published in one or two batches.
  std::string input;
  for (int i = 0; i < kMessages; ++i) {
    for (const std::string& channel : channels) {
      input += "send_msg$-$" + channel + "$" + std::to_string(i) + "\n";
    }
  }
  ASSERT_TRUE(host.Send(input));
  store.HoldCommits(false);
  store.AwaitRead();
  // Whatever else happens to it, it asks for nothing more.
  for (const std::string& channel : channels) {
    host.Say(channel, std::to_string(kMessages));
  }
  store.HoldReads(false);
  std::map<std::string, int> next;
  for (int i = 0; i < kChannels * (kMessages + 1); ++i) {
    // $$msg: CHAN SEQ UNIX_MS UID NAME: TEXT
    const std::string line = reader.Line();
    ASSERT_EQ(line.rfind("$$msg: ", 0), 0u) << line;
    const std::string channel = line.substr(7, 10);
    EXPECT_EQ(line.substr(line.rfind(' ') + 1), std::to_string(next[channel]++)) << line;
  }
  reader.ExpectQuiet();
  // The host, on its own connection, is behind too.
  EXPECT_LE(store.most_reads_at_once(), 2);
}

TEST(Backpressure, AFullInboxPausesTheReadersAndLosesNothing) {
  HeldStore store;
  LineServerConfig config;
  config.store = &store;
  config.limits.inbox_commands_max = 4;
  LineServer server(config);
  Guest alice(server, "alice");
  Guest bob(server, "bob");
  store.HoldCommits(true);
  std::string input;
  for (int i = 0; i < 3'000; ++i) {
    input += "send_msg$-$" + alice.LocalAddress() + "$" + Numbered(i) + "\n";
  }
  std::thread sender([&] { EXPECT_TRUE(alice.Send(input)); });
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) bob.Say(bob.LocalAddress(), Numbered(i));
  });
  other.join();
  store.HoldCommits(false);
  ExpectNumbered(alice, 0, 3'000);
  ExpectNumbered(bob, 0, 100);
  sender.join();
}

TEST(Backpressure, OneThatSendsAndNeverReadsIsPaused) {
  LineServer server;
  Guest flood(server, "flood", /*receive_buffer_bytes=*/4'096);
  // Far more answers than the buffers of the kernel and the backlog take, so the server must have
  // stopped reading: sending blocks. Every answer comes in the end.
  constexpr int kPings = 400'000;
  std::atomic<int> sent{0};
  std::thread sender([&] {
    std::string input;
    for (int i = 0; i < kPings; ++i) {
      input += "ping$" + std::to_string(i) + " 0123456789\n";
      if (input.size() < 16'000 && i + 1 < kPings) continue;
      if (!flood.Send(input)) return;
      input.clear();
      sent = i + 1;
    }
  });
  Guest other(server, "other");
  other.ExpectQuiet();
  for (int i = 0; i < kPings; ++i) {
    const std::string line = flood.Line();
    EXPECT_EQ(line, "$$pong: " + std::to_string(i) + " 0123456789");
    if (line == "(nothing)") break;
  }
  sender.join();
  EXPECT_EQ(sent, kPings);
}

TEST(Backpressure, AStalledConnectionIsClosedInTheEnd) {
  LineServerConfig config;
  config.options.write_stall_timeout = milliseconds(300);
  LineServer server(config);
  Guest host(server, "host");
  const std::string den = host.Create("den");
  Guest stuck(server, "stuck", /*receive_buffer_bytes=*/4'096);
  stuck.Join(den);
  EXPECT_EQ(host.Line(), "$$joined: " + den);
  int i = 0;
  while (server.gateway().stats().stalled == 0 && i < 1'000'000) {
    for (int j = 0; j < 100; ++j) host.Say(den, Numbered(i + j));
    ExpectNumbered(host, i, i + 100);
    i += 100;
  }
  EXPECT_EQ(server.gateway().stats().stalled, 1u);
  host.ExpectQuiet();
}

}  // namespace
}  // namespace txtchat::gateway
