// Kick, ban, mute, roles, topics, removed messages: what follows from them.
#include <string>
#include <variant>

#include "gtest/gtest.h"
#include "tests/testing/chat_harness.h"

namespace txtchat {
namespace {

using absl::StatusCode;
using testing::ChatHarness;

/// A channel that ann owns, with bob as a member; both have a session (1 and 2).
struct Room {
  explicit Room(Limits limits = {}) : chat(limits) {
    ann = chat.TokenGuest("ann");
    bob = chat.TokenGuest("bob");
    EXPECT_TRUE(chat.Open(ann, 1).ok());
    EXPECT_TRUE(chat.Open(bob, 2).ok());
    id = chat.Create(ann, "room");
    EXPECT_TRUE(chat.JoinChannel(bob, id).ok());
    chat.lane.Read(1);
    chat.lane.Read(2);
  }
  StatusCode Try(const Actor& actor, Command command) {
    return chat.Do(actor, std::move(command)).status().code();
  }
  std::uint64_t Say(const Actor& actor, const std::string& text, const std::string& key = "") {
    return std::get<Posted>(*chat.Do(actor, Send{id, text, key})).event->sequence;
  }
  Role RoleOf(const std::string& user_id) {
    const auto page = std::get<MemberPage>(*chat.Do(ann, ListMembers{id}));
    for (const MemberInfo& m : page.members) {
      if (m.user.id == user_id) return m.role;
    }
    ADD_FAILURE() << user_id << " is no member";
    return Role::kMember;
  }

