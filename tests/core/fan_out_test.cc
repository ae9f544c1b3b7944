#include "core/fan_out.h"

#include "gtest/gtest.h"

namespace txtchat {
namespace {

TEST(FanOut, KnowsTheSubscribersOfEachChannel) {
  FanOut<int> fan_out;
  fan_out.Add(1, 10);
  fan_out.Add(1, 11);
  fan_out.Add(2, 10);
  EXPECT_EQ(fan_out.SubscribersOf(1), (std::vector<int>{10, 11}));
  EXPECT_EQ(fan_out.SubscribersOf(2), (std::vector<int>{10}));
  EXPECT_TRUE(fan_out.SubscribersOf(3).empty());
}

TEST(FanOut, ForgetsAChannelWithItsLastSubscriber) {
  FanOut<int> fan_out;
  fan_out.Add(1, 10);
  fan_out.Add(1, 11);
  fan_out.Remove(1, 10);
  fan_out.Remove(1, 99);
  fan_out.Remove(7, 10);
  EXPECT_EQ(fan_out.SubscribersOf(1), (std::vector<int>{11}));
  fan_out.Remove(1, 11);
  EXPECT_EQ(fan_out.channel_count(), 0u);
}

}  // namespace
}  // namespace txtchat
