#include "grpc-service/subscribe_stream.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/grpc-service/stream_world.h"

namespace txtchat::rpc {
namespace {

using Lines = std::vector<std::string>;

const absl::Status kDraining = absl::UnavailableError("the server is draining; reconnect");

TEST(SubscribeStream, BeginsWithAHeartbeatThatSaysWhereEachChannelBegins) {
  StreamWorld world({});
  auto first = world.NewChannel();
  auto second = world.NewChannel();
  world.Publish(*first);
  world.Start(first);
  world.Start(second);
  world.Publish(*first);
  world.Wake(*first);
  EXPECT_FALSE(world.writer->writing) << "nothing before the session is open";
  world.Open();
  world.TakeAll();
  EXPECT_EQ(world.Received(), (Lines{"beat c1=1 c2=0", "c1:2"}));
}

TEST(SubscribeStream, BeginsWithAHeartbeatEvenWithoutAChannel) {
  StreamWorld world({});
  world.Open();
  world.TakeAll();
  EXPECT_EQ(world.Received(), Lines{"beat"});
}

TEST(SubscribeStream, WritesWhatCameMeanwhileInOneResponse) {
  StreamWorld world({});
  auto channel = world.NewChannel();
  world.Start(channel);
  world.Open();
  for (int i = 0; i < 100; ++i) {
    world.Publish(*channel);
    world.Wake(*channel);
  }
  world.WriteDone();
  EXPECT_EQ(world.writer->responses.size(), 2u);
  EXPECT_EQ(world.writer->responses.back().events_size(), 100);
}

TEST(SubscribeStream, ReadsNoFurtherThanItWasTold) {
  StreamWorld world({});
  auto channel = world.NewChannel();
  world.Start(channel);
  world.Open();
  world.Publish(*channel);
  world.Publish(*channel);
  world.stream->Wake({{channel->key(), 1}}, nullptr);
  world.TakeAll();
  EXPECT_EQ(world.Received(), (Lines{"beat c1=0", "c1:1"}));
}

TEST(SubscribeStream, GivesNothingAfterTheEndOfAChannelAndGoesOnAfterAReturn) {
  StreamWorld world({});
  auto channel = world.NewChannel();
  world.Start(channel);
  world.Open();
  world.Publish(*channel);
  world.stream->EndSubscription(channel->key(), 1);
  world.Publish(*channel);
  world.Start(channel);
  world.Publish(*channel);
  world.Wake(*channel);
  world.TakeAll();
  EXPECT_EQ(world.Received(), (Lines{"beat c1=0", "c1:1", "c1:3"}));
}

TEST(SubscribeStream, BeatsAtEveryIntervalAlsoOnABusyStream) {
  StreamWorld world({.heartbeat_interval_ms = 15'000});
  auto channel = world.NewChannel();
  world.Start(channel);
  world.Open();
  world.TakeAll();
  world.Pass(14'000);
  world.Publish(*channel);
  world.Wake(*channel);
  ASSERT_TRUE(world.writer->writing);
  world.Pass(1'000);  // Due, while a write is under way: it comes behind it.
  world.TakeAll();
  EXPECT_EQ(world.Received(), (Lines{"beat c1=0", "c1:1", "beat c1=1"}));
  world.Pass(14'000);
  EXPECT_FALSE(world.writer->writing);
  world.Pass(1'000);
  world.TakeAll();
  EXPECT_EQ(world.Received(), (Lines{"beat c1=0", "c1:1", "beat c1=1", "beat c1=1"}));
}

TEST(SubscribeStream, SplitsTheHeadsOfManyChannelsOverSeveralEvents) {
  StreamWorld world({.heartbeat_heads_max = 3});
  for (int i = 0; i < 7; ++i) world.Start(world.NewChannel());
  world.Publish(*world.queues[0]);
  world.Wake(*world.queues[0]);
  world.Open();
  world.TakeAll();
  std::size_t heads = 0;
  for (const v1::SubscribeResponse& response : world.writer->responses) {
    if (response.events(0).has_heartbeat()) heads += response.events(0).heartbeat().heads_size();
  }
  EXPECT_EQ(heads, 7u);
  EXPECT_EQ(world.Received().size(), 4u);
  EXPECT_EQ(world.Received().back(), "c1:1") << "events come after the last head";
}

TEST(SubscribeStream, KeepsToTheSizeOfAResponseUnlessOneEventIsLarger) {
  StreamWorld world({.response_bytes_max = 1'000});
  auto channel = world.NewChannel();
  world.Start(channel);
  world.Open();
  for (int i = 0; i < 50; ++i) world.Publish(*channel, 100);
  world.Publish(*channel, 5'000);
  world.Publish(*channel, 100);
  world.Wake(*channel);
  world.TakeAll();
  std::size_t larger = 0;
  for (std::size_t i = 0; i < world.writer->sizes.size(); ++i) {
    if (world.writer->sizes[i] <= 1'000) continue;
    ++larger;
    EXPECT_EQ(world.writer->responses[i].events_size(), 1);
  }
  EXPECT_EQ(larger, 1u);
  EXPECT_EQ(world.Received().size(), 53u);
}

TEST(SubscribeStream, LetsEveryChannelHaveItsTurn) {
  StreamWorld world({.response_bytes_max = 1'000});
  auto busy = world.NewChannel();
  auto quiet = world.NewChannel();
  world.Start(busy);
  world.Start(quiet);
  world.Open();
  for (int i = 0; i < 100; ++i) world.Publish(*busy, 100);
  world.Publish(*quiet);
  world.Wake(*busy);
  world.Wake(*quiet);
  world.WriteDone();  // The heartbeat; now the first part of the busy one is under way.
  world.WriteDone();
  world.WriteDone();
  const Lines received = world.Received();
  EXPECT_NE(std::find(received.begin(), received.end(), "c2:1"), received.end());
}

TEST(SubscribeStream, CatchesUpFromTheStoreOnePageAtATime) {
  StreamWorld world({}, {.events_max = 2});
  auto first = world.NewChannel();
  auto second = world.NewChannel();
  world.Start(first);
  world.Start(second);
  world.Open();
  for (int i = 1; i <= 12; ++i) {
    world.Publish(*first);
    world.Publish(*second);
  }
  world.Wake(*first);
  world.Wake(*second);
  world.TakeAll();
  const Lines received = world.Received();
  ASSERT_EQ(received.size(), 25u);
  for (const std::string id : {"c1:", "c2:"}) {
    int next = 1;
    for (const std::string& line : received) {
      if (!line.starts_with(id)) continue;
      EXPECT_EQ(line, id + std::to_string(next++));
    }
    EXPECT_EQ(next, 13);
  }
}

TEST(SubscribeStream, TellsWhatIsNoLongerKept) {
  StreamWorld world({}, {.events_max = 2}, /*store_bytes_max=*/1'000);
  auto channel = world.NewChannel();
  world.Start(channel);
  world.Open();
  for (int i = 1; i <= 50; ++i) world.Publish(*channel);
  world.Wake(*channel);
  world.TakeAll();
  const Lines received = world.Received();
  ASSERT_GE(received.size(), 3u);
  EXPECT_TRUE(received[1].starts_with("c1:gap 1-")) << received[1];
  EXPECT_EQ(received.back(), "c1:50");
}

TEST(SubscribeStream, TriesAPageAgainAfterAWhile) {
  StreamWorld world({.page_retry_ms = 1'000}, {.events_max = 2});
  auto channel = world.NewChannel();
  world.Start(channel);
  world.Open();
  world.TakeAll();
  for (int i = 1; i <= 4; ++i) world.Publish(*channel);
  world.Wake(*channel);
  world.FailPage();
  EXPECT_FALSE(world.fetch.has_value());
  world.Pass(999);
  EXPECT_FALSE(world.fetch.has_value());
  world.Pass(1);
  world.TakeAll();
  EXPECT_EQ(world.Received(), (Lines{"beat c1=0", "c1:1", "c1:2", "c1:3", "c1:4"}));
}

TEST(SubscribeStream, LetsGoOfItsPageWhileTheClientDoesNotRead) {
  StreamWorld world({.page_release_ms = 2'000, .response_bytes_max = 100}, {.events_max = 2});
  auto channel = world.NewChannel();
  world.Start(channel);
  world.Open();
  world.TakeAll();
  for (int i = 1; i <= 10; ++i) world.Publish(*channel);
  world.Wake(*channel);
  world.AnswerPage();
  EXPECT_TRUE(world.stream->holds_page());
  world.Pass(2'000);
  EXPECT_FALSE(world.stream->holds_page());
  world.TakeAll();
  EXPECT_EQ(world.Received().size(), 11u);
  EXPECT_EQ(world.Received().back(), "c1:10");
}

TEST(SubscribeStream, CancelsAWriteThatStalls) {
  StreamWorld world({.write_stall_timeout_ms = 300'000});
  world.Open();
  world.Pass(299'999);
  EXPECT_FALSE(world.writer->cancelled);
  world.Pass(1);
  EXPECT_TRUE(world.writer->cancelled);
  world.Pass(300'000);
  EXPECT_FALSE(world.writer->finished) << "not with the write under way";
  world.stream->OnCancel();
  world.WriteDone(false);
  EXPECT_TRUE(world.writer->finished);
  EXPECT_EQ(world.writer->end.code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(SubscribeStream, EndsWithTheErrorOfItsOpening) {
  StreamWorld world({});
  world.stream->OnOpened(absl::NotFoundError("no channel"));
  EXPECT_EQ(world.writer->end, absl::NotFoundError("no channel"));
  EXPECT_TRUE(world.writer->responses.empty());
}

TEST(SubscribeStream, DeliversWhatItOwesBeforeItEnds) {
  StreamWorld world({}, {.events_max = 2});
  auto channel = world.NewChannel();
  world.Start(channel);
  world.Open();
  for (int i = 1; i <= 4; ++i) world.Publish(*channel);
  world.Wake(*channel);
  world.stream->EndWith(kDraining);
  world.WriteDone();
  EXPECT_FALSE(world.writer->finished) << "a page is on the way";
  world.TakeAll();
  EXPECT_EQ(world.Received().back(), "c1:4");
  EXPECT_EQ(world.writer->end, kDraining);
}

TEST(SubscribeStream, EndsAtOnceIfItOwesNothing) {
  StreamWorld world({});
  world.Start(world.NewChannel());
  world.Open();
  world.TakeAll();
  world.stream->EndWith(kDraining);
  EXPECT_EQ(world.writer->end, kDraining);
}

TEST(SubscribeStream, IsCutWithoutWaitingForTheClient) {
  StreamWorld world({});
  auto channel = world.NewChannel();
  world.Start(channel);
  world.Open();
  world.Publish(*channel);
  world.Wake(*channel);
  world.stream->EndWith(kDraining);
  world.stream->Cut(absl::UnavailableError("cut"));
  world.Pass(world.options.cut_grace_ms);
  EXPECT_TRUE(world.writer->cancelled);
  world.WriteDone(false);
  EXPECT_EQ(world.writer->end, absl::UnavailableError("cut"));
  EXPECT_EQ(world.Received(), Lines{"beat c1=0"});
}

TEST(SubscribeStream, IsNotBrokenOffWhenCutIfTheClientReads) {
  StreamWorld world({});
  world.Open();
  world.stream->Cut(absl::UnavailableError("cut"));
  world.WriteDone();
  EXPECT_FALSE(world.writer->cancelled);
  EXPECT_EQ(world.writer->end, absl::UnavailableError("cut"));
}

TEST(SubscribeStream, FinishesOnceHoweverOftenItIsCancelled) {
  StreamWorld world({});
  world.Open();
  world.stream->OnCancel();
  EXPECT_FALSE(world.writer->finished);
  world.WriteDone(false);
  EXPECT_EQ(world.writer->end.code(), absl::StatusCode::kCancelled);
  world.stream->OnCancel();
  world.stream->Cut(kDraining);
  world.stream->EndWith(kDraining);
  world.Pass(1'000'000);
  EXPECT_EQ(world.writer->end.code(), absl::StatusCode::kCancelled);
}

TEST(SubscribeStream, FinishesWhenCancelledBeforeItIsOpen) {
  StreamWorld world({});
  world.stream->OnCancel();
  EXPECT_TRUE(world.writer->finished);
  world.Open();
  EXPECT_TRUE(world.writer->responses.empty());
}

TEST(SubscribeStream, HeartbeatsNameOnlyChannelsOfWhichEverythingWasSent) {
  StreamOptions options;
  StreamWorld world(options, {.events_max = 4});
  const auto queue = world.NewChannel();
  world.Start(queue);
  world.Open();
  world.TakeAll();
  for (int i = 0; i < 20; ++i) world.Publish(*queue);
  world.Wake(*queue);
  ASSERT_TRUE(world.fetch.has_value()) << "it is behind, and waits for the store";
  world.Pass(options.heartbeat_interval_ms);
  EXPECT_EQ(world.Received().back(), "beat") << "a reader that is being caught up lost nothing";
  world.TakeAll();
  world.Pass(options.heartbeat_interval_ms);
  EXPECT_EQ(world.Received().back(), "beat c1=20");
}

}  // namespace
}  // namespace txtchat::rpc
