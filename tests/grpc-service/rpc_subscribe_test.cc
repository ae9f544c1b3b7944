// Subscribe over real connections: what is delivered, and how streams end.
#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/grpc-service/rpc_harness.h"

namespace txtchat::rpc {
namespace {

std::vector<std::string> HeadsOf(const std::optional<v1::Event>& heartbeat) {
  std::vector<std::string> heads;
  if (!heartbeat.has_value()) return {"(end)"};
  for (const v1::ChannelHead& head : heartbeat->heartbeat().heads()) {
    heads.push_back(absl::StrCat(head.channel_id(), "=", head.head_sequence()));
  }
  std::sort(heads.begin(), heads.end());
  return heads;
}

std::vector<std::string> Sorted(std::vector<std::string> list) {
  std::sort(list.begin(), list.end());
  return list;
}

TEST(RpcSubscribe, FollowsAllChannelsThroughJoinsAndLeaves) {
  RpcHarness harness;
  Guest alice(harness, "alice");
  Guest bob(harness, "bob");
  const std::string first = alice.Create("first");
  const std::string second = bob.Create("second");

  TestStream stream(alice);
  stream.WaitForInitialMetadata();
  EXPECT_EQ(HeadsOf(stream.Next()), Sorted({alice.id + "=1", first + "=1"}));

  ASSERT_TRUE(alice.Send(first, "one").ok());
  EXPECT_EQ(stream.NextLine(), "2 alice: one");
  ASSERT_TRUE(bob.Send(second, "not for alice").ok());
  ASSERT_TRUE(alice.Join(second).ok());
  EXPECT_EQ(stream.NextLine(), "3 +alice");
  ASSERT_TRUE(bob.Send(second, "two").ok());
  EXPECT_EQ(stream.NextLine(), "4 bob: two");
  ASSERT_TRUE(alice.Leave(second).ok());
  EXPECT_EQ(stream.NextLine(), "5 -alice");
  ASSERT_TRUE(bob.Send(second, "not for alice either").ok());
  ASSERT_TRUE(alice.Join(second).ok());
  EXPECT_EQ(stream.NextLine(), "7 +alice");
  const std::string third = alice.Create("third");
  EXPECT_EQ(stream.NextLine(), "1 +alice");
  ASSERT_TRUE(bob.Join(alice.id).ok());
  EXPECT_EQ(stream.NextLine(), "2 +bob") << "her personal channel";
}

TEST(RpcSubscribe, FollowsAChosenSetOnly) {
  RpcHarness harness;
  Guest alice(harness, "alice");
  const std::string chosen = alice.Create("chosen");
  const std::string other = alice.Create("other");
  TestStream stream(alice, {chosen});
  EXPECT_EQ(HeadsOf(stream.Next()), std::vector{chosen + "=1"});
  ASSERT_TRUE(alice.Send(other, "not this").ok());
  ASSERT_TRUE(alice.Send(chosen, "this").ok());
  EXPECT_EQ(stream.NextLine(), "2 alice: this");
  // Left, it pauses; joined again, it goes on.
  Guest bob(harness, "bob");
  ASSERT_TRUE(bob.Join(chosen).ok());
  EXPECT_EQ(stream.NextLine(), "3 +bob");
  ASSERT_TRUE(alice.Leave(chosen).ok());
  EXPECT_EQ(stream.NextLine(), "4 -alice");
  ASSERT_TRUE(bob.Send(chosen, "missed").ok());
  ASSERT_TRUE(alice.Join(chosen).ok());
  EXPECT_EQ(stream.NextLine(), "6 +alice");
}

TEST(RpcSubscribe, RefusesWhatCannotBeFollowed) {
  Limits limits;
  limits.sessions_per_user_max = 2;
  RpcHarness harness(limits);
  Guest alice(harness, "alice");
  Guest bob(harness, "bob");
  const std::string private_one = bob.Create("private");
  EXPECT_EQ(CodeOf(TestStream(alice, {"0000000000"}).End()), "NOT_FOUND");
  EXPECT_EQ(CodeOf(TestStream(alice, {private_one}).End()), "PERMISSION_DENIED");
  EXPECT_EQ(CodeOf(TestStream(alice, std::vector<std::string>(1'001, alice.id)).End()),
            "INVALID_ARGUMENT");
  TestStream thousand(alice, std::vector<std::string>(1'000, alice.id));
  EXPECT_EQ(HeadsOf(thousand.Next()), std::vector{alice.id + "=1"});
  TestStream second(alice);
  EXPECT_TRUE(second.Next().has_value());
  EXPECT_EQ(CodeOf(TestStream(alice).End()), "RESOURCE_EXHAUSTED");
}

TEST(RpcSubscribe, BoundsTheStreamsOfAllUsersTogether) {
  RpcOptions options;
  options.streams_max = 1;
  RpcHarness harness({}, options);
  Guest alice(harness, "alice");
  Guest bob(harness, "bob");
  {
    TestStream only(alice);
    EXPECT_TRUE(only.Next().has_value());
    EXPECT_EQ(CodeOf(TestStream(bob).End()), "RESOURCE_EXHAUSTED");
  }
  ASSERT_TRUE(Eventually([&] { return harness.server->open_streams() == 0; }));
  EXPECT_TRUE(TestStream(bob).Next().has_value());
}

TEST(RpcSubscribe, BeatsWhileNothingElseIsSent) {
  RpcOptions options;
  options.stream.heartbeat_interval_ms = 20;
  RpcHarness harness({}, options);
  Guest alice(harness, "alice");
  TestStream stream(alice);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(HeadsOf(stream.Next()), std::vector{alice.id + "=1"});
  ASSERT_TRUE(alice.Send(alice.id, "x").ok());
  EXPECT_EQ(stream.NextLine(), "2 alice: x");
  EXPECT_EQ(HeadsOf(stream.Next()), std::vector{alice.id + "=2"});
}

TEST(RpcSubscribe, ASlowReaderLosesNothing) {
  constexpr std::size_t kMessages = 20'000;
  Limits limits;
  limits.queue_events_max = 100;
  RpcHarness harness(limits);
  Guest alice(harness, "alice");
  const std::string channel = alice.Create("c");
  TestStream stream(alice, {channel});
  EXPECT_TRUE(stream.Next().has_value());
  alice.Flood(harness, channel, kMessages, 300);
  for (std::size_t i = 0; i < kMessages; ++i) {
    const std::optional<v1::Event> event = stream.NextNews();
    ASSERT_TRUE(event.has_value());
    ASSERT_EQ(event->sequence(), i + 2);
    ASSERT_TRUE(event->message_posted().text().starts_with(std::to_string(i) + " "));
  }
}

TEST(RpcSubscribe, ASlowReaderIsToldWhatIsNoLongerKept) {
  constexpr std::size_t kMessages = 20'000;
  Limits limits;
  limits.queue_events_max = 10;
  limits.store_bytes_max = 100 * 1024;
  RpcHarness harness(limits);
  Guest alice(harness, "alice");
  const std::string channel = alice.Create("c");
  TestStream stream(alice, {channel});
  EXPECT_TRUE(stream.Next().has_value());
  alice.Flood(harness, channel, kMessages, 1'000);
  std::uint64_t last = 1;
  std::uint64_t missed = 0;
  while (last < kMessages + 1) {
    const std::optional<v1::Event> event = stream.NextNews();
    ASSERT_TRUE(event.has_value());
    if (event->has_gap()) {
      ASSERT_EQ(event->channel_id(), channel);
      ASSERT_EQ(event->gap().from_sequence(), last + 1);
      missed += event->gap().to_sequence() - last;
      last = event->gap().to_sequence();
    } else {
      ASSERT_EQ(event->sequence(), last + 1);
      last = event->sequence();
    }
  }
  EXPECT_GT(missed, 0u);
  EXPECT_EQ(last, kMessages + 1);
}

TEST(RpcSubscribe, AWriteThatStallsEndsTheStreamAndHarmsNobody) {
  RpcOptions options;
  options.stream.write_stall_timeout_ms = 1'000;
  RpcHarness harness({}, options);
  Guest alice(harness, "alice");
  Guest bob(harness, "bob");
  const std::string channel = alice.Create("c");
  TestStream stalled(alice, {channel});
  EXPECT_TRUE(stalled.Next().has_value());
  bob.Flood(harness, bob.id, 1, 1);
  alice.Flood(harness, channel, 2'000, 8'000);
  ASSERT_TRUE(Eventually([&] { return harness.server->open_streams() == 0; }));
  const grpc::Status status = stalled.End();
  EXPECT_EQ(CodeOf(status), "CANCELLED") << status.error_message();
  EXPECT_EQ(CodeOf(bob.Send(bob.id, "all well")), "OK");
}

TEST(RpcSubscribe, ACallerThatCancelsInTheMiddleIsForgotten) {
  RpcHarness harness;
  Guest alice(harness, "alice");
  const std::string channel = alice.Create("c");
  for (int i = 0; i < 5; ++i) {
    TestStream stream(alice, {channel});
    EXPECT_TRUE(stream.Next().has_value());
    alice.Flood(harness, channel, 500, 8'000);
    stream.Cancel();
    EXPECT_EQ(CodeOf(stream.End()), "CANCELLED");
  }
  ASSERT_TRUE(Eventually([&] { return harness.server->open_streams() == 0; }));
  TestStream again(alice);
  EXPECT_TRUE(again.Next().has_value());
}

TEST(RpcSubscribe, AGuestThatIsGoneHasEndedWithItsToken) {
  RpcHarness harness;
  Guest keeper(harness, "keeper");
  TestStream watching(keeper);
  EXPECT_TRUE(watching.Next().has_value());
  Guest passing(harness, "passing");
  ASSERT_TRUE(passing.Join(keeper.id).ok());
  EXPECT_EQ(watching.NextLine(), "2 +passing");
  harness.clock.Advance(harness.limits.guest_grace_ms + 1);
  EXPECT_EQ(CodeOf(keeper.Send(keeper.id, "I am here")), "OK");
  EXPECT_EQ(watching.NextLine(), "3 -passing");
  EXPECT_EQ(watching.NextLine(), "4 keeper: I am here");
  EXPECT_EQ(CodeOf(passing.Send(passing.id, "x")), "UNAUTHENTICATED");
  EXPECT_EQ(CodeOf(TestStream(passing).End()), "UNAUTHENTICATED");
}

TEST(RpcSubscribe, StreamsThatComeAndGoDisturbNobody) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 30;
  RpcOptions options;
  options.stream.heartbeat_interval_ms = 20;
  options.pump_threads = 2;
  Limits limits;
  limits.sessions_per_user_max = kRounds;  // A server may hear of a cancelled stream late.
  RpcHarness harness(limits, options);
  Guest owner(harness, "owner");
  const std::string channel = owner.Create("c");
  TestStream watching(owner, {channel});
  EXPECT_TRUE(watching.Next().has_value());

  std::vector<std::thread> comers;
  for (int t = 0; t < kThreads; ++t) {
    comers.emplace_back([&, t] {
      Guest guest(harness, absl::StrCat("g", t));
      for (int round = 0; round < kRounds; ++round) {
        EXPECT_EQ(CodeOf(guest.Join(channel)), "OK");
        TestStream stream(guest);
        if (round % 3 != 0) {
          EXPECT_TRUE(stream.Next().has_value());
        }
        EXPECT_EQ(CodeOf(guest.Send(channel, "x")), "OK");
        if (round % 3 == 2) {
          EXPECT_TRUE(stream.NextNews().has_value());
        }
        EXPECT_EQ(CodeOf(guest.Leave(channel)), "OK");
      }
    });
  }
  // A joining, a message and a leaving in each round.
  for (std::uint64_t i = 0; i < 3ull * kThreads * kRounds; ++i) {
    const std::optional<v1::Event> event = watching.NextNews();
    ASSERT_TRUE(event.has_value());
    ASSERT_EQ(event->sequence(), i + 2);
  }
  for (std::thread& comer : comers) comer.join();
  EXPECT_TRUE(Eventually([&] { return harness.server->open_streams() == 1; }));
}

TEST(RpcSubscribe, TwoHundredStreamsSeeTheSameInTheSameOrder) {
  constexpr int kStreams = 200;
  constexpr int kSenders = 4;
  constexpr int kMessagesEach = 50;
  RpcHarness harness;
  Guest owner(harness, "owner");
  const std::string channel = owner.Create("c");

  std::vector<std::unique_ptr<Guest>> guests;
  std::vector<std::unique_ptr<TestStream>> streams;
  for (int i = 0; i < kStreams; ++i) {
    guests.push_back(std::make_unique<Guest>(harness, "g" + std::to_string(i)));
    ASSERT_TRUE(guests.back()->Join(channel).ok());
  }
  for (const auto& guest : guests) {
    streams.push_back(std::make_unique<TestStream>(*guest, std::vector{channel}));
  }
  for (const auto& stream : streams) ASSERT_TRUE(stream->Next().has_value());

  std::vector<std::thread> senders;
  for (int s = 0; s < kSenders; ++s) {
    senders.emplace_back([&, s] {
      for (int i = 0; i < kMessagesEach; ++i) {
        EXPECT_EQ(CodeOf(guests[s]->Send(channel, absl::StrCat(s, "-", i))), "OK");
      }
    });
  }
  std::vector<std::string> first;
  for (const auto& stream : streams) {
    std::vector<std::string> lines;
    for (int i = 0; i < kSenders * kMessagesEach; ++i) lines.push_back(stream->NextLine());
    if (first.empty()) first = lines;
    ASSERT_EQ(lines, first);
  }
  for (std::thread& sender : senders) sender.join();
  for (int i = 0; i < kSenders * kMessagesEach; ++i) {
    EXPECT_TRUE(first[i].starts_with(absl::StrCat(i + kStreams + 2, " "))) << first[i];
  }
}

TEST(RpcSubscribe, AThousandStreamsShareTwentyConnections) {
  constexpr int kConnections = 20;
  constexpr int kStreamsEach = 50;
  constexpr int kMessages = 100;
  Limits limits;
  limits.sessions_per_user_max = kStreamsEach;
  RpcHarness harness(limits);
  Guest owner(harness, "owner");
  const std::string channel = owner.Create("c");
  std::vector<std::unique_ptr<Guest>> guests;
  for (int i = 0; i < kConnections; ++i) {
    guests.push_back(std::make_unique<Guest>(harness, absl::StrCat("g", i)));
    ASSERT_TRUE(guests.back()->Join(channel).ok());
  }
  std::vector<std::unique_ptr<TestStream>> streams;
  for (int i = 0; i < kConnections * kStreamsEach; ++i) {
    streams.push_back(
        std::make_unique<TestStream>(*guests[i % kConnections], std::vector{channel}));
  }
  for (const auto& stream : streams) ASSERT_TRUE(stream->Next().has_value());
  for (int i = 0; i < kMessages; ++i) ASSERT_TRUE(owner.Send(channel, absl::StrCat(i)).ok());
  for (const auto& stream : streams) {
    for (int i = 0; i < kMessages; ++i) {
      ASSERT_EQ(stream->NextLine(), absl::StrCat(kConnections + 2 + i, " owner: ", i));
    }
  }
}

}  // namespace
}  // namespace txtchat::rpc
