// How much one user may ask and say, all its sessions together.
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "core/retry_after.h"
#include "gtest/gtest.h"
#include "tests/testing/chat_harness.h"

namespace txtchat {
namespace {

using absl::StatusCode;
using testing::ChatHarness;

Limits FewCommands() {
  Limits limits;
  limits.commands_per_user_per_s = 10;
  limits.commands_per_user_burst = 20;
  return limits;
}

Limits FewBytes() {
  Limits limits;
  limits.bytes_per_user_per_s = 1'000;
  limits.bytes_per_user_burst = 10'000;
  return limits;
}

/// Posts until it is refused; how many were not.
int PostAll(ChatHarness& chat, const Actor& actor, const std::string& channel,
            const std::string& text, absl::Status& refusal) {
  for (int posted = 0; posted < 10'000; ++posted) {
    refusal = chat.Post(actor, channel, text);
    if (!refusal.ok()) return posted;
  }
  return std::numeric_limits<int>::max();
}

TEST(UserPace, CommandsAreOnlySoManyASecond) {
  ChatHarness chat(FewCommands());
  const Actor alice = chat.TokenGuest("alice");
  const Actor bob = chat.TokenGuest("bob");
  const std::string channel = chat.Create(alice, "lobby");
  absl::Status refusal;
  const int posted = PostAll(chat, alice, channel, "x", refusal);
  EXPECT_EQ(posted, 19) << "the burst, less the channel";
  EXPECT_EQ(refusal.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(refusal.message(), "your commands come too fast; retry after 100 ms");
  EXPECT_EQ(RetryAfterMs(refusal), 100);
  EXPECT_TRUE(chat.JoinChannel(bob, channel).ok()) << "nobody else is concerned";

  chat.Pass(99);
  EXPECT_EQ(RetryAfterMs(chat.Post(alice, channel, "x")), 1);
  chat.Pass(1);
  EXPECT_TRUE(chat.Post(alice, channel, "x").ok());
  EXPECT_EQ(RetryAfterMs(chat.Post(alice, channel, "x")), 100) << "a refusal costs nothing";
}

TEST(UserPace, SessionsShareIt) {
  ChatHarness chat(FewCommands());
  const Actor alice = chat.Account("alice");
  const Actor phone = chat.LogIn("alice", "phone");
  const std::string channel = chat.Create(alice, "lobby");
  absl::Status refusal;
  PostAll(chat, alice, channel, "x", refusal);
  EXPECT_EQ(chat.Post(phone, channel, "x").code(), StatusCode::kResourceExhausted);
}

TEST(UserPace, BytesAreOnlySoManyASecond) {
  ChatHarness chat(FewBytes());
  const Actor alice = chat.TokenGuest("alice");
  const std::string channel = chat.Create(alice, "lobby");
  absl::Status refusal;
  const int posted = PostAll(chat, alice, channel, std::string(1'000, 'x'), refusal);
  EXPECT_EQ(posted, 9) << "ids and names count, too";
  EXPECT_EQ(refusal.code(), StatusCode::kResourceExhausted);
  const std::optional<std::int64_t> wait_ms = RetryAfterMs(refusal);
  ASSERT_TRUE(wait_ms.has_value());
  EXPECT_GT(*wait_ms, 0);
  EXPECT_LT(*wait_ms, 1'000);
  EXPECT_TRUE(chat.Post(alice, channel, "short").ok()) << "what is shorter may still fit";
  chat.Pass(1'000);
  EXPECT_TRUE(chat.Post(alice, channel, std::string(1'000, 'x')).ok());
}

TEST(UserPace, WhatTheServerAnswersDoesNotCount) {
  ChatHarness chat(FewBytes());
  const Actor alice = chat.TokenGuest("alice");
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(chat.Do(alice, ListChannels{}).ok()) << i;
}

Limits FewCreations() {
  Limits limits;
  limits.creations_per_user_per_minute = 6;
  limits.creations_per_user_burst = 3;
  return limits;
}

TEST(UserPace, OnlySoManyThingsThatStayAreMadeInAMinute) {
  ChatHarness chat(FewCreations());
  const Actor alice = chat.TokenGuest("alice");
  const Actor bob = chat.TokenGuest("bob");
  const std::string bobs_id = chat.WhoIs(bob).id;
  const auto den = chat.Do(alice, CreateChannel{"den", ChannelKind::kPrivate});
  const std::string id = std::get<ChannelInfo>(*den).id;
  const Sanction ban{id, SanctionKind::kBan, "192.0.2.1"};
  const CreateInvite invite{id, "hash", "invite", 1, 1'000};
  EXPECT_TRUE(chat.Do(alice, ban).ok());
  EXPECT_TRUE(chat.Do(alice, invite).ok());
  const Sanction other_ban{id, SanctionKind::kBan, "192.0.2.2"};
  const CreateInvite other_invite{id, "hash 2", "invite 2", 1, 1'000};
  for (const Command& command :
       std::vector<Command>{CreateChannel{"room"}, OpenDirect{bobs_id}, other_ban, other_invite}) {
    const absl::Status refusal = chat.Do(alice, command).status();
    EXPECT_EQ(refusal.code(), StatusCode::kResourceExhausted) << command.index();
    EXPECT_EQ(refusal.message(),
              "you make channels, bans, mutes and invites too fast; retry after 10000 ms");
    EXPECT_EQ(RetryAfterMs(refusal), 10'000);
  }
  EXPECT_TRUE(chat.Do(alice, ban).ok()) << "it takes the place of the one that is there";
  EXPECT_TRUE(chat.Post(alice, id, "x").ok());
  EXPECT_TRUE(chat.Do(bob, CreateChannel{"room"}).ok()) << "nobody else is concerned";

  chat.Pass(9'999);
  EXPECT_EQ(RetryAfterMs(chat.Do(alice, OpenDirect{bobs_id}).status()), 1);
  chat.Pass(1);
  EXPECT_TRUE(chat.Do(alice, OpenDirect{bobs_id}).ok());
  EXPECT_TRUE(chat.Do(alice, OpenDirect{bobs_id}).ok()) << "it is there already";
  EXPECT_FALSE(chat.Do(alice, CreateChannel{"room"}).ok());
  chat.Pass(-3'600'000);
  EXPECT_TRUE(chat.Do(alice, CreateChannel{"room"}).ok()) << "anew where the clock goes back";
}

TEST(UserPace, WhatIsRefusedMakesNothingAndCostsNothing) {
  ChatHarness chat(FewCreations());
  const Actor alice = chat.TokenGuest("alice");
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(chat.Do(alice, CreateChannel{""}).status().code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(chat.Do(alice, OpenDirect{"nobody"}).status().code(), StatusCode::kNotFound);
  }
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(chat.Do(alice, CreateChannel{"room"}).ok()) << i;
}

TEST(UserPace, BeginsAnewWhereTheTimeOfDayGoesBack) {
  ChatHarness chat(FewCommands());
  const Actor alice = chat.TokenGuest("alice");
  const std::string channel = chat.Create(alice, "lobby");
  absl::Status refusal;
  PostAll(chat, alice, channel, "x", refusal);
  chat.Pass(-3'600'000);
  EXPECT_TRUE(chat.Post(alice, channel, "x").ok());
}

}  // namespace
}  // namespace txtchat
