// Private channels, invites and direct conversations.
#include <string>
#include <variant>

#include "gtest/gtest.h"
#include "tests/testing/chat_harness.h"

namespace txtchat {
namespace {

using absl::StatusCode;
using testing::ChatHarness;

struct Den {
  explicit Den(Limits limits = {}) : chat(limits) {
    ann = chat.TokenGuest("ann");
    bob = chat.TokenGuest("bob");
    id = std::get<ChannelInfo>(*chat.Do(ann, CreateChannel{"den", ChannelKind::kPrivate})).id;
  }
  StatusCode Try(const Actor& actor, Command command) {
    return chat.Do(actor, std::move(command)).status().code();
  }
  StatusCode Invite(const std::string& hash, std::uint32_t uses, std::int64_t lifetime_ms) {
    return Try(ann, CreateInvite{id, hash, "id of " + hash, uses, lifetime_ms});
  }

  ChatHarness chat;
  Actor ann;
  Actor bob;
  std::string id;
};

TEST(PrivateChannel, IsToOthersAsIfItWereNot) {
  Den den;
  const std::string never = "0123456789";
  const auto same = [&](Command here, Command nowhere) {
    const absl::Status of_here = den.chat.Do(den.bob, std::move(here)).status();
    const absl::Status of_nowhere = den.chat.Do(den.bob, std::move(nowhere)).status();
    EXPECT_EQ(of_here.code(), StatusCode::kNotFound);
    std::string words(of_here.message());
    if (const auto at = words.find(den.id); at != std::string::npos) {
      words.replace(at, den.id.size(), never);
    }
    EXPECT_EQ(words, of_nowhere.message());
  };
  same(GetChannel{den.id}, GetChannel{never});
  same(Join{den.id}, Join{never});
  same(Leave{den.id}, Leave{never});
  same(Send{den.id, "x"}, Send{never, "x"});
  same(Send{den.id, "x", "key"}, Send{never, "x", "key"});
  same(ListMembers{den.id}, ListMembers{never});
  same(OpenHistory{den.id}, OpenHistory{never});
  same(Resume{{den.id, 0, ""}}, Resume{{never, 0, ""}});
  same(Resume{{den.id, 99, ""}}, Resume{{never, 99, ""}});
  same(SetTopic{den.id, "x"}, SetTopic{never, "x"});
  same(RenameChannel{den.id, "x"}, RenameChannel{never, "x"});
  same(RemoveChannel{den.id}, RemoveChannel{never});
  same(RemoveMessage{den.id, 1}, RemoveMessage{never, 1});
  same(Kick{den.id, "user-ann"}, Kick{never, "user-ann"});
  same(Sanction{den.id, SanctionKind::kBan, "user-ann"},
       Sanction{never, SanctionKind::kBan, "user-ann"});
  same(Pardon{den.id, SanctionKind::kBan, "user-ann"},
       Pardon{never, SanctionKind::kBan, "user-ann"});
  same(SetRole{den.id, "user-ann", Role::kMember}, SetRole{never, "user-ann", Role::kMember});
  same(ListSanctions{den.id}, ListSanctions{never});
  same(AddMember{den.id, "user-bob"}, AddMember{never, "user-bob"});
  same(CreateInvite{den.id, "h", "i", 1, 1'000}, CreateInvite{never, "h", "i", 1, 1'000});
  same(ListInvites{den.id}, ListInvites{never});
  same(RevokeInvite{den.id, "i"}, RevokeInvite{never, "i"});
  same(OpenSession{{.id = 5, .lane = &den.chat.lane}, {den.id}},
       OpenSession{{.id = 5, .lane = &den.chat.lane}, {never}});
  EXPECT_EQ(den.chat.OpenAt(den.bob, 6, {{den.id, 0, ""}, {never, 0, ""}}),
            "not a member, not a member");
  EXPECT_TRUE(std::get<ChannelPage>(*den.chat.Do(den.bob, ListChannels{})).channels.empty());
}

TEST(PrivateChannel, IsListedToItsMembersOnly) {
  Den den;
  const auto own = std::get<ChannelPage>(*den.chat.Do(den.ann, ListChannels{0, "", true}));
  ASSERT_EQ(own.channels.size(), 2u);
  EXPECT_EQ(own.channels[1].id, den.id);
  EXPECT_EQ(own.channels[1].kind, ChannelKind::kPrivate);
  EXPECT_TRUE(std::get<ChannelPage>(*den.chat.Do(den.ann, ListChannels{})).channels.empty());
}

TEST(PrivateChannel, AnswersARepeatOfWhatWasSentBeforeLeaving) {
  Den den;
  ASSERT_EQ(den.Try(den.ann, AddMember{den.id, "user-bob"}), StatusCode::kOk);
  ASSERT_EQ(den.Try(den.bob, Send{den.id, "x", "key"}), StatusCode::kOk);
  ASSERT_EQ(den.Try(den.bob, Leave{den.id}), StatusCode::kOk);
  const auto repeat = den.chat.Do(den.bob, Send{den.id, "x", "key"});
  ASSERT_TRUE(repeat.ok());
  EXPECT_TRUE(std::get<Posted>(*repeat).repeated);
}

TEST(Invite, LeadsInAsOftenAsItSays) {
  Den den;
  ASSERT_EQ(den.Invite("hash", 2, 60'000), StatusCode::kOk);
  EXPECT_EQ(den.Try(den.bob, JoinByInvite{"other"}), StatusCode::kNotFound);
  const auto joined = den.chat.Do(den.bob, JoinByInvite{"hash"});
  ASSERT_TRUE(joined.ok());
  EXPECT_EQ(std::get<Joined>(*joined).channel.id, den.id);
  EXPECT_TRUE(std::get<Joined>(*den.chat.Do(den.bob, JoinByInvite{"hash"})).already_member)
      << "which uses nothing up";
  const Actor cyd = den.chat.TokenGuest("cyd");
  const Actor dan = den.chat.TokenGuest("dan");
  EXPECT_EQ(den.Try(cyd, JoinByInvite{"hash"}), StatusCode::kOk);
  EXPECT_EQ(den.Try(dan, JoinByInvite{"hash"}), StatusCode::kNotFound);
  EXPECT_TRUE(std::get<InviteList>(*den.chat.Do(den.ann, ListInvites{den.id})).invites.empty());
}

TEST(Invite, ExpiresAndIsRevoked) {
  Den den;
  ASSERT_EQ(den.Invite("short", 9, 1'000), StatusCode::kOk);
  ASSERT_EQ(den.Invite("long", 9, 9'000), StatusCode::kOk);
  den.chat.Pass(1'000);
  EXPECT_EQ(den.Try(den.bob, JoinByInvite{"short"}), StatusCode::kNotFound);
  ASSERT_EQ(den.Try(den.ann, RevokeInvite{den.id, "id of long"}), StatusCode::kOk);
  EXPECT_EQ(den.Try(den.bob, JoinByInvite{"long"}), StatusCode::kNotFound);
  EXPECT_EQ(den.Try(den.ann, RevokeInvite{den.id, "id of long"}), StatusCode::kNotFound);
}

TEST(Invite, TellsABannedUserNothing) {
  Den den;
  ASSERT_EQ(den.Invite("hash", 1, 60'000), StatusCode::kOk);
  ASSERT_EQ(den.Try(den.ann, Sanction{den.id, SanctionKind::kBan, "user-bob"}), StatusCode::kOk);
  EXPECT_EQ(den.chat.Do(den.bob, JoinByInvite{"hash"}).status(),
            den.chat.Do(den.bob, JoinByInvite{"none"}).status());
  EXPECT_EQ(den.Try(den.bob, Join{den.id}), StatusCode::kNotFound);
}

TEST(Invite, IsForPrivateChannelsAndBounded) {
  Limits limits;
  limits.invites_per_channel_max = 2;
  Den den(limits);
  const std::string open = den.chat.Create(den.ann, "open");
  EXPECT_EQ(den.Try(den.ann, CreateInvite{open, "h", "i", 1, 1'000}),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(den.Invite("a", 0, 1'000), StatusCode::kInvalidArgument);
  EXPECT_EQ(den.Invite("a", 1, 0), StatusCode::kInvalidArgument);
  ASSERT_EQ(den.Invite("a", 1, 1'000), StatusCode::kOk);
  ASSERT_EQ(den.Invite("b", 1, 9'000), StatusCode::kOk);
  EXPECT_EQ(den.Invite("c", 1, 9'000), StatusCode::kResourceExhausted);
  den.chat.Pass(1'000);
  EXPECT_EQ(den.Invite("c", 1, 9'000), StatusCode::kOk) << "what has expired makes room";
}

TEST(Invite, IsOneOfABoundedNumberOnTheWholeServer) {
  Limits limits;
  limits.invites_max = 1;
  Den den(limits);
  const auto other = den.chat.Do(den.bob, CreateChannel{"den of bob", ChannelKind::kPrivate});
  const std::string id = std::get<ChannelInfo>(*other).id;
  for (const char* hash : {"1", "2", "3", "4", "5"}) {
    ASSERT_EQ(den.Invite(hash, 1, 1'000), StatusCode::kOk) << hash;
  }
  const auto invite = [&](const std::string& hash) {
    return den.chat.Do(den.bob, CreateInvite{id, hash, "i" + hash, 1, 1'000}).status();
  };
  for (const char* hash : {"a", "b", "c", "d"}) ASSERT_TRUE(invite(hash).ok()) << hash;
  const absl::Status refusal = invite("e");
  EXPECT_EQ(refusal.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(refusal.message(), "the server has few invites left, so the channel " + id +
                                   " may have only 4 for now; revoke one first");
  den.chat.Restart();
  EXPECT_FALSE(invite("e").ok());
  ASSERT_EQ(den.Try(den.bob, JoinByInvite{"1"}), StatusCode::kOk) << "which uses it up";
  EXPECT_TRUE(invite("e").ok());
  den.chat.Pass(1'000);
  EXPECT_TRUE(invite("f").ok()) << "what has expired makes room";
}

TEST(Invite, OutlivesARestartAndARefusedBatch) {
  Den den;
  ASSERT_EQ(den.Invite("hash", 2, 60'000), StatusCode::kOk);
  den.chat.store.FailCommits(absl::UnavailableError("no disk"));
  EXPECT_EQ(den.Try(den.bob, JoinByInvite{"hash"}), StatusCode::kUnavailable);
  den.chat.store.FailCommits(absl::OkStatus());
  den.chat.Restart();
  const auto list = std::get<InviteList>(*den.chat.Do(den.ann, ListInvites{den.id}));
  ASSERT_EQ(list.invites.size(), 1u);
  EXPECT_EQ(list.invites[0].uses_left, 2u);
  EXPECT_EQ(den.Try(den.bob, JoinByInvite{"hash"}), StatusCode::kOk);
}

TEST(Direct, IsOneForTwoWhoeverOpensIt) {
  Den den;
  ASSERT_TRUE(den.chat.Open(den.bob, 2).ok());
  const auto first = den.chat.Do(den.ann, OpenDirect{"user-bob"});
  ASSERT_TRUE(first.ok());
  const std::string id = std::get<ChannelInfo>(*first).id;
  EXPECT_EQ(std::get<ChannelInfo>(*den.chat.Do(den.bob, OpenDirect{"user-ann"})).id, id);
  ASSERT_TRUE(den.chat.Post(den.ann, id, "hello").ok());
  EXPECT_EQ(den.chat.lane.Read(2, id), "+bob\nann: hello\n");
  const Actor cyd = den.chat.TokenGuest("cyd");
  EXPECT_EQ(den.Try(cyd, Join{id}), StatusCode::kNotFound);
  EXPECT_EQ(den.Try(cyd, GetChannel{id}), StatusCode::kNotFound);
}

TEST(Direct, IsNotForcedUponWhoLeftIt) {
  Den den;
  const std::string id = std::get<ChannelInfo>(*den.chat.Do(den.ann, OpenDirect{"user-bob"})).id;
  ASSERT_EQ(den.Try(den.bob, Leave{id}), StatusCode::kOk);
  EXPECT_EQ(std::get<ChannelInfo>(*den.chat.Do(den.ann, OpenDirect{"user-bob"})).member_count, 1u);
  EXPECT_EQ(den.Try(den.bob, Join{id}), StatusCode::kNotFound);
  EXPECT_EQ(std::get<ChannelInfo>(*den.chat.Do(den.bob, OpenDirect{"user-ann"})).id, id);
}

TEST(Direct, IsFoundAgainAfterARestartAndNotAfterARefusedBatch) {
  Den den;
  den.chat.store.FailCommits(absl::UnavailableError("no disk"));
  EXPECT_EQ(den.Try(den.ann, OpenDirect{"user-bob"}), StatusCode::kUnavailable);
  den.chat.store.FailCommits(absl::OkStatus());
  const std::string id = std::get<ChannelInfo>(*den.chat.Do(den.ann, OpenDirect{"user-bob"})).id;
  den.chat.Restart();
  EXPECT_EQ(std::get<ChannelInfo>(*den.chat.Do(den.bob, OpenDirect{"user-ann"})).id, id);
}

TEST(Direct, NeedsTwo) {
  Den den;
  EXPECT_EQ(den.Try(den.ann, OpenDirect{"user-ann"}), StatusCode::kInvalidArgument);
  EXPECT_EQ(den.Try(den.ann, OpenDirect{"nobody"}), StatusCode::kNotFound);
}

TEST(BeingAdded, LeavesRoomForWhatOneJoinsOneself) {
  Limits limits;
  limits.channels_per_user_max = 4;
  Den den(limits);
  ASSERT_EQ(den.Try(den.ann, AddMember{den.id, "user-bob"}), StatusCode::kOk);
  EXPECT_EQ(den.Try(den.ann, OpenDirect{"user-bob"}), StatusCode::kResourceExhausted);
  const std::string open = den.chat.Create(den.ann, "open");
  EXPECT_EQ(den.Try(den.bob, Join{open}), StatusCode::kOk);
}

}  // namespace
}  // namespace txtchat
