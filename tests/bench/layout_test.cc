#include "bench/layout.h"

#include <gtest/gtest.h>

#include <map>

namespace txtchat::bench {
namespace {

std::uint32_t CountOf(const Layout& layout, Role role) {
  std::uint32_t count = 0;
  for (const Seat& seat : layout.seats) count += seat.role == role ? 1 : 0;
  return count;
}

TEST(Layout, HasASeatForEverybody) {
  Options options;
  options.subscribers = 7;
  options.publishers = 3;
  options.slow = 2;
  options.stalled = 4;
  options.idle = 5;
  const Layout layout(options);
  EXPECT_EQ(CountOf(layout, Role::kSubscriber), 7u);
  EXPECT_EQ(CountOf(layout, Role::kPublisher), 3u);
  EXPECT_EQ(CountOf(layout, Role::kSlow), 2u);
  EXPECT_EQ(CountOf(layout, Role::kStalled), 4u);
  EXPECT_EQ(CountOf(layout, Role::kIdle), 5u);
}

TEST(Layout, SpreadsSubscribersAndPublishersEvenly) {
  Options options;
  options.subscribers = 30;
  options.publishers = 10;
  options.channels = 10;
  options.channels_each = 3;
  const Layout layout(options);
  std::map<std::uint32_t, int> readers;
  std::map<std::uint32_t, int> publishers;
  for (const Seat& seat : layout.seats) {
    for (std::uint32_t i = 0; i < seat.channel_count; ++i) {
      ++(seat.role == Role::kPublisher ? publishers : readers)[layout.ChannelOf(seat, i)];
    }
  }
  ASSERT_EQ(readers.size(), 10u);
  for (const auto& [channel, count] : readers) EXPECT_EQ(count, 9) << channel;
  ASSERT_EQ(publishers.size(), 10u);
  for (const auto& [channel, count] : publishers) EXPECT_EQ(count, 1) << channel;
}

TEST(Layout, NumbersThePublishersAsTheyAreSpread) {
  Options options;
  options.publishers = 5;
  options.channels = 2;
  const Layout layout(options);
  std::uint32_t publisher = 0;
  for (const Seat& seat : layout.seats) {
    if (seat.role != Role::kPublisher) continue;
    EXPECT_EQ(seat.publisher, publisher);
    EXPECT_EQ(seat.first_channel, publisher % 2);
    ++publisher;
  }
}

TEST(Layout, PutsTheIdleIntoChannelsOfTheirOwn) {
  Options options;
  options.channels = 4;
  options.idle = 250;
  options.idle_channel_members = 100;
  const Layout layout(options);
  EXPECT_EQ(layout.idle_channels, 3u);
  EXPECT_EQ(layout.channels_in_all(), 7u);
  std::map<std::uint32_t, int> members;
  for (const Seat& seat : layout.seats) {
    if (seat.role == Role::kIdle) ++members[layout.ChannelOf(seat, 0)];
  }
  EXPECT_EQ(members, (std::map<std::uint32_t, int>{{4, 100}, {5, 100}, {6, 50}}));
}

TEST(Layout, PutsPublishersOnLinesWhereTheyHaveALineServer) {
  Options options;
  EXPECT_TRUE(IsOnLines(options, Role::kSubscriber));
  options.transport = Transport::kGrpc;
  EXPECT_FALSE(IsOnLines(options, Role::kPublisher));
  options.line_server = Endpoint{"localhost", 1};
  EXPECT_TRUE(IsOnLines(options, Role::kPublisher));
  for (const Role role : {Role::kSubscriber, Role::kSlow, Role::kStalled, Role::kIdle}) {
    EXPECT_FALSE(IsOnLines(options, role));
  }
}

TEST(Layout, SharesMessagesOutToTheLastOne) {
  EXPECT_EQ(ShareOf(10, 0, 3), 4u);
  EXPECT_EQ(ShareOf(10, 1, 3), 3u);
  EXPECT_EQ(ShareOf(10, 2, 3), 3u);
  EXPECT_EQ(ShareOf(2, 2, 3), 0u);
}

}  // namespace
}  // namespace txtchat::bench
