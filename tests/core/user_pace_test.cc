// How much one user may ask and say, all its sessions together.
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

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
