#include "core/delivery_lane.h"

#include <utility>

#include "gtest/gtest.h"

namespace txtchat {
namespace {

TEST(LaneBatch, KeepsTheOrderOfWhatIsMerged) {
  LaneBatch first;
  first.items.push_back(SubscriptionEnd{1, 10, 5});
  first.readable = {{10, 1}};
  LaneBatch second;
  second.items.push_back(SubscriptionEnd{2, 20, 6});
  second.readable = {{20, 7}};
  second.inbox_has_room = true;
  first.Merge(std::move(second));
  ASSERT_EQ(first.items.size(), 2u);
  EXPECT_EQ(std::get<SubscriptionEnd>(first.items[1]).session, 2u);
  ASSERT_EQ(first.readable.size(), 2u);
  EXPECT_EQ(first.readable[1].channel, 20u);
  EXPECT_EQ(first.readable[1].head, 7u);
  EXPECT_TRUE(first.inbox_has_room);
}

TEST(LaneBatch, StaysSmallHoweverOftenTheSameChannelsBecomeReadable) {
  LaneBatch waiting;
  for (std::uint64_t round = 1; round <= 1000; ++round) {
    LaneBatch later;
    for (ChannelKey channel = 1; channel <= 2000; ++channel) {
      later.readable.push_back({channel, round});
    }
    waiting.Merge(std::move(later));
    ASSERT_LE(waiting.readable.size(), 6000u);
  }
  waiting.Compact();
  ASSERT_EQ(waiting.readable.size(), 2000u);
  for (const Readable& readable : waiting.readable) ASSERT_EQ(readable.head, 1000u);
}

}  // namespace
}  // namespace txtchat
