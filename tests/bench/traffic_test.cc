#include "bench/traffic.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace txtchat::bench {
namespace {

TEST(SendAllowance, FillsTheWindow) {
  EXPECT_EQ(SendAllowance(/*window=*/10, /*burst=*/1, /*outstanding=*/0, /*left=*/100), 10u);
  EXPECT_EQ(SendAllowance(10, 1, 7, 100), 3u);
  EXPECT_EQ(SendAllowance(10, 1, 10, 100), 0u);
}

TEST(SendAllowance, SendsNoMoreThanIsLeft) {
  EXPECT_EQ(SendAllowance(10, 1, 0, 4), 4u);
  EXPECT_EQ(SendAllowance(10, 1, 0, 0), 0u);
}

TEST(SendAllowance, WaitsForRoomForABurst) {
  EXPECT_EQ(SendAllowance(10, 5, 6, 100), 0u);
  EXPECT_EQ(SendAllowance(10, 5, 5, 100), 5u);
  EXPECT_EQ(SendAllowance(10, 5, 6, 3), 3u);  // The last ones need no burst.
}

/// Two subscribers of one channel, two publishers, over lines, where publishers are readers too.
class TrafficTest : public ::testing::Test {
 protected:
  TrafficTest() {
    options_.subscribers = 2;
    options_.publishers = 2;
    options_.window = 3;
  }

  /// Everybody who reads gets it; the publisher takes it for an acknowledgement.
  void DeliverToAll(Traffic& traffic, const Layout& layout, const Stamp& stamp,
                    std::uint64_t now_ns) {
    std::string text;
    traffic.codec().Append(stamp, text);
    for (std::uint32_t seat = 0; seat < layout.seats.size(); ++seat) {
      Stamp read;
      EXPECT_TRUE(traffic.Delivered(seat, text, now_ns, read));
    }
    traffic.Acknowledged(stamp.publisher, stamp.time_ns, now_ns);
  }

