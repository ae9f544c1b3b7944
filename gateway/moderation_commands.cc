// Kinds of channels, roles, and what they are for.
#include <string>

#include "core/policy.h"
#include "gateway/command_fields.h"
#include "gateway/commands.h"

namespace txtchat::gateway {
namespace {

constexpr std::uint64_t kSecondsMax = 1'000'000'000;
constexpr std::uint64_t kUsesMax = 1'000'000'000;
constexpr std::uint64_t kInviteSecondsDefault = 86'400;

absl::Status MakeInfo(const Fields& f, Action& action) {
  Emplace<GetChannel>(action).channel_id = f[0];
  return absl::OkStatus();
}
absl::Status MakeCreatePrivate(const Fields& f, Action& action) {
  Emplace<CreateChannel>(action) = {std::string(f[0]), ChannelKind::kPrivate};
  return absl::OkStatus();
}
absl::Status MakeDirect(const Fields& f, Action& action) {
  Emplace<OpenDirect>(action).user_id = f[0];
  return absl::OkStatus();
}
absl::Status MakeTopic(const Fields& f, Action& action) {
  Emplace<SetTopic>(action) = {std::string(f[0]), std::string(f[1])};
  return absl::OkStatus();
}
absl::Status MakeRename(const Fields& f, Action& action) {
  Emplace<RenameChannel>(action) = {std::string(f[0]), std::string(f[1])};
  return absl::OkStatus();
}
absl::Status MakeDeleteChannel(const Fields& f, Action& action) {
  Emplace<RemoveChannel>(action).channel_id = f[0];
  return absl::OkStatus();
}
absl::Status MakeDeleteMessage(const Fields& f, Action& action) {
  const absl::StatusOr<std::uint64_t> sequence = Number(f[1], "SEQ", 0);
  if (!sequence.ok()) return sequence.status();
  Emplace<RemoveMessage>(action) = {std::string(f[0]), *sequence};
  return absl::OkStatus();
}
absl::Status MakeKick(const Fields& f, Action& action) {
  Emplace<Kick>(action) = {std::string(f[0]), std::string(f[1]), std::string(f[2])};
  return absl::OkStatus();
}
template <SanctionKind kKind>
absl::Status MakeSanction(const Fields& f, Action& action) {
  const absl::StatusOr<std::uint64_t> seconds = Number(f[2], "SECONDS", 0);
  if (!seconds.ok()) return seconds.status();
  if (*seconds > kSecondsMax) return absl::InvalidArgumentError("SECONDS is too large");
  Emplace<Sanction>(action) = {std::string(f[0]), kKind, std::string(f[1]),
                               static_cast<std::int64_t>(*seconds) * 1'000, std::string(f[3])};
  return absl::OkStatus();
}
template <SanctionKind kKind>
absl::Status MakePardon(const Fields& f, Action& action) {
  Emplace<Pardon>(action) = {std::string(f[0]), kKind, std::string(f[1])};
  return absl::OkStatus();
}
absl::Status MakeBans(const Fields& f, Action& action) {
  Emplace<ListSanctions>(action).channel_id = f[0];
  return absl::OkStatus();
}
absl::Status MakeRole(const Fields& f, Action& action) {
  for (const Role role : {Role::kMember, Role::kModerator, Role::kOwner}) {
    if (f[2] != RoleName(role)) continue;
    Emplace<SetRole>(action) = {std::string(f[0]), std::string(f[1]), role};
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError("ROLE must be member, moderator or owner");
}
// The code, which is a secret, is the session's to make; and to hash, where one is shown.
absl::Status MakeInvite(const Fields& f, Action& action) {
  const absl::StatusOr<std::uint64_t> uses = Number(f[1], "USES", 1);
  if (!uses.ok()) return uses.status();
  const absl::StatusOr<std::uint64_t> seconds = Number(f[2], "SECONDS", kInviteSecondsDefault);
  if (!seconds.ok()) return seconds.status();
  if (*uses > kUsesMax || *seconds > kSecondsMax) {
    return absl::InvalidArgumentError("USES or SECONDS is too large");
  }
  CreateInvite& invite = Emplace<CreateInvite>(action);
  invite.channel_id = f[0];
  invite.uses_max = static_cast<std::uint32_t>(*uses);
  invite.lifetime_ms = static_cast<std::int64_t>(*seconds) * 1'000;
  return absl::OkStatus();
}
absl::Status MakeInvites(const Fields& f, Action& action) {
  Emplace<ListInvites>(action).channel_id = f[0];
  return absl::OkStatus();
}
absl::Status MakeRevoke(const Fields& f, Action& action) {
  Emplace<RevokeInvite>(action) = {std::string(f[0]), std::string(f[1])};
  return absl::OkStatus();
}
absl::Status MakeAccept(const Fields& f, Action& action) {
  Emplace<JoinByInvite>(action).invite_hash = f[0];
  return absl::OkStatus();
}

absl::Status MakeAdd(const Fields& f, Action& action) {
  Emplace<AddMember>(action) = {std::string(f[0]), std::string(f[1])};
  return absl::OkStatus();
}

absl::Status MakeRoles(const Fields& f, Action& action) {
  Emplace<ListMembers>(action) = {std::string(f[0]), kListLines, std::string(f[1])};
  return absl::OkStatus();
}

constexpr CommandRow kTable[] = {
    {.id = CommandId::kInfo,
     .name = "info",
     .usage = "info$CHAN",
     .help = "what a channel is: its kind, members, newest event, name and topic",
     .fields_min = 1,
     .fields_max = 1,
     .make = MakeInfo},
    {.id = CommandId::kRoles,
     .name = "roles",
     .usage = "roles$CHAN",
     .help = "list the members who are more than that, or muted; roles$CHAN$MORE goes on",
     .fields_min = 1,
     .fields_max = 2,
     .repeats_channel = true,
     .weight = kListWeight,
     .make = MakeRoles},
    {.id = CommandId::kCreatePrivate,
     .name = "create_private",
     .usage = "create_private$NAME",
     .help = "create and join a channel that others join by invitation only",
     .fields_min = 1,
     .fields_max = 1,
     .make = MakeCreatePrivate},
    {.id = CommandId::kDirect,
     .name = "direct",
     .usage = "direct$UID",
     .help = "open your conversation with a user; answers its channel",
     .fields_min = 1,
     .fields_max = 1,
     .make = MakeDirect},
    {.id = CommandId::kTopic,
     .name = "topic",
     .usage = "topic$CHAN$TEXT",
     .help = "moderators: say what the channel is about",
     .fields_min = 2,
     .fields_max = 2,
     .rest_is_last = true,
     .make = MakeTopic},
    {.id = CommandId::kRename,
     .name = "rename",
     .usage = "rename$CHAN$NAME",
     .help = "owners: give the channel another name",
     .fields_min = 2,
     .fields_max = 2,
     .make = MakeRename},
    {.id = CommandId::kDeleteChannel,
     .name = "delete_chan",
     .usage = "delete_chan$CHAN",
     .help = "owners: end the channel, with everything that was said in it",
     .fields_min = 1,
     .fields_max = 1,
     .make = MakeDeleteChannel},
    {.id = CommandId::kDeleteMessage,
     .name = "delete_msg",
     .usage = "delete_msg$CHAN$SEQ",
     .help = "delete a message of your own; moderators: of anyone",
     .fields_min = 2,
     .fields_max = 2,
     .make = MakeDeleteMessage},
    {.id = CommandId::kKick,
     .name = "kick",
     .usage = "kick$CHAN$UID$REASON",
     .help = "moderators: end the membership of another",
     .fields_min = 2,
     .fields_max = 3,
     .rest_is_last = true,
     .make = MakeKick},
    {.id = CommandId::kBan,
     .name = "ban",
     .usage = "ban$CHAN$UID$SECONDS$REASON",
     .help = "moderators: keep a user, or guests of an address range such as 192.0.2.0/24, out; no "
             "SECONDS: for good",
     .fields_min = 2,
     .fields_max = 4,
     .rest_is_last = true,
     .make = MakeSanction<SanctionKind::kBan>},
    {.id = CommandId::kUnban,
     .name = "unban",
     .usage = "unban$CHAN$UID",
     .help = "moderators: take a ban back",
     .fields_min = 2,
     .fields_max = 2,
     .make = MakePardon<SanctionKind::kBan>},
    {.id = CommandId::kMute,
     .name = "mute",
     .usage = "mute$CHAN$UID$SECONDS$REASON",
     .help = "moderators: take the word of another; no SECONDS: until unmute",
     .fields_min = 2,
     .fields_max = 4,
     .rest_is_last = true,
     .make = MakeSanction<SanctionKind::kMute>},
    {.id = CommandId::kUnmute,
     .name = "unmute",
     .usage = "unmute$CHAN$UID",
     .help = "moderators: give the word back",
     .fields_min = 2,
     .fields_max = 2,
     .make = MakePardon<SanctionKind::kMute>},
    {.id = CommandId::kBans,
     .name = "bans",
     .usage = "bans$CHAN",
     .help = "moderators: list the bans and mutes that hold",
     .fields_min = 1,
     .fields_max = 1,
     .repeats_channel = true,
     .weight = kListWeight,
     .make = MakeBans},
    {.id = CommandId::kRole,
     .name = "role",
     .usage = "role$CHAN$UID$ROLE",
     .help = "owners: make a member owner, moderator or member",
     .fields_min = 3,
     .fields_max = 3,
     .make = MakeRole},
    {.id = CommandId::kInvite,
     .name = "invite",
     .usage = "invite$CHAN$USES$SECONDS",
     .help = "moderators: make a code that leads into a private channel, once and for a day unless "
             "said otherwise",
     .fields_min = 1,
     .fields_max = 3,
     .make = MakeInvite},
    {.id = CommandId::kInvites,
     .name = "invites",
     .usage = "invites$CHAN",
     .help = "moderators: list the invites that still lead in",
     .fields_min = 1,
     .fields_max = 1,
     .repeats_channel = true,
     .weight = kListWeight,
     .make = MakeInvites},
    {.id = CommandId::kRevoke,
     .name = "revoke",
     .usage = "revoke$CHAN$INVITE",
     .help = "moderators: end an invite",
     .fields_min = 2,
     .fields_max = 2,
     .repeats_channel = true,
     .make = MakeRevoke},
    {.id = CommandId::kAccept,
     .name = "accept",
     .usage = "accept$CODE",
     .help = "join the channel that an invite leads to",
     .fields_min = 1,
     .fields_max = 1,
     .make = MakeAccept},
    {.id = CommandId::kAdd,
     .name = "add",
     .usage = "add$CHAN$UID",
     .help = "moderators: make a user a member",
     .fields_min = 2,
     .fields_max = 2,
     .make = MakeAdd},
};

}  // namespace

absl::Span<const CommandRow> ModerationCommands() { return kTable; }

}  // namespace txtchat::gateway
