// Bans and mutes of all channels share one table: who is greedy leaves room for everybody else.
#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/chat_harness.h"

namespace txtchat {
namespace {

using absl::StatusCode;
using testing::ChatHarness;

/// Channels that ann owns, and the bans that she puts there.
class Channels {
 public:
  explicit Channels(Limits limits) : chat(limits), ann_(chat.TokenGuest("ann")) {}

  std::string Create() { return chat.Create(ann_, "room"); }
  absl::Status Remove(const std::string& channel) {
    return chat.Do(ann_, RemoveChannel{channel}).status();
  }
  /// Bans so many more address ranges, other ones each time; stops at the first that is refused.
  absl::Status Ban(const std::string& channel, int count, std::int64_t ms = 0) {
    for (int i = 0; i < count; ++i) {
      ++last_;
      const std::string range =
          "192." + std::to_string(last_ / 200) + "." + std::to_string(last_ % 200) + ".1";
      const absl::Status banned =
          chat.Do(ann_, Sanction{channel, SanctionKind::kBan, range, ms}).status();
      if (!banned.ok()) return banned;
    }
    return absl::OkStatus();
  }
  absl::Status Mute(const std::string& channel, const std::string& user_id) {
    return chat.Do(ann_, Sanction{channel, SanctionKind::kMute, user_id}).status();
  }
  /// Bans as many as it may; answers how many.
  int BanAll(const std::string& channel) {
    int banned = 0;
    while (Ban(channel, 1).ok()) ++banned;
    return banned;
  }

  ChatHarness chat;

 private:
  Actor ann_;
  int last_ = 0;
};

TEST(SharedSanctions, AreBounded) {
  Limits limits;
  limits.sanctions_max = 2;
  Channels all(limits);
  const std::string one = all.Create();
  const std::string other = all.Create();
  const std::string third = all.Create();
  ASSERT_TRUE(all.chat.JoinChannel(all.chat.TokenGuest("bob"), one).ok());
  EXPECT_EQ(all.BanAll(one), 5) << "its own four, and one of those that are shared";
  EXPECT_EQ(all.BanAll(other), 5) << "the same";
  EXPECT_EQ(all.BanAll(third), 4) << "its own four";
  const absl::Status refusal = all.Ban(third, 1);
  EXPECT_EQ(refusal.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(refusal.message(), "the server has few bans and mutes left, so the channel " + third +
                                   " may have only 4 for now; take one back first");
  EXPECT_EQ(all.Mute(one, "user-bob").code(), StatusCode::kResourceExhausted);
  all.chat.store.FailCommits(absl::UnavailableError("no disk"));
  EXPECT_EQ(all.Remove(one).code(), StatusCode::kUnavailable);
  all.chat.store.FailCommits(absl::OkStatus());
  EXPECT_EQ(all.BanAll(third), 0);
  all.chat.Restart();
  EXPECT_EQ(all.BanAll(third), 0);
  ASSERT_TRUE(all.Remove(one).ok());
  EXPECT_EQ(all.BanAll(third), 1) << "they ended with their channel";
}

TEST(SharedSanctions, OfGreedyChannelsLeaveSomeToAnyOther) {
  Limits limits;
  limits.sanctions_max = 100;
  limits.sanctions_per_channel_max = 20;
  Channels all(limits);
  const std::string honest = all.Create();
  std::vector<std::string> greedy;
  for (int i = 0; i < 150; ++i) {
    greedy.push_back(all.Create());
    EXPECT_GE(all.BanAll(greedy.back()), 4) << i;
  }
  for (const std::string& channel : greedy) all.BanAll(channel);
  EXPECT_EQ(all.BanAll(honest), 4);
}

TEST(SharedSanctions, ThatExpiredMakeRoomInTheirChannelAndInTheTable) {
  Limits limits;
  limits.sanctions_max = 1;
  Channels all(limits);
  const std::string one = all.Create();
  const std::string other = all.Create();
  ASSERT_TRUE(all.Ban(one, 2, 1'000).ok());
  ASSERT_TRUE(all.Ban(one, 3).ok());
  EXPECT_EQ(all.BanAll(other), 4);
  all.chat.Pass(1'000);
  EXPECT_TRUE(all.Ban(one, 1).ok()) << "two of five have expired";
  EXPECT_EQ(all.BanAll(other), 1) << "what the one had of the shared part is left over";
}

}  // namespace
}  // namespace txtchat
