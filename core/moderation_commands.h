// What moderators and owners ask of the core (core/command.h has the rest), and what is answered.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/event.h"
#include "core/message_store.h"

namespace txtchat {

// core/policy.h says who may do what. All of these may answer NOT_FOUND and PERMISSION_DENIED (also
// who is muted, for a topic or a name); each is an event of the channel, which Acted answers.

/// INVALID_ARGUMENT: the topic is too long or holds a refused character. Empty: none.
struct SetTopic {
  std::string channel_id;
  std::string topic;
};

/// INVALID_ARGUMENT: the display name is refused; FAILED_PRECONDITION: the channel has no name of
/// its own (personal, direct).
struct RenameChannel {
  std::string channel_id;
  std::string display_name;
};

/// Ends the channel, with everything that was said in it. FAILED_PRECONDITION: it is personal.
struct RemoveChannel {
  std::string channel_id;
};

/// Removes a message: by its author, or by who moderates. NOT_FOUND: also if no message has this
/// sequence, or has no longer.
struct RemoveMessage {
  std::string channel_id;
  std::uint64_t sequence = 0;
};

/// Ends the membership of another. NOT_FOUND: also if it is no member.
struct Kick {
  std::string channel_id;
  std::string user_id;
  std::string reason;  ///< May be empty.
};

/// Bans or mutes a user, or bans an address range, for a time or for good, in the place of one that
/// holds (PERMISSION_DENIED as Pardon). Who is banned is no member from then on. INVALID_ARGUMENT:
/// also a range that is to be muted; NOT_FOUND: also no such user; RESOURCE_EXHAUSTED: too many.
struct Sanction {
  std::string channel_id;
  SanctionKind kind = SanctionKind::kBan;
  std::string subject;           ///< A user's id, or an address range.
  std::int64_t duration_ms = 0;  ///< 0: for good.
  std::string reason;            ///< May be empty.
};

/// Takes a sanction back. NOT_FOUND: also if there is none; PERMISSION_DENIED: also as MayLift
/// says.
struct Pardon {
  std::string channel_id;
  SanctionKind kind = SanctionKind::kBan;
  std::string subject;
};

/// Gives a member another role. NOT_FOUND: also if it is no member; FAILED_PRECONDITION: the
/// channel would have no owner any more; RESOURCE_EXHAUSTED: it has its most moderators and owners.
struct SetRole {
  std::string channel_id;
  std::string user_id;
  Role role = Role::kMember;
};

/// Not an event. Answers SanctionList: what holds now.
struct ListSanctions {
  std::string channel_id;
};

/// Makes an invite; its code is the transport's secret, of which the core has the hash. Not an
/// event. Answers InviteRow. INVALID_ARGUMENT: no uses, or no lifetime, or too many of them;
/// FAILED_PRECONDITION: a public channel needs none, a personal or direct one has none;
/// RESOURCE_EXHAUSTED: the channel, or the server, has its most invites.
struct CreateInvite {
  std::string channel_id;
  std::string hash;
  std::string invite_id;
  std::uint32_t uses_max = 1;
  std::int64_t lifetime_ms = 0;
};

/// Not an event. Answers InviteList: what holds now.
struct ListInvites {
  std::string channel_id;
};

/// Not an event. Answers monostate. NOT_FOUND: also if there is no such invite.
struct RevokeInvite {
  std::string channel_id;
  std::string invite_id;
};

// --- Answers.

/// What became of an act: its event.
struct Acted {
  ChannelKey channel = 0;
  EventPtr event;
};

struct SanctionList {
  std::vector<SanctionRow> sanctions;
};

struct InviteList {
  std::vector<InviteRow> invites;
};

}  // namespace txtchat
