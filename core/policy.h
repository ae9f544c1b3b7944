// Who may do what in a channel: the one place that says so (docs/security.md shows it as a table).
// Pure functions, thread-safe.
#pragma once

#include <cstdint>

#include "core/event.h"
#include "core/message_store.h"

namespace txtchat {

/// What can be done in a channel by its members. Whoever is none can at most see and join it.
enum class Right : std::uint8_t {
  kRead,           ///< Its history, its members, its events.
  kSpeak,          ///< Unless muted; whoever is muted neither sets the topic nor renames.
  kRemoveMessage,  ///< Of others; everybody may remove their own.
  kSetTopic,
  kInvite,    ///< Make, list and revoke invites; add members.
  kSanction,  ///< Kick, ban, mute, and take it back; see what holds.
  kRename,
  kSetRole,
  kRemoveChannel,
};

/// Whether the channel's kind knows of the right at all: in a direct conversation nobody moderates,
/// and the name and the end of a personal channel are its user's.
bool HasRight(ChannelKind kind, Right right);
/// Whether members with this role have it.
bool MayDo(Role role, Right right);
/// The least role that has it.
Role LeastRole(Right right);
/// Whether `actor` stands above `target`, so that it may kick, ban or mute it.
constexpr bool StandsAbove(Role actor, Role target) { return actor > target; }
/// Whether a member with the role `actor` may end or replace a sanction that a member with the role
/// `imposer` has put; who is no member any more counts as kMember. Nobody may end its own.
constexpr bool MayLift(Role actor, Role imposer) { return !StandsAbove(imposer, actor); }

/// `member`, `moderator`, `owner`.
const char* RoleName(Role role);

}  // namespace txtchat
