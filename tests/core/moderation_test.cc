// Kick, roles, topics, removed messages: what follows from them.
#include <string>
#include <variant>

#include "gtest/gtest.h"
#include "tests/core/room.h"
#include "tests/testing/chat_harness.h"

namespace txtchat {
namespace {

using absl::StatusCode;
using testing::Room;

TEST(Kick, IsToldWithWhoAndWhyAndEndsTheMembership) {
  Room room;
  ASSERT_EQ(room.Try(room.ann, Kick{room.id, "user-bob", "spam"}), StatusCode::kOk);
  EXPECT_EQ(room.chat.lane.Read(1, room.id), "ann kicks bob: spam\n-bob\n");
  EXPECT_EQ(room.chat.lane.Read(2, room.id), "ann kicks bob: spam\n-bob\n") << "bob learns why";
  EXPECT_EQ(room.Try(room.bob, Send{room.id, "x"}), StatusCode::kPermissionDenied);
  EXPECT_EQ(room.Try(room.bob, Join{room.id}), StatusCode::kOk) << "a kick is no ban";
}

TEST(Roles, AreHandedOnWhenTheLastOwnerLeaves) {
  Room room;
  ASSERT_EQ(room.Try(room.ann, SetRole{room.id, "user-bob", Role::kModerator}), StatusCode::kOk);
  ASSERT_EQ(room.Try(room.ann, Leave{room.id}), StatusCode::kOk);
  EXPECT_EQ(room.chat.lane.Read(2, room.id),
            "ann makes bob moderator\nann makes bob owner\n-ann\n");
  ASSERT_EQ(room.Try(room.bob, RenameChannel{room.id, "den"}), StatusCode::kOk);
}

TEST(Roles, NeedAnOwner) {
  Room room;
  EXPECT_EQ(room.Try(room.ann, SetRole{room.id, "user-ann", Role::kMember}),
            StatusCode::kFailedPrecondition);
  ASSERT_EQ(room.Try(room.ann, SetRole{room.id, "user-bob", Role::kOwner}), StatusCode::kOk);
  EXPECT_EQ(room.Try(room.ann, SetRole{room.id, "user-bob", Role::kMember}),
            StatusCode::kPermissionDenied);
  EXPECT_EQ(room.Try(room.ann, SetRole{room.id, "user-ann", Role::kMember}), StatusCode::kOk);
}

TEST(Roles, AreGivenToAFew) {
  Limits limits;
  limits.officers_per_channel_max = 2;
  Room room(limits);
  const Actor cyd = room.chat.TokenGuest("cyd");
  ASSERT_TRUE(room.chat.JoinChannel(cyd, room.id).ok());
  ASSERT_EQ(room.Try(room.ann, SetRole{room.id, "user-bob", Role::kModerator}), StatusCode::kOk);
  EXPECT_EQ(room.Try(room.ann, SetRole{room.id, "user-cyd", Role::kModerator}),
            StatusCode::kResourceExhausted);
  EXPECT_EQ(room.Try(room.ann, SetRole{room.id, "user-bob", Role::kOwner}), StatusCode::kOk)
      << "it is one of them already";
  ASSERT_EQ(room.Try(room.bob, SetRole{room.id, "user-bob", Role::kMember}), StatusCode::kOk);
  EXPECT_EQ(room.Try(room.ann, SetRole{room.id, "user-cyd", Role::kModerator}), StatusCode::kOk);
}

TEST(Roles, AreLostByLeaving) {
  Room room;
  ASSERT_EQ(room.Try(room.ann, SetRole{room.id, "user-bob", Role::kOwner}), StatusCode::kOk);
  ASSERT_EQ(room.Try(room.bob, Leave{room.id}), StatusCode::kOk);
  ASSERT_EQ(room.Try(room.bob, Join{room.id}), StatusCode::kOk);
  EXPECT_EQ(room.RoleOf("user-bob"), Role::kMember);
}

TEST(Topic, IsToldAndShown) {
  Room room;
  ASSERT_EQ(room.Try(room.ann, SetTopic{room.id, "tea and cake"}), StatusCode::kOk);
  ASSERT_EQ(room.Try(room.ann, RenameChannel{room.id, "den"}), StatusCode::kOk);
  EXPECT_EQ(room.chat.lane.Read(2, room.id), "ann topic: tea and cake\nann name: den\n");
  const auto info = std::get<ChannelInfo>(*room.chat.Do(room.bob, GetChannel{room.id}));
  EXPECT_EQ(info.topic, "tea and cake");
  EXPECT_EQ(info.display_name, "den");
  EXPECT_EQ(room.Try(room.ann, SetTopic{room.id, "two\nlines"}), StatusCode::kInvalidArgument);
  EXPECT_EQ(room.Try(room.ann, SetTopic{room.id, std::string(513, 'x')}),
            StatusCode::kInvalidArgument);
}

TEST(RemovedMessage, LeavesATombstoneForThoseWhoComeLater) {
  Room room;
  const std::uint64_t sequence = room.Say(room.bob, "secret");
  room.Say(room.bob, "after");
  ASSERT_EQ(room.Try(room.bob, RemoveMessage{room.id, sequence}), StatusCode::kOk);
  const Actor cyd = room.chat.TokenGuest("cyd");
  ASSERT_TRUE(room.chat.JoinChannel(cyd, room.id).ok());
  ASSERT_EQ(room.chat.OpenAt(cyd, 3, {{room.id, 0, ""}}), "recovered");
  EXPECT_EQ(room.chat.lane.Read(3, room.id),
            "+ann\n+bob\nbob: (removed)\nbob: after\nbob deletes 3 bob\n+cyd\n");
  EXPECT_EQ(room.Try(room.bob, RemoveMessage{room.id, sequence}), StatusCode::kNotFound);
}

TEST(RemovedMessage, IsNotReadByThoseWhoLagEither) {
  Room room;
  const std::uint64_t sequence = room.Say(room.bob, "secret");
  ASSERT_EQ(room.Try(room.ann, RemoveMessage{room.id, sequence}), StatusCode::kOk);
  EXPECT_EQ(room.chat.lane.Read(1, room.id), "bob: (removed)\nann deletes 3 bob\n");
}

TEST(RemovedMessage, CanBeRemovedInTheBatchThatPostsIt) {
  Room room;
  room.chat.Queue(room.bob, Send{room.id, "secret", "key"});
  absl::StatusOr<Result> removed;
  room.chat.Queue(room.bob, RemoveMessage{room.id, 3}, &removed);
  absl::StatusOr<Result> again;
  room.chat.Queue(room.bob, RemoveMessage{room.id, 3}, &again);
  absl::StatusOr<Result> repeated;
  room.chat.Queue(room.bob, Send{room.id, "secret", "key"}, &repeated);
  room.chat.RunBatch();
  EXPECT_TRUE(removed.ok());
  EXPECT_EQ(again.status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(repeated.ok());
  EXPECT_TRUE(std::get<Posted>(*repeated).repeated);
  EXPECT_EQ(room.chat.lane.Read(1, room.id), "bob: (removed)\nbob deletes 3 bob\n");
}

TEST(RemovedMessage, IsNotPostedAgainByARepeat) {
  Room room;
  const std::uint64_t sequence = room.Say(room.bob, "secret", "key");
  ASSERT_EQ(room.Try(room.bob, RemoveMessage{room.id, sequence}), StatusCode::kOk);
  const auto repeat = room.chat.Do(room.bob, Send{room.id, "secret", "key"});
  ASSERT_TRUE(repeat.ok());
  EXPECT_TRUE(std::get<Posted>(*repeat).repeated);
  EXPECT_EQ(std::get<Posted>(*repeat).event->text, "");
}

TEST(RemovedMessage, CanOnlyBeOnesOwn) {
  Room room;
  const Actor guest = room.chat.LineGuest(7, "dan");
  ASSERT_TRUE(room.chat.JoinChannel(guest, room.id).ok());
  const std::uint64_t of_guest = room.Say(guest, "mine");
  EXPECT_EQ(room.Try(room.bob, RemoveMessage{room.id, of_guest}), StatusCode::kPermissionDenied);
  ASSERT_TRUE(room.chat.Close(7).ok());
  room.chat.Pass(1);
  const Actor next = room.chat.LineGuest(7, "eve");
  ASSERT_TRUE(room.chat.JoinChannel(next, room.id).ok());
  EXPECT_EQ(room.Try(next, RemoveMessage{room.id, of_guest}), StatusCode::kPermissionDenied)
      << "another guest at the same address";
  EXPECT_EQ(room.Try(room.ann, RemoveMessage{room.id, of_guest + 1}), StatusCode::kNotFound)
      << "a leaving is no message";
}

TEST(RemovedMessage, IsToldToWhoeverKeepsCopies) {
  Room room;
  std::vector<ChannelKey> erased;
  room.chat.engine().set_erase_observer([&](ChannelKey channel) { erased.push_back(channel); });
  const std::uint64_t sequence = room.Say(room.bob, "secret");
  room.chat.store.FailCommits(absl::UnavailableError("no disk"));
  EXPECT_EQ(room.Try(room.bob, RemoveMessage{room.id, sequence}), StatusCode::kUnavailable);
  EXPECT_TRUE(erased.empty());
  room.chat.store.FailCommits(absl::OkStatus());
  ASSERT_EQ(room.Try(room.bob, RemoveMessage{room.id, sequence}), StatusCode::kOk);
  EXPECT_EQ(erased.size(), 1u);
}

TEST(DeletedChannel, TellsItsMembersAndIsGone) {
  Room room;
  ASSERT_EQ(room.Try(room.ann, RemoveChannel{room.id}), StatusCode::kOk);
  EXPECT_EQ(room.chat.lane.Read(2, room.id), "ann closes\n");
  EXPECT_EQ(room.Try(room.ann, GetChannel{room.id}), StatusCode::kNotFound);
  EXPECT_EQ(room.Try(room.bob, Send{room.id, "x"}), StatusCode::kNotFound);
  EXPECT_TRUE(room.chat.lane.SubscribedChannels(2) == std::vector<std::string>{"user-bob"});
}

TEST(Moderation, IsTakenBackWithABatchThatIsRefused) {
  Room room;
  const std::uint64_t sequence = room.Say(room.bob, "secret");
  room.chat.lane.Read(1);
  room.chat.store.FailCommits(absl::UnavailableError("no disk"));
  room.chat.Queue(room.ann, SetTopic{room.id, "tea"});
  room.chat.Queue(room.ann, SetRole{room.id, "user-bob", Role::kModerator});
  room.chat.Queue(room.ann, Sanction{room.id, SanctionKind::kBan, "192.0.2.1"});
  room.chat.Queue(room.ann, Sanction{room.id, SanctionKind::kMute, "user-bob"});
  room.chat.Queue(room.ann, Pardon{room.id, SanctionKind::kMute, "user-bob"});
  room.chat.Queue(room.ann, RemoveMessage{room.id, sequence});
  room.chat.Queue(room.ann, Kick{room.id, "user-bob"});
  room.chat.Queue(room.ann, RemoveChannel{room.id});
  room.chat.RunBatch();
  room.chat.store.FailCommits(absl::OkStatus());
  EXPECT_EQ(room.chat.lane.Read(1, room.id), "");
  EXPECT_EQ(room.RoleOf("user-bob"), Role::kMember);
  const auto info = std::get<ChannelInfo>(*room.chat.Do(room.ann, GetChannel{room.id}));
  EXPECT_EQ(info.topic, "");
  EXPECT_EQ(info.head_sequence, sequence);
  EXPECT_TRUE(
      std::get<SanctionList>(*room.chat.Do(room.ann, ListSanctions{room.id})).sanctions.empty());
  EXPECT_EQ(room.Try(room.bob, Send{room.id, "x"}), StatusCode::kOk);
}

}  // namespace
}  // namespace txtchat
