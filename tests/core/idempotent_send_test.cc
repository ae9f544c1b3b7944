// A send with a client message id can be repeated: it is posted once.
#include <string>
#include <variant>

#include "gtest/gtest.h"
#include "tests/testing/chat_harness.h"

namespace txtchat {
namespace {

using absl::StatusCode;
using testing::ChatHarness;

class IdempotentSend : public ::testing::Test {
 protected:
  absl::StatusOr<Result> Post(const std::string& text, const std::string& id) {
    return chat.Do(alice, Send{channel, text, id, false});
  }
  static std::uint64_t SequenceOf(const absl::StatusOr<Result>& posted) {
    return std::get<Posted>(*posted).event->sequence;
  }

  ChatHarness chat;
  Actor alice = chat.TokenGuest("alice");
  std::string channel = chat.Create(alice, "general");
};

TEST_F(IdempotentSend, ARepeatAnswersTheFirstResultAndPostsNothing) {
  ASSERT_TRUE(chat.Open(alice, 1).ok());
  const absl::StatusOr<Result> first = Post("hello", "id 1");
  const absl::StatusOr<Result> again = Post("hello", "id 1");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(SequenceOf(again), SequenceOf(first));
  EXPECT_FALSE(std::get<Posted>(*first).repeated);
  EXPECT_TRUE(std::get<Posted>(*again).repeated);
  EXPECT_EQ(chat.lane.Read(1, channel), "alice: hello\n");
}

TEST_F(IdempotentSend, HoldsWithinOneBatch) {
  absl::StatusOr<Result> first;
  absl::StatusOr<Result> again;
  absl::StatusOr<Result> other;
  chat.Queue(alice, Send{channel, "hello", "id", false}, &first);
  chat.Queue(alice, Send{channel, "hello", "id", false}, &again);
  chat.Queue(alice, Send{channel, "goodbye", "id", false}, &other);
  chat.RunBatch();
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_EQ(SequenceOf(first), SequenceOf(again));
  EXPECT_EQ(other.status().code(), StatusCode::kAlreadyExists);
}

TEST_F(IdempotentSend, AnotherTextOrChannelIsRefused) {
  const std::string elsewhere = chat.Create(alice, "elsewhere");
  ASSERT_TRUE(Post("hello", "id").ok());
  EXPECT_EQ(Post("goodbye", "id").status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(chat.Do(alice, Send{elsewhere, "hello", "id", false}).status().code(),
            StatusCode::kAlreadyExists);
}

TEST_F(IdempotentSend, IdsAreEachUsersOwn) {
  const Actor bob = chat.TokenGuest("bob");
  ASSERT_TRUE(chat.JoinChannel(bob, channel).ok());
  ASSERT_TRUE(Post("hello", "id").ok());
  const absl::StatusOr<Result> his = chat.Do(bob, Send{channel, "something else", "id", false});
  ASSERT_TRUE(his.ok());
  EXPECT_FALSE(std::get<Posted>(*his).repeated);
}

TEST_F(IdempotentSend, HoldsAcrossARestart) {
  const absl::StatusOr<Result> first = Post("hello", "id");
  chat.Restart();
  const absl::StatusOr<Result> again = Post("hello", "id");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(SequenceOf(again), SequenceOf(first));
}

TEST_F(IdempotentSend, AnswersEvenWhoHasLeftTheChannelSince) {
  const Actor bob = chat.TokenGuest("bob");
  ASSERT_TRUE(chat.JoinChannel(bob, channel).ok());
  ASSERT_TRUE(Post("hello", "id").ok());
  ASSERT_TRUE(chat.Do(alice, Leave{channel}).ok());
  EXPECT_TRUE(Post("hello", "id").ok()) << "it was posted, whatever came after";
  EXPECT_EQ(Post("hello", "new id").status().code(), StatusCode::kPermissionDenied);
}

TEST_F(IdempotentSend, ARefusedCommitLeavesTheIdFree) {
  chat.store.FailCommits(absl::ResourceExhaustedError("disk full"));
  EXPECT_EQ(Post("lost", "id").status().code(), StatusCode::kUnavailable);
  chat.store.FailCommits(absl::OkStatus());
  const absl::StatusOr<Result> posted = Post("another text", "id");
  ASSERT_TRUE(posted.ok()) << posted.status();
  EXPECT_FALSE(std::get<Posted>(*posted).repeated);
}

TEST_F(IdempotentSend, ALookUpThatFailsIsUnavailableAndPostsNothing) {
  chat.store.FailReads(absl::InternalError("disk"));
  EXPECT_EQ(Post("hello", "id").status().code(), StatusCode::kUnavailable);
  EXPECT_TRUE(Post("without an id", "").ok());
}

TEST_F(IdempotentSend, LastsAsLongAsTheMessage) {
  const absl::StatusOr<Result> first = Post("hello", "id");
  const ChannelKey key = std::get<Posted>(*first).channel;
  ASSERT_TRUE(chat.Do({}, Trim{key, SequenceOf(first) + 1}).ok());
  const absl::StatusOr<Result> again = Post("hello", "id");
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(std::get<Posted>(*again).repeated);
  EXPECT_EQ(SequenceOf(again), SequenceOf(first) + 1);
}

}  // namespace
}  // namespace txtchat
