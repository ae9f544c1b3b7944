// The table of docs/security.md: who may do what, walked through the core by every role and by
// those who are none.
#include "core/policy.h"

#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/chat_harness.h"

namespace txtchat {
namespace {

using testing::ChatHarness;

enum class Who { kNobody, kStranger, kMember, kMuted, kBanned, kModerator, kOwner, kOtherOwner };
constexpr Who kEverybody[] = {Who::kNobody, Who::kStranger,  Who::kMember, Who::kMuted,
                              Who::kBanned, Who::kModerator, Who::kOwner,  Who::kOtherOwner};

std::string NameOf(Who who) {
  static const std::map<Who, std::string> kNames{
      {Who::kNobody, "nobody"}, {Who::kStranger, "stranger"},    {Who::kMember, "member"},
      {Who::kMuted, "muted"},   {Who::kBanned, "banned"},        {Who::kModerator, "moderator"},
      {Who::kOwner, "owner"},   {Who::kOtherOwner, "otherowner"}};
  return kNames.at(who);
}

/// A channel of some kind with somebody in every role, and a member to act upon.
struct World {
  explicit World(ChannelKind kind) {
    for (const Who who : kEverybody) {
      if (who != Who::kNobody) actors[who] = chat.TokenGuest(NameOf(who));
    }
    victim = chat.TokenGuest("victim");
    const Actor& owner = actors[Who::kOwner];
    const auto created = chat.Do(owner, CreateChannel{"room", kind});
    channel = std::get<ChannelInfo>(*created).id;
    other_channel = chat.Create(actors[Who::kOtherOwner], "elsewhere");
    for (const Who who : {Who::kMember, Who::kMuted, Who::kBanned, Who::kModerator}) {
      Must(owner, AddMember{channel, "user-" + NameOf(who)});
    }
    Must(owner, AddMember{channel, "user-victim"});
    Must(owner, SetRole{channel, "user-moderator", Role::kModerator});
    Must(victim, Send{channel, "of the victim"});
    message = head;
    const Actor& moderator = actors[Who::kModerator];
    Must(moderator, Sanction{channel, SanctionKind::kMute, "user-muted"});
    Must(moderator, Sanction{channel, SanctionKind::kBan, "user-banned"});
    Must(owner, Sanction{channel, SanctionKind::kBan, "192.0.2.0/24"});
  }

  void Must(const Actor& actor, Command command) {
    const absl::StatusOr<Result> result = chat.Do(actor, std::move(command));
    ASSERT_TRUE(result.ok()) << result.status();
    if (const auto* posted = std::get_if<Posted>(&*result)) head = posted->event->sequence;
  }

  std::string Try(Who who, Command command) {
    const absl::StatusOr<Result> result = chat.Do(actors[who], std::move(command));
    return absl::StatusCodeToString(result.status().code());
  }

