#include "core/queue_budget.h"

#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/chat_harness.h"

namespace txtchat {
namespace {

using testing::ChatHarness;

TEST(QueueBudget, IdleQueuesLetGoAndTheirReadersLoseNothing) {
  Limits limits;
  limits.queues_bytes_max = 10'000;
  ChatHarness chat(limits);
  const Actor alice = chat.LineGuest(1, "alice");
  std::vector<std::string> channels;
  for (int i = 0; i < 20; ++i) channels.push_back(chat.Create(alice, "channel"));
  const std::string text(1'000, 'x');
  for (const std::string& channel : channels) {
    ASSERT_TRUE(chat.Post(alice, channel, text).ok());
    ASSERT_TRUE(chat.Post(alice, channel, text).ok());
    EXPECT_LE(chat.engine().queues_bytes(), limits.queues_bytes_max);
  }
  EXPECT_GT(chat.engine().queues_bytes(), limits.queues_bytes_max / 2) << "it is made use of";
  const std::string line = "alice: " + text + "\n";
  const std::map<std::string, std::string> read = chat.lane.Read(1);
  for (const std::string& channel : channels) EXPECT_TRUE(read.at(channel) == line + line);
}

TEST(QueueBudget, AQueueLargerThanAllOfItIsKept) {
  Limits limits;
  limits.queues_bytes_max = 1;
  ChatHarness chat(limits);
  const Actor alice = chat.LineGuest(1, "alice");
  const std::string one = chat.Create(alice, "one");
  const std::string two = chat.Create(alice, "two");
  ASSERT_TRUE(chat.Post(alice, one, "a").ok());
  ASSERT_TRUE(chat.Post(alice, two, "b").ok());
  const std::map<std::string, std::string> read = chat.lane.Read(1);
  EXPECT_EQ(read.at(one), "alice: a\n");
  EXPECT_EQ(read.at(two), "alice: b\n");
  ASSERT_TRUE(chat.Post(alice, one, "c").ok());
  EXPECT_EQ(chat.lane.Read(1, one), "alice: c\n");
}

TEST(QueueBudget, CountsNothingOfChannelsThatHaveEnded) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  ASSERT_TRUE(chat.Post(alice, ChatHarness::AddressOf(1), "note").ok());
  EXPECT_GT(chat.engine().queues_bytes(), 0u);
  ASSERT_TRUE(chat.Close(1).ok());
  EXPECT_EQ(chat.engine().queues_bytes(), 0u);
}

}  // namespace
}  // namespace txtchat
