// A reader that was away goes on exactly where it was, or is told what is missing.
#include <string>
#include <variant>

#include "gtest/gtest.h"
#include "tests/testing/chat_harness.h"

namespace txtchat {
namespace {

using absl::StatusCode;
using testing::ChatHarness;

class Resuming : public ::testing::Test {
 protected:
  explicit Resuming(std::size_t queue_events = 1'000)
      : chat([=] {
          Limits limits;
          limits.queue_events_max = queue_events;
          return limits;
        }()) {}

  void Say(int from, int to) {
    for (int i = from; i <= to; ++i) {
      ASSERT_TRUE(chat.Post(alice, channel, std::to_string(i)).ok());
    }
  }
  /// The texts `from` to `to` as a reader gets them.
  static std::string Said(int from, int to) {
    std::string text;
    for (int i = from; i <= to; ++i) text += "alice: " + std::to_string(i) + "\n";
    return text;
  }
  std::string epoch() { return chat.engine().state().epoch(); }
  ChannelKey key() { return std::get<ChannelInfo>(*chat.Do(alice, GetChannel{channel})).key; }

  ChatHarness chat;
  Actor alice = chat.TokenGuest("alice");
  std::string channel = chat.Create(alice, "general");  // Her joining is event 1.
};

TEST_F(Resuming, GoesOnBehindThePositionOnceAndInOrder) {
  Say(2, 10);
  EXPECT_EQ(chat.OpenAt(alice, 1, {{channel, 4, epoch()}}), "recovered");
  EXPECT_EQ(chat.lane.Read(1, channel), Said(5, 10));
  Say(11, 12);
  EXPECT_EQ(chat.lane.Read(1, channel), Said(11, 12));
}

TEST_F(Resuming, BeginsAtTheHeadWhereThereIsNoPosition) {
  const std::string other = chat.Create(alice, "other");
  ASSERT_TRUE(chat.Post(alice, other, "before").ok());
  Say(2, 3);
  EXPECT_EQ(chat.OpenAt(alice, 1, {{channel, 2, epoch()}}), "recovered");
  EXPECT_EQ(chat.lane.Read(1, other), "");
  EXPECT_EQ(chat.OpenAt(alice, 2, {}), "");
  EXPECT_EQ(chat.lane.Read(2, channel), "");
}

TEST_F(Resuming, ReadsEverythingFromTheBeginning) {
  Say(2, 3);
  EXPECT_EQ(chat.OpenAt(alice, 1, {{channel, 0, ""}}), "recovered");
  EXPECT_EQ(chat.lane.Read(1, channel), "+alice\n" + Said(2, 3));
}

TEST_F(Resuming, NamesWhatIsNoLongerKept) {
  Say(2, 10);
  ASSERT_TRUE(chat.Do({}, Trim{key(), 6}).ok());
  EXPECT_EQ(chat.OpenAt(alice, 1, {{channel, 2, epoch()}}), "gap 3-5");
  EXPECT_EQ(chat.lane.Read(1, channel), Said(6, 10)) << "and the gap is not told twice";
  EXPECT_EQ(chat.OpenAt(alice, 2, {{channel, 5, epoch()}}), "recovered");
  EXPECT_EQ(chat.lane.Read(2, channel), Said(6, 10));
}

TEST_F(Resuming, AnotherHistoryBeginsAtTheHead) {
  Say(2, 10);
  EXPECT_EQ(chat.OpenAt(alice, 1, {{channel, 4, "0123456789abcdef"}}), "epoch changed");
  Say(11, 11);
  EXPECT_EQ(chat.lane.Read(1, channel), Said(11, 11));
}

TEST_F(Resuming, APositionBeyondTheHeadIsRefused) {
  Say(2, 3);
  EXPECT_EQ(chat.OpenAt(alice, 1, {{channel, 3, epoch()}}), "recovered");
  EXPECT_EQ(chat.OpenAt(alice, 2, {{channel, 4, epoch()}}), "OUT_OF_RANGE");
}

TEST_F(Resuming, ChannelsThatAreGoneAreNamedAndTheOthersGoOn) {
  Say(2, 4);
  const Actor bob = chat.TokenGuest("bob");
  const std::string his = chat.Create(bob, "his own");
  EXPECT_EQ(chat.OpenAt(alice, 1, {{"nowhere", 3, ""}, {his, 1, ""}, {channel, 3, epoch()}}),
            "not a member, not a member, recovered");
  EXPECT_EQ(chat.lane.Read(1, channel), Said(4, 4));
}

TEST_F(Resuming, ContradictionsAreRefused) {
  EXPECT_EQ(chat.OpenAt(alice, 1, {{channel, 1, ""}, {channel, 1, ""}}), "INVALID_ARGUMENT");
  const std::string other = chat.Create(alice, "other");
  const absl::StatusOr<Result> opened =
      chat.Do(alice, OpenSession{{.id = 2, .lane = &chat.lane}, {other}, {{channel, 1, ""}}});
  EXPECT_EQ(opened.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(chat.engine().state().session_count(), 0u);
}

TEST_F(Resuming, GoesOnAcrossARestartWithTokensMembersAndSequenceNumbers) {
  const Actor bob = chat.TokenGuest("bob");
  ASSERT_TRUE(chat.JoinChannel(bob, channel).ok());  // Event 2.
  Say(3, 5);
  chat.Restart();
  EXPECT_EQ(chat.OpenAt(bob, 1, {{channel, 3, epoch()}}), "recovered");
  EXPECT_EQ(chat.lane.Read(1, channel), Said(4, 5));
  Say(6, 6);
  EXPECT_EQ(chat.lane.Read(1, channel), Said(6, 6));
  const absl::StatusOr<Result> info = chat.Do(bob, GetChannel{channel});
  EXPECT_EQ(std::get<ChannelInfo>(*info).head_sequence, 6u);
  EXPECT_EQ(std::get<ChannelInfo>(*info).member_count, 2u);
}

TEST_F(Resuming, ARestartEndsLineGuestsAndSaysSo) {
  const Actor carol = chat.LineGuest(7, "carol");
  ASSERT_TRUE(chat.JoinChannel(carol, channel).ok());  // Event 2.
  chat.Restart();
  EXPECT_EQ(chat.engine().state().user_count(), 1u);
  EXPECT_EQ(chat.OpenAt(alice, 1, {{channel, 1, epoch()}}), "recovered");
  EXPECT_EQ(chat.lane.Read(1, channel), "+carol\n-carol\n");
  EXPECT_EQ(chat.Do(alice, GetChannel{ChatHarness::AddressOf(7)}).status().code(),
            StatusCode::kNotFound);
}

TEST_F(Resuming, AGuestThatDoesNotComeBackAfterARestartEnds) {
  chat.Restart();
  chat.Pass(chat.limits.guest_grace_ms - 1);
  EXPECT_EQ(chat.engine().state().user_count(), 1u);
  chat.Pass(1);
  EXPECT_EQ(chat.engine().state().user_count(), 0u);
  chat.Pass(chat.limits.quiet_channel_ttl_ms - 1);
  EXPECT_EQ(chat.engine().state().channel_count(), 1u) << "what was said there is kept";
  chat.Pass(1);
  EXPECT_EQ(chat.engine().state().channel_count(), 0u);
}

TEST_F(Resuming, ANewServerThatCannotLoadSaysWhy) {
  class Damaged final : public testing::ForwardingStore {
   public:
    using ForwardingStore::ForwardingStore;
    absl::StatusOr<StoredState> Load() override { return absl::DataLossError("damaged"); }
  } damaged(&chat.store);
  ChatEngine engine(chat.limits, testing::PlainEncoders(), &damaged);
  EXPECT_EQ(engine.Recover(0), absl::DataLossError("damaged"));
}

class ResumingBeyondTheQueue : public Resuming {
 protected:
  ResumingBeyondTheQueue() : Resuming(/*queue_events=*/4) {}
};

TEST_F(ResumingBeyondTheQueue, ReadsTheStoreAndThenTheQueueWithoutASeam) {
  ASSERT_TRUE(chat.OpenAt(alice, 9, {}).empty());  // Keeps the queue in use.
  Say(2, 40);
  EXPECT_EQ(chat.OpenAt(alice, 1, {{channel, 1, epoch()}}), "recovered");
  EXPECT_EQ(chat.lane.Read(1, channel), Said(2, 40));
}

// The line protocol's resume is a join that goes on from a position.
TEST_F(Resuming, AJoinWithAPositionBringsWhatWasSaidAndTheJoining) {
  Say(2, 6);
  const Actor carol = chat.LineGuest(7, "carol");
  const absl::StatusOr<Result> resumed = chat.Do(carol, Resume{{channel, 3, ""}});
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  EXPECT_EQ(testing::Describe(std::get<Resumed>(*resumed).recovery), "recovered");
  EXPECT_EQ(std::get<Resumed>(*resumed).channel.head_sequence, 7u);
  EXPECT_EQ(chat.lane.Read(7, channel), Said(4, 6) + "+carol\n");
  EXPECT_EQ(chat.Do(carol, Resume{{channel, 3, ""}}).status().code(),
            StatusCode::kFailedPrecondition);
  const Actor dave = chat.LineGuest(8, "dave");
  EXPECT_EQ(chat.Do(dave, Resume{{channel, 99, ""}}).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(chat.Do(dave, Resume{{"nowhere", 1, ""}}).status().code(), StatusCode::kNotFound);
}

TEST_F(Resuming, OnlyMembersMayReadHistory) {
  const Actor bob = chat.TokenGuest("bob");
  EXPECT_EQ(chat.Do(bob, OpenHistory{channel}).status().code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(chat.Do(bob, OpenHistory{"nowhere"}).status().code(), StatusCode::kNotFound);
  Say(2, 3);
  const absl::StatusOr<Result> opened = chat.Do(alice, OpenHistory{channel});
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(std::get<HistoryOpened>(*opened).channel.head_sequence, 3u);
}

}  // namespace
}  // namespace txtchat
