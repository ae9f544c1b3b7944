// What transports ask of the core, and what it answers.
//
// A transport fills an Envelope and submits it to the Sequencer; the answer comes back on the
// transport's own delivery lane. Every command may answer, besides its own codes:
//   UNAUTHENTICATED     the actor is not a present user
//   RESOURCE_EXHAUSTED  a limit was reached (the message names it)
//   UNAVAILABLE         the store refused the batch, or the server drains; nothing happened
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "core/account_commands.h"
#include "core/event.h"
#include "core/identity.h"
#include "core/ip_address.h"
#include "core/message_store.h"
#include "core/moderation_commands.h"
#include "core/session_spec.h"
#include "core/wire_format.h"

namespace txtchat {

class DeliveryLane;

/// Who acts: somebody vouched for, else the user of a token, else the user of a session.
struct Actor {
  SessionId session = 0;
  /// Hash of a bearer token; empty for line sessions.
  std::string credential;
  /// Becomes a user with the first command. It was checked that this holds now.
  std::shared_ptr<const Vouched> vouched;
  /// A user id that a legacy client stated of itself; empty if it stated none or its own. It never
  /// gives an identity: the id of another present user is PERMISSION_DENIED, and what is not even
  /// an address (`claim_is_address`) is INVALID_ARGUMENT.
  std::string claimed_user_id;
  bool claim_is_address = false;
  IpAddress address;  ///< Of the peer; bans of address ranges look at it.
};

// --- Commands.

/// Registers a guest and its personal channel, and opens `session` for it if that has an id. For a
/// session that is registered already it renames the user. Answers Registered.
/// INVALID_ARGUMENT     the display name is refused
/// ALREADY_EXISTS       it looks like the name of somebody who has an account or is vouched for, or
///                      like another guest's without being the same
/// PERMISSION_DENIED    guests are not admitted
/// FAILED_PRECONDITION  the user is vouched for: its name is not its own to choose
struct Register {
  std::string user_id;  ///< Chosen by the transport: the peer's address, or random digits.
  std::string display_name;
  std::string credential;  ///< Hash of the user's token; empty: the user ends with its session.
  SessionSpec session;
};

/// Where a reader that was away goes on: after `after_sequence` of this channel, in the history
/// that `epoch` names. An empty epoch is not checked.
struct Position {
  std::string channel_id;
  std::uint64_t after_sequence = 0;
  std::string epoch;
};

/// Opens a session for the actor: it follows the chosen channels, or all of the user's, through
/// later joins and leaves. A channel begins after its position, or at its head if there is none.
/// Answers SessionOpened, after its SubscriptionStart items.
/// NOT_FOUND, PERMISSION_DENIED  a chosen channel does not exist, or the actor is no member
/// INVALID_ARGUMENT              too many channels or positions; two positions for one channel, or
///                               one for a channel that is not among the chosen
/// OUT_OF_RANGE                  a position is beyond the head of its channel
/// FAILED_PRECONDITION           the session has a user already
struct OpenSession {
  SessionSpec session;
  std::vector<std::string> channel_ids;
  std::vector<Position> positions;
};

/// Ends the actor's session; a user without a credential ends with it. Unknown sessions are fine.
/// Submit it with must_apply. Answers monostate.
struct CloseSession {};

/// Changes the wire format of the actor's session. Answers monostate; what is delivered after the
/// answer is in the new format.
struct SetFormat {
  WireFormat format;
};

// A private channel and a direct conversation do not exist for those who are no members: every
// command that names one answers them what it answers for an id that was never used, NOT_FOUND.
// Only whom somebody vouches for also sees, and may join, the private channels that Vouched names,
// with the commands that it vouches for; a ban takes that from it, too.

/// The creator becomes the owner. Answers ChannelInfo. INVALID_ARGUMENT: the display name is
/// refused.
struct CreateChannel {
  std::string display_name;
  ChannelKind kind = ChannelKind::kPublic;  ///< Or kPrivate.
};

/// Opens the actor's direct conversation with a user: makes it, with both as members, or makes the
/// actor a member again who had left it. Answers ChannelInfo. NOT_FOUND: no such user;
/// INVALID_ARGUMENT: it is the actor; RESOURCE_EXHAUSTED: also if the other can be added to no more
/// channels by others.
struct OpenDirect {
  std::string user_id;
};

/// Answers ChannelInfo. NOT_FOUND.
struct GetChannel {
  std::string channel_id;
};

/// Answers ChannelPage, in the order of creation: public channels, or all of the actor's own.
/// INVALID_ARGUMENT: the page token is not valid.
struct ListChannels {
  std::size_t page_size = 0;  ///< 0: the default.
  std::string page_token;
  bool joined_only = false;
};

/// Answers MemberPage, in the order of registration. NOT_FOUND; PERMISSION_DENIED: not a member;
/// INVALID_ARGUMENT: the page token is not valid.
struct ListMembers {
  std::string channel_id;
  std::size_t page_size = 0;  ///< 0: the default.
  std::string page_token;
};

/// Answers Joined. NOT_FOUND; PERMISSION_DENIED: banned from the channel.
struct Join {
  std::string channel_id;
};

/// Joins the channel that an invite leads to. Answers Joined. NOT_FOUND: there is no such invite,
/// it has expired or is used up, or the actor is banned from the channel.
struct JoinByInvite {
  std::string invite_hash;
};

/// Makes a user a member. Answers Acted (its joining). NOT_FOUND: also for an unknown user;
/// PERMISSION_DENIED; FAILED_PRECONDITION: it is a member already, or banned;
/// RESOURCE_EXHAUSTED: also if it can be added to no more channels by others.
struct AddMember {
  std::string channel_id;
  std::string user_id;
};

/// Joins a channel and goes on after a position of it. Answers Resumed. NOT_FOUND;
/// FAILED_PRECONDITION: a member already; PERMISSION_DENIED: banned from the channel;
/// OUT_OF_RANGE: the position is beyond the head.
struct Resume {
  Position position;
};

/// Answers monostate. NOT_FOUND; FAILED_PRECONDITION: not a member.
struct Leave {
  std::string channel_id;
};

/// Posts a message. A client message id identifies it among those of its user for as long as it is
/// kept: sent again, it answers what the first one did and posts nothing. Answers Posted.
/// NOT_FOUND; PERMISSION_DENIED: not a member; INVALID_ARGUMENT: the text or the client message id
/// is refused; ALREADY_EXISTS: the client message id stands for another text or channel.
struct Send {
  std::string channel_id;
  std::string text;
  std::string client_message_id;
  bool allow_empty_text = false;
};

/// Asks whether the actor may read a channel's history; the reading itself is the transport's, with
/// a HistoryReader. Answers HistoryOpened. NOT_FOUND; PERMISSION_DENIED: not a member.
struct OpenHistory {
  std::string channel_id;
};

/// Answers Registered for the actor.
struct WhoAmI {};

/// Gives the actor another name. Answers Registered. INVALID_ARGUMENT, ALREADY_EXISTS,
/// FAILED_PRECONDITION: as Register.
struct SetDisplayName {
  std::string display_name;
};

/// From within: forgets the events before `first_kept`. Answers monostate.
struct Trim {
  ChannelKey channel = 0;
  std::uint64_t first_kept = 0;
};

/// From within: removes a little of what ended channels and users left behind. Answers monostate.
struct Purge {};

using Command =
    std::variant<Register, OpenSession, CloseSession, SetFormat, CreateChannel, OpenDirect,
                 GetChannel, ListChannels, ListMembers, Join, JoinByInvite, AddMember, Resume,
                 Leave, Send, SetTopic, RenameChannel, RemoveChannel, RemoveMessage, Kick, Sanction,
                 Pardon, SetRole, ListSanctions, CreateInvite, ListInvites, RevokeInvite,
                 OpenHistory, WhoAmI, SetDisplayName, CreateAccount, FindLogin, FindOwnLogin,
                 EnterAccount, ChangePassword, ListTokens, RevokeToken, EraseUserData, Trim, Purge>;

// --- Answers.

struct ChannelInfo {
  ChannelKey key = 0;
  std::string id;
  std::string display_name;
  std::int64_t create_time_unix_ms = 0;
  std::uint64_t head_sequence = 0;
  std::size_t member_count = 0;
  ChannelKind kind = ChannelKind::kPublic;
  std::string topic;
};

struct MemberInfo {
  UserInfo user;
  Role role = Role::kMember;
  bool muted = false;
  std::int64_t muted_until_unix_ms = 0;  ///< 0: for good, if muted at all.
};

/// The personal channel has the user's id.
struct Registered {
  UserInfo user;
};

/// How a position was met.
struct Recovery {
  enum class State : std::uint8_t {
    kRecovered,     ///< Everything after the position follows.
    kGap,           ///< `gap_from` to `gap_to` are no longer kept; everything after them follows.
    kEpochChanged,  ///< The position belongs to another history; what follows begins at the head.
    kNotMember,     ///< No such channel, or the user is no member: nothing follows.
  };
  std::string channel_id;
  State state = State::kRecovered;
  std::uint64_t gap_from = 0;
  std::uint64_t gap_to = 0;
};

struct SessionOpened {
  UserInfo user;
  std::vector<Recovery> recoveries;  ///< One for each position, in the order asked.
};

struct Joined {
  ChannelInfo channel;
  bool already_member = false;
};

struct Resumed {
  ChannelInfo channel;  ///< The joining is its newest event.
  Recovery recovery;
};

struct Posted {
  ChannelKey channel = 0;
  EventPtr event;
  bool repeated = false;  ///< It had been posted before: this command posted nothing.
};

struct HistoryOpened {
  ChannelInfo channel;
};

struct ChannelPage {
  std::vector<ChannelInfo> channels;
  std::string next_page_token;
};

struct MemberPage {
  std::vector<MemberInfo> members;
  std::string next_page_token;
};

using Result = std::variant<std::monostate, Registered, SessionOpened, ChannelInfo, Joined, Resumed,
                            Posted, HistoryOpened, ChannelPage, MemberPage, Acted, SanctionList,
                            InviteRow, InviteList, AccountOpened, LoginFound, TokenList>;

/// Called exactly once, on the lane's own thread.
using Completion = absl::AnyInvocable<void(absl::StatusOr<Result>)>;

/// A command on its way to the sequencer.
struct Envelope {
  Command command;
  Actor actor;
  DeliveryLane* lane = nullptr;  ///< Where `done` runs. Null: `done` is dropped (tests, internal).
  Completion done;
  std::int64_t time_unix_ms = 0;  ///< When it was received.
  std::uint64_t entropy = 0;      ///< Fresh unpredictable bits, used where an id must be made.
  /// Never refused by a full inbox or a failed commit: it is tried again until it holds. Only for
  /// what must happen and is bounded otherwise (CloseSession).
  bool must_apply = false;

  /// Bytes that this envelope holds in the inbox; a list counts as its answer.
  std::size_t MemoryBytes() const;
  /// Bytes that its sender sent: of texts, names and ids.
  std::size_t SentBytes() const;
};

}  // namespace txtchat