  ChatHarness chat;
  std::map<Who, Actor> actors;
  Actor victim;
  std::string channel;
  std::string other_channel;
  std::uint64_t message = 0;
  std::uint64_t head = 0;
};

struct Row {
  std::string act;
  std::function<Command(const World&)> command;
  Role least = Role::kMember;
  bool muted_may = true;
};

// In the order of docs/security.md.
std::vector<Row> Table() {
  const std::string victim = "user-victim";
  return {
      {"read", [](const World& w) { return Command(OpenHistory{w.channel}); }},
      {"list members", [](const World& w) { return Command(ListMembers{w.channel}); }},
      {"send",
       [](const World& w) {
         return Command(Send{w.channel, "hello"});
       },
       Role::kMember,
       /*muted_may=*/false},
      {"leave", [](const World& w) { return Command(Leave{w.channel}); }},
      {"delete a message of another",
       [](const World& w) {
         return Command(RemoveMessage{w.channel, w.message});
       },
       Role::kModerator},
      {"topic",
       [](const World& w) {
         return Command(SetTopic{w.channel, "tea"});
       },
       Role::kModerator},
      {"add a member",
       [](const World& w) {
         return Command(AddMember{w.channel, "user-stranger"});
       },
       Role::kModerator},
      {"list invites", [](const World& w) { return Command(ListInvites{w.channel}); },
       Role::kModerator},
      {"kick",
       [=](const World& w) {
         return Command(Kick{w.channel, victim});
       },
       Role::kModerator},
      {"ban",
       [=](const World& w) {
         return Command(Sanction{w.channel, SanctionKind::kBan, victim});
       },
       Role::kModerator},
      {"unban",
       [](const World& w) {
         return Command(Pardon{w.channel, SanctionKind::kBan, "user-banned"});
       },
       Role::kModerator},
      {"unban what an owner has banned",
       [](const World& w) {
         return Command(Pardon{w.channel, SanctionKind::kBan, "192.0.2.0/24"});
       },
       Role::kOwner},
      {"mute",
       [=](const World& w) {
         return Command(Sanction{w.channel, SanctionKind::kMute, victim});
       },
       Role::kModerator},
      {"unmute",
       [](const World& w) {
         return Command(Pardon{w.channel, SanctionKind::kMute, "user-muted"});
       },
       Role::kModerator},
      {"list bans and mutes", [](const World& w) { return Command(ListSanctions{w.channel}); },
       Role::kModerator},
      {"rename",
       [](const World& w) {
         return Command(RenameChannel{w.channel, "den"});
       },
       Role::kOwner},
      {"give a role",
       [=](const World& w) {
         return Command(SetRole{w.channel, victim, Role::kModerator});
       },
       Role::kOwner},
      {"delete the channel", [](const World& w) { return Command(RemoveChannel{w.channel}); },
       Role::kOwner},
  };
}

std::string Expected(const Row& row, Who who, ChannelKind kind) {
  switch (who) {
    case Who::kNobody:
      return "UNAUTHENTICATED";
    case Who::kStranger:
    case Who::kBanned:
    case Who::kOtherOwner:
      if (kind == ChannelKind::kPrivate) return "NOT_FOUND";
      return row.act == "leave" ? "FAILED_PRECONDITION" : "PERMISSION_DENIED";
    case Who::kMember:
      return row.least == Role::kMember ? "OK" : "PERMISSION_DENIED";
    case Who::kMuted:
      return row.least == Role::kMember && row.muted_may ? "OK" : "PERMISSION_DENIED";
    case Who::kModerator:
      return row.least <= Role::kModerator ? "OK" : "PERMISSION_DENIED";
    case Who::kOwner:
      return "OK";
  }
  return "?";
}

class Policy : public ::testing::TestWithParam<ChannelKind> {};

TEST_P(Policy, IsTheDocumentedTable) {
  for (const Row& row : Table()) {
    for (const Who who : kEverybody) {
      World world(GetParam());
      EXPECT_EQ(world.Try(who, row.command(world)), Expected(row, who, GetParam()))
          << NameOf(who) << ": " << row.act;
    }
  }
}

TEST_P(Policy, LeavesNoTraceOfWhatItRefuses) {
  for (const Row& row : Table()) {
    for (const Who who : kEverybody) {
      World world(GetParam());
      if (Expected(row, who, GetParam()) == "OK") continue;
      const auto info = [&] {
        return std::get<ChannelInfo>(
            *world.chat.Do(world.actors[Who::kOwner], GetChannel{world.channel}));
      };
      const ChannelInfo before = info();
      world.Try(who, row.command(world));
      EXPECT_EQ(info().head_sequence, before.head_sequence) << NameOf(who) << ": " << row.act;
      EXPECT_EQ(info().member_count, before.member_count) << NameOf(who) << ": " << row.act;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Channels, Policy,
                         ::testing::Values(ChannelKind::kPublic, ChannelKind::kPrivate),
                         [](const auto& kind) {
                           return kind.param == ChannelKind::kPublic ? "Public" : "Private";
                         });

TEST(PolicyOfDirect, HasNoModerators) {
  World world(ChannelKind::kPublic);
  const auto opened = world.chat.Do(world.actors[Who::kOwner], OpenDirect{"user-victim"});
  ASSERT_TRUE(opened.ok());
  world.channel = std::get<ChannelInfo>(*opened).id;
  for (const Row& row : Table()) {
    if (row.least == Role::kMember || row.act == "delete a message of another") continue;
    EXPECT_EQ(world.Try(Who::kOwner, row.command(world)), "FAILED_PRECONDITION") << row.act;
  }
}

TEST(PolicyOfRanks, KeepsThoseWhoStandAsHighSafe) {
  World world(ChannelKind::kPublic);
  world.Must(world.actors[Who::kOwner], SetRole{world.channel, "user-member", Role::kModerator});
  for (const char* target : {"user-member", "user-owner"}) {
    EXPECT_EQ(world.Try(Who::kModerator, Kick{world.channel, target}), "PERMISSION_DENIED");
    for (const SanctionKind kind : {SanctionKind::kBan, SanctionKind::kMute}) {
      EXPECT_EQ(world.Try(Who::kModerator, Sanction{world.channel, kind, target}),
                "PERMISSION_DENIED");
    }
  }
  EXPECT_EQ(world.Try(Who::kModerator, Kick{world.channel, "user-moderator"}), "INVALID_ARGUMENT");
}

}  // namespace
}  // namespace txtchat