  ChatHarness chat;
  Actor ann;
  Actor bob;
  std::string id;
};

TEST(Kick, IsToldWithWhoAndWhyAndEndsTheMembership) {
  Room room;
  ASSERT_EQ(room.Try(room.ann, Kick{room.id, "user-bob", "spam"}), StatusCode::kOk);
  EXPECT_EQ(room.chat.lane.Read(1, room.id), "ann kicks bob: spam\n-bob\n");
  EXPECT_EQ(room.chat.lane.Read(2, room.id), "ann kicks bob: spam\n-bob\n") << "bob learns why";
  EXPECT_EQ(room.Try(room.bob, Send{room.id, "x"}), StatusCode::kPermissionDenied);
  EXPECT_EQ(room.Try(room.bob, Join{room.id}), StatusCode::kOk) << "a kick is no ban";
}

TEST(Ban, KeepsOutUntilItEnds) {
  Room room;
  ASSERT_EQ(room.Try(room.ann, Sanction{room.id, SanctionKind::kBan, "user-bob", 10'000, "spam"}),
            StatusCode::kOk);
  EXPECT_EQ(room.chat.lane.Read(1, room.id), "ann bans bob: spam\n-bob\n");
  EXPECT_EQ(room.Try(room.bob, Join{room.id}), StatusCode::kPermissionDenied);
  EXPECT_EQ(room.Try(room.bob, Resume{{room.id, 0, ""}}), StatusCode::kPermissionDenied);
  EXPECT_EQ(room.Try(room.ann, AddMember{room.id, "user-bob"}), StatusCode::kFailedPrecondition);
  room.chat.Pass(10'000);
  EXPECT_EQ(room.Try(room.bob, Join{room.id}), StatusCode::kOk);
}

TEST(Ban, IsTakenBack) {
  Room room;
  ASSERT_EQ(room.Try(room.ann, Sanction{room.id, SanctionKind::kBan, "user-bob"}), StatusCode::kOk);
  ASSERT_EQ(room.Try(room.ann, Pardon{room.id, SanctionKind::kBan, "user-bob"}), StatusCode::kOk);
  EXPECT_EQ(room.chat.lane.Read(1, room.id), "ann bans bob\n-bob\nann unbans bob\n");
  EXPECT_EQ(room.Try(room.bob, Join{room.id}), StatusCode::kOk);
  EXPECT_EQ(room.Try(room.ann, Pardon{room.id, SanctionKind::kBan, "user-bob"}),
            StatusCode::kNotFound);
}

TEST(Ban, OfAnAddressRangeIsForGuestsThere) {
  Room room;
  room.bob.address = *IpAddress::Parse("192.0.2.7");
  Actor cyd = room.chat.TokenGuest("cyd");
  cyd.address = *IpAddress::Parse("198.51.100.1");
  ASSERT_TRUE(room.chat.JoinChannel(cyd, room.id).ok());
  ASSERT_EQ(room.Try(room.bob, Send{room.id, "here"}), StatusCode::kOk);
  room.chat.lane.Read(1);
  ASSERT_EQ(room.Try(room.ann, Sanction{room.id, SanctionKind::kBan, "192.0.2.99/24"}),
            StatusCode::kOk);
  EXPECT_EQ(room.chat.lane.Read(1, room.id), "ann bans 192.0.2.0/24\n-bob\n");
  EXPECT_EQ(room.Try(room.bob, Join{room.id}), StatusCode::kPermissionDenied);
  room.bob.address = *IpAddress::Parse("203.0.113.1");
  EXPECT_EQ(room.Try(room.bob, Join{room.id}), StatusCode::kOk) << "somewhere else";
  EXPECT_EQ(room.Try(room.ann, Pardon{room.id, SanctionKind::kBan, "192.0.2.0/24"}),
            StatusCode::kOk);
}

TEST(Ban, OfARangeSparesThoseWhoStandAsHigh) {
  Room room;
  room.ann.address = *IpAddress::Parse("192.0.2.7");
  ASSERT_EQ(room.Try(room.ann, Sanction{room.id, SanctionKind::kBan, "192.0.2.0/24"}),
            StatusCode::kOk);
  EXPECT_EQ(room.Try(room.ann, Send{room.id, "still here"}), StatusCode::kOk);
}

TEST(Ban, OfAGuestEndsWithTheGuest) {
  Room room;
  const Actor guest = room.chat.LineGuest(7, "dan");
  ASSERT_EQ(room.Try(room.ann, Sanction{room.id, SanctionKind::kBan, ChatHarness::AddressOf(7)}),
            StatusCode::kOk);
  EXPECT_EQ(room.Try(guest, Join{room.id}), StatusCode::kPermissionDenied);
  ASSERT_TRUE(room.chat.Close(7).ok());
  const Actor next = room.chat.LineGuest(7, "eve");
  EXPECT_EQ(room.Try(next, Join{room.id}), StatusCode::kOk) << "another guest with its address";
}

TEST(Mute, TakesTheWordUntilItEndsHoweverOftenOneComesBack) {
  Room room;
  ASSERT_EQ(room.Try(room.ann, Sanction{room.id, SanctionKind::kMute, "user-bob", 10'000}),
            StatusCode::kOk);
  EXPECT_EQ(room.Try(room.bob, Send{room.id, "x"}), StatusCode::kPermissionDenied);
  ASSERT_EQ(room.Try(room.bob, Leave{room.id}), StatusCode::kOk);
  ASSERT_EQ(room.Try(room.bob, Join{room.id}), StatusCode::kOk);
  EXPECT_EQ(room.Try(room.bob, Send{room.id, "x"}), StatusCode::kPermissionDenied);
  room.chat.Pass(10'000);
  EXPECT_EQ(room.Try(room.bob, Send{room.id, "x"}), StatusCode::kOk);
}

TEST(Mute, IsOfUsersOnly) {
  Room room;
  EXPECT_EQ(room.Try(room.ann, Sanction{room.id, SanctionKind::kMute, "192.0.2.0/24"}),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(room.Try(room.ann, Sanction{room.id, SanctionKind::kMute, "nobody"}),
            StatusCode::kNotFound);
}

TEST(Sanctions, AreBoundedAndThoseThatExpiredMakeRoom) {
  Limits limits;
  limits.sanctions_per_channel_max = 2;
  Room room(limits);
  const auto ban = [&](const std::string& range, std::int64_t ms) {
    return room.Try(room.ann, Sanction{room.id, SanctionKind::kBan, range, ms});
  };
  ASSERT_EQ(ban("192.0.2.1", 1'000), StatusCode::kOk);
  ASSERT_EQ(ban("192.0.2.2", 0), StatusCode::kOk);
  EXPECT_EQ(ban("192.0.2.3", 0), StatusCode::kResourceExhausted);
  EXPECT_EQ(ban("192.0.2.2", 5'000), StatusCode::kOk) << "another one of the same subject";
  room.chat.Pass(1'000);
  EXPECT_EQ(ban("192.0.2.3", 0), StatusCode::kOk);
  const auto list = std::get<SanctionList>(*room.chat.Do(room.ann, ListSanctions{room.id}));
  ASSERT_EQ(list.sanctions.size(), 2u);
  EXPECT_EQ(list.sanctions[0].subject, "192.0.2.2");
  EXPECT_EQ(list.sanctions[1].subject, "192.0.2.3");
}

TEST(Sanctions, OfARangeHoldAfterARestartAndUntilTheyEnd) {
  Room room;
  room.bob.address = *IpAddress::Parse("192.0.2.7");
  for (const auto& [range, ms] : {std::pair("192.0.2.0/24", 5'000), std::pair("192.0.2.7", 9'000),
                                  std::pair("192.0.0.0/16", 1'000)}) {
    ASSERT_EQ(room.Try(room.ann, Sanction{room.id, SanctionKind::kBan, range, ms}),
              StatusCode::kOk);
  }
  room.chat.Restart();
  room.chat.Pass(5'000);
  EXPECT_EQ(room.Try(room.bob, Join{room.id}), StatusCode::kPermissionDenied);
  room.chat.store.FailCommits(absl::UnavailableError("no disk"));
  EXPECT_EQ(room.Try(room.ann, Pardon{room.id, SanctionKind::kBan, "192.0.2.7"}),
            StatusCode::kUnavailable);
  room.chat.store.FailCommits(absl::OkStatus());
  EXPECT_EQ(room.Try(room.bob, Join{room.id}), StatusCode::kPermissionDenied);
  ASSERT_EQ(room.Try(room.ann, Pardon{room.id, SanctionKind::kBan, "192.0.2.7"}), StatusCode::kOk);
  EXPECT_EQ(room.Try(room.bob, Join{room.id}), StatusCode::kOk);
}

TEST(Sanctions, AndRolesOutliveARestart) {
  Room room;
  const Actor cyd = room.chat.TokenGuest("cyd");
  ASSERT_TRUE(room.chat.JoinChannel(cyd, room.id).ok());
  ASSERT_EQ(room.Try(room.ann, Sanction{room.id, SanctionKind::kBan, "user-bob"}), StatusCode::kOk);
  ASSERT_EQ(room.Try(room.ann, SetRole{room.id, "user-cyd", Role::kModerator}), StatusCode::kOk);
  ASSERT_EQ(room.Try(room.ann, SetTopic{room.id, "tea"}), StatusCode::kOk);
  room.chat.Restart();
  EXPECT_EQ(room.Try(room.bob, Join{room.id}), StatusCode::kPermissionDenied);
  EXPECT_EQ(room.RoleOf("user-cyd"), Role::kModerator);
  EXPECT_EQ(room.RoleOf("user-ann"), Role::kOwner);
  EXPECT_EQ(std::get<ChannelInfo>(*room.chat.Do(room.ann, GetChannel{room.id})).topic, "tea");
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