  Options options_;
};

TEST_F(TrafficTest, IsCompleteWhenAllIsSentAcknowledgedAndDelivered) {
  const Layout layout(options_);
  Traffic traffic(options_, layout);
  traffic.Begin({.messages = 3, .measured = true});
  EXPECT_EQ(traffic.Allowance(0), 2u);
  EXPECT_EQ(traffic.Allowance(1), 1u);
  for (const std::uint32_t publisher : {0u, 1u, 0u}) {
    EXPECT_FALSE(traffic.AllSent());
    const std::uint64_t sent_ns = NowNanos();
    DeliverToAll(traffic, layout, traffic.Send(publisher, sent_ns), sent_ns + 1'000);
  }
  EXPECT_TRUE(traffic.AllSent());
  EXPECT_TRUE(traffic.Complete());
  EXPECT_EQ(traffic.result().acknowledged, 3u);
  EXPECT_EQ(traffic.result().deliveries, 12u);
  EXPECT_EQ(traffic.result().ack_ns.count(), 3u);
  EXPECT_EQ(traffic.result().delivery_ns.count(), 12u);
  EXPECT_EQ(traffic.result().delivery_ns.max(), 1'000u);
  EXPECT_FALSE(traffic.Verdict().any());
}

TEST_F(TrafficTest, DoesNotMeasureAWarmUp) {
  const Layout layout(options_);
  Traffic traffic(options_, layout);
  traffic.Begin({.messages = 1});
  DeliverToAll(traffic, layout, traffic.Send(0, 5), 10);
  EXPECT_TRUE(traffic.Complete());
  EXPECT_EQ(traffic.result().delivery_ns.count(), 0u);
}

TEST_F(TrafficTest, KeepsEachPublishersWindow) {
  const Layout layout(options_);
  Traffic traffic(options_, layout);
  traffic.Begin({.messages = 100});
  EXPECT_EQ(traffic.Allowance(0), 3u);
  const Stamp first = traffic.Send(0, 1);
  traffic.Send(0, 1);
  EXPECT_EQ(traffic.Allowance(0), 1u);
  EXPECT_EQ(traffic.Allowance(1), 3u);
  traffic.Acknowledged(0, first.time_ns, 2);
  EXPECT_EQ(traffic.Allowance(0), 2u);
}

TEST_F(TrafficTest, SendsNothingAfterItWasStoppedAndWaitsForTheRest) {
  const Layout layout(options_);
  Traffic traffic(options_, layout);
  traffic.Begin({.messages = 100});
  const Stamp stamp = traffic.Send(0, 1);
  traffic.StopSending();
  EXPECT_TRUE(traffic.AllSent());
  EXPECT_EQ(traffic.Allowance(0), 0u);
  EXPECT_FALSE(traffic.Complete());
  DeliverToAll(traffic, layout, stamp, 2);
  EXPECT_TRUE(traffic.Complete());
}

TEST_F(TrafficTest, AnOpenLoopHasDueTimesWhateverComesBack) {
  const Layout layout(options_);
  Traffic traffic(options_, layout);
  traffic.Begin({.messages = 10, .rate = 1'000});
  EXPECT_EQ(traffic.Allowance(0), 0u);
  const std::uint64_t begin_ns = traffic.result().begin_ns;
  for (std::uint64_t i = 0; i < 10; ++i) {
    EXPECT_EQ(traffic.NextDueNanos(), begin_ns + i * 1'000'000);
    EXPECT_EQ(traffic.NextPublisher(), i % 2);
    traffic.Send(traffic.NextPublisher(), traffic.NextDueNanos());
  }
  EXPECT_TRUE(traffic.AllSent());
}

TEST_F(TrafficTest, DoesNotWaitForSlowReaders) {
  options_.slow = 1;
  options_.publishers = 1;
  const Layout layout(options_);
  Traffic traffic(options_, layout);
  traffic.Begin({.messages = 1, .measured = true});
  const Stamp stamp = traffic.Send(0, 1);
  std::string text;
  traffic.codec().Append(stamp, text);
  std::uint32_t slow_seat = 0;
  Stamp read;
  for (std::uint32_t seat = 0; seat < layout.seats.size(); ++seat) {
    if (layout.seats[seat].role == Role::kSlow) {
      slow_seat = seat;
    } else {
      traffic.Delivered(seat, text, 2, read);
    }
  }
  traffic.Acknowledged(0, 1, 2);
  EXPECT_TRUE(traffic.Complete());
  EXPECT_FALSE(traffic.SlowComplete());
  EXPECT_EQ(traffic.Verdict().lost, 1u);
  traffic.Delivered(slow_seat, text, 3, read);
  EXPECT_TRUE(traffic.SlowComplete());
  EXPECT_EQ(traffic.result().delivery_ns.count(), 3u);  // Its slowness is not the server's.
}

// Two publishers' messages reach two readers in two orders.
TEST_F(TrafficTest, DemandsOneOrderForAllWhereTheServerPromisesIt) {
  for (const auto& [transport, blames] : {std::pair{Transport::kLine, true},
                                          {Transport::kGrpc, true},
                                          {Transport::kRedis, true},
                                          {Transport::kNats, false}}) {
    SCOPED_TRACE(NameOf(transport));
    options_.transport = transport;
    const Layout layout(options_);
    Traffic traffic(options_, layout);
    traffic.Begin({.messages = 2});
    std::string texts[2];
    for (const std::uint32_t p : {0u, 1u}) traffic.codec().Append(traffic.Send(p, 1), texts[p]);
    Stamp read;
    for (const std::uint32_t p : {0u, 1u}) traffic.Delivered(0, texts[p], 2, read);
    for (const std::uint32_t p : {1u, 0u}) traffic.Delivered(1, texts[p], 2, read);
    EXPECT_EQ(traffic.Verdict().out_of_order, blames ? 1u : 0u);
  }
}

/// What one subscriber and the only publisher are owed of two messages, over gRPC.
class GrpcTrafficTest : public TrafficTest {
 protected:
  GrpcTrafficTest() {
    options_.transport = Transport::kGrpc;
    options_.subscribers = options_.publishers = 1;
  }

  void DeliverInTheWrongOrder(Traffic& traffic, const std::vector<std::uint32_t>& seats) {
    traffic.Begin({.messages = 2});
    const Stamp stamps[] = {traffic.Send(0, 1), traffic.Send(0, 1)};
    for (const Stamp& stamp : {stamps[1], stamps[0]}) {
      std::string text;
      traffic.codec().Append(stamp, text);
      Stamp read;
      for (const std::uint32_t seat : seats) traffic.Delivered(seat, text, 2, read);
      traffic.Acknowledged(0, 1, 2);
    }
  }
};

TEST_F(GrpcTrafficTest, ExpectsNothingOfPublishersAndNoOrderOfTheirCalls) {
  const Layout layout(options_);
  Traffic traffic(options_, layout);
  DeliverInTheWrongOrder(traffic, {0});
  EXPECT_TRUE(traffic.Complete());
  EXPECT_FALSE(traffic.Verdict().any());
}

TEST_F(GrpcTrafficTest, OfPublishersOnLinesItExpectsThatTheyReadAndTheirOrder) {
  options_.line_server = Endpoint{"localhost", 1};
  const Layout layout(options_);
  Traffic traffic(options_, layout);
  DeliverInTheWrongOrder(traffic, {0});
  EXPECT_FALSE(traffic.Complete());
  EXPECT_EQ(traffic.Verdict().lost, 2u);
  EXPECT_GT(traffic.Verdict().out_of_order, 0u);
}

TEST_F(TrafficTest, BlamesAReaderThatGetsSomethingElse) {
  const Layout layout(options_);
  Traffic traffic(options_, layout);
  traffic.Begin({.messages = 1});
  Stamp read;
  EXPECT_FALSE(traffic.Delivered(0, "hello", 1, read));
  EXPECT_EQ(traffic.Verdict().unknown, 1u);
}

}  // namespace
}  // namespace txtchat::bench
