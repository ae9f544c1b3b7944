// Bans, mutes, and who ends them: what follows from them.
#include <string>
#include <utility>
#include <variant>

#include "gtest/gtest.h"
#include "tests/core/room.h"
#include "tests/testing/chat_harness.h"

namespace txtchat {
namespace {

using absl::StatusCode;
using testing::ChatHarness;
using testing::Room;

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

/// A room that a network is banned from, and an account there that is no member.
struct BannedNetwork : Room {
  BannedNetwork() : Room() {
    dan = chat.Account("dan");
    eve = chat.Account("eve");
    dan.address = eve.address = *IpAddress::Parse("192.0.2.7");
    EXPECT_TRUE(chat.JoinChannel(eve, id).ok());
    EXPECT_EQ(Try(ann, Sanction{id, SanctionKind::kBan, "192.0.2.0/24"}), StatusCode::kOk);
  }
  Actor dan;
  Actor eve;  ///< Was a member before.
};

TEST(Ban, OfAnAddressRangeKeepsAccountsFromJoiningWhereAnybodyMayMakeOne) {
  BannedNetwork room;
  EXPECT_EQ(room.Try(room.dan, Join{room.id}), StatusCode::kPermissionDenied);
  EXPECT_EQ(room.Try(room.dan, Resume{{room.id, 0, ""}}), StatusCode::kPermissionDenied);
  EXPECT_EQ(room.Try(room.eve, Send{room.id, "still here"}), StatusCode::kOk);
  Actor bob = room.chat.VouchedFor("jwt:x:1", "vera");
  bob.address = room.dan.address;
  EXPECT_EQ(room.Try(bob, Join{room.id}), StatusCode::kOk) << "somebody vouches for it";
  room.dan.address = *IpAddress::Parse("203.0.113.1");
  EXPECT_EQ(room.Try(room.dan, Join{room.id}), StatusCode::kOk) << "somewhere else";
}

TEST(Ban, OfAnAddressRangeLetsAccountsPassWhomAModeratorAdmits) {
  BannedNetwork room;
  EXPECT_EQ(room.Try(room.dan, WhoAmI{}), StatusCode::kOk);
  EXPECT_EQ(room.Try(room.ann, AddMember{room.id, "account-dan"}), StatusCode::kOk);
  const auto den =
      std::get<ChannelInfo>(*room.chat.Do(room.ann, CreateChannel{"den", ChannelKind::kPrivate}));
  ASSERT_EQ(room.Try(room.ann, Sanction{den.id, SanctionKind::kBan, "192.0.2.0/24"}),
            StatusCode::kOk);
  ASSERT_EQ(room.Try(room.ann, CreateInvite{den.id, "code", "invite", 9, 60'000}), StatusCode::kOk);
  EXPECT_EQ(room.Try(room.dan, JoinByInvite{"code"}), StatusCode::kOk);
  room.bob.address = room.dan.address;
  EXPECT_EQ(room.Try(room.bob, JoinByInvite{"code"}), StatusCode::kNotFound) << "a guest";
}

TEST(Ban, OfAnAddressRangeIsNotForAccountsWhereTheOperatorMakesThem) {
  BannedNetwork room;
  room.chat.limits.accounts_open = false;
  room.chat.Restart();
  EXPECT_EQ(room.Try(room.dan, Join{room.id}), StatusCode::kOk);
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

TEST(Mute, OfAModeratorTakesWhatItCouldSpeakBy) {
  Room room;
  ASSERT_EQ(room.Try(room.ann, SetRole{room.id, "user-bob", Role::kOwner}), StatusCode::kOk);
  ASSERT_EQ(room.Try(room.bob, SetRole{room.id, "user-bob", Role::kModerator}), StatusCode::kOk);
  ASSERT_EQ(room.Try(room.ann, Sanction{room.id, SanctionKind::kMute, "user-bob", 10'000}),
            StatusCode::kOk);
  EXPECT_EQ(room.Try(room.bob, SetTopic{room.id, "I say"}), StatusCode::kPermissionDenied);
  EXPECT_EQ(room.Try(room.bob, Pardon{room.id, SanctionKind::kMute, "user-bob"}),
            StatusCode::kPermissionDenied);
  ASSERT_EQ(room.Try(room.ann, SetRole{room.id, "user-bob", Role::kOwner}), StatusCode::kOk);
  EXPECT_EQ(room.Try(room.bob, RenameChannel{room.id, "I say"}), StatusCode::kPermissionDenied);
  EXPECT_EQ(room.Try(room.bob, Pardon{room.id, SanctionKind::kMute, "user-bob"}),
            StatusCode::kPermissionDenied)
      << "nobody lifts what is its own";
  EXPECT_EQ(room.Try(room.bob, Kick{room.id, "nobody"}), StatusCode::kNotFound)
      << "the rest of its rights it has";
  room.chat.Pass(10'000);
  EXPECT_EQ(room.Try(room.bob, SetTopic{room.id, "I say"}), StatusCode::kOk);
  EXPECT_EQ(room.Try(room.bob, RenameChannel{room.id, "I say"}), StatusCode::kOk);
}

/// The same room, with bob as a moderator, and cyd and dan as members.
struct RoomOfFour : Room {
  RoomOfFour() : Room() {
    for (Actor* actor : {&cyd, &dan}) EXPECT_TRUE(chat.JoinChannel(*actor, id).ok());
    EXPECT_EQ(Try(ann, SetRole{id, "user-bob", Role::kModerator}), StatusCode::kOk);
  }
  Actor cyd = chat.TokenGuest("cyd");
  Actor dan = chat.TokenGuest("dan");
};

TEST(Pardon, IsForThoseWhoStandAsHighAsWhoPutIt) {
  RoomOfFour room;
  const std::string range = "192.0.2.0/24";
  for (const auto& [kind, whom] : {std::pair(SanctionKind::kMute, std::string("user-cyd")),
                                   std::pair(SanctionKind::kBan, std::string("user-dan")),
                                   std::pair(SanctionKind::kBan, range)}) {
    ASSERT_EQ(room.Try(room.ann, Sanction{room.id, kind, whom}), StatusCode::kOk);
    EXPECT_EQ(room.Try(room.bob, Pardon{room.id, kind, whom}), StatusCode::kPermissionDenied);
    EXPECT_EQ(room.Try(room.bob, Sanction{room.id, kind, whom, 1}), StatusCode::kPermissionDenied)
        << "a shorter one in its place would lift it, too";
  }
  ASSERT_EQ(room.Try(room.ann, SetRole{room.id, "user-bob", Role::kOwner}), StatusCode::kOk);
  EXPECT_EQ(room.Try(room.bob, Pardon{room.id, SanctionKind::kMute, "user-cyd"}), StatusCode::kOk);
  EXPECT_EQ(room.Try(room.bob, Sanction{room.id, SanctionKind::kBan, "user-dan", 1}),
            StatusCode::kOk);
  EXPECT_EQ(room.Try(room.bob, Pardon{room.id, SanctionKind::kBan, range}), StatusCode::kOk);
}

TEST(Pardon, IsForWhoeverHasTheRightWhenWhoPutItHasLeft) {
  RoomOfFour room;
  ASSERT_EQ(room.Try(room.ann, SetRole{room.id, "user-cyd", Role::kOwner}), StatusCode::kOk);
  ASSERT_EQ(room.Try(room.ann, Sanction{room.id, SanctionKind::kBan, "user-dan"}), StatusCode::kOk);
  ASSERT_EQ(room.Try(room.ann, Leave{room.id}), StatusCode::kOk);
  ASSERT_EQ(room.RoleOf(room.cyd, "user-bob"), Role::kModerator);
  EXPECT_EQ(room.Try(room.bob, Pardon{room.id, SanctionKind::kBan, "user-dan"}), StatusCode::kOk);
}

TEST(Pardon, AmongModeratorsIsOfAnyOfThem) {
  RoomOfFour room;
  ASSERT_EQ(room.Try(room.ann, SetRole{room.id, "user-cyd", Role::kModerator}), StatusCode::kOk);
  ASSERT_EQ(room.Try(room.cyd, Sanction{room.id, SanctionKind::kMute, "user-dan"}),
            StatusCode::kOk);
  EXPECT_EQ(room.Try(room.bob, Sanction{room.id, SanctionKind::kMute, "user-dan", 5'000}),
            StatusCode::kOk);
  EXPECT_EQ(room.Try(room.cyd, Pardon{room.id, SanctionKind::kMute, "user-dan"}), StatusCode::kOk);
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

}  // namespace
}  // namespace txtchat
