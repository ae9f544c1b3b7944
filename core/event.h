#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace txtchat {

/// Names one incarnation of a channel inside this process: ids can be used again, keys never are.
using ChannelKey = std::uint64_t;
/// Names one user inside this process, in the order of registration.
using UserKey = std::uint64_t;
/// Names one delivery session (a line connection, a Subscribe stream); 0 means none.
using SessionId = std::uint64_t;

/// What a member may do in a channel (core/policy.h). The numbers are stored.
enum class Role : std::uint8_t { kMember = 0, kModerator = 1, kOwner = 2 };

/// The numbers are stored.
enum class EventKind : std::uint8_t {
  kMessagePosted = 0,
  kMemberJoined = 1,
  kMemberLeft = 2,
  /// A message stood here; its text is gone. Who posted it and when is still told.
  kMessageRemoved = 3,
  // --- Acts of moderation: `user` acted, `act` says on what.
  kMessageDeleted = 4,  ///< The message `target_sequence`.
  kMemberKicked = 5,    ///< `target`, for the reason `text`.
  kBanned = 6,          ///< `target` (a user or an address range), until `until_unix_ms`.
  kUnbanned = 7,
  kMuted = 8,  ///< As kBanned.
  kUnmuted = 9,
  kRoleChanged = 10,     ///< `target` has `role` now.
  kTopicChanged = 11,    ///< To `text`.
  kChannelRenamed = 12,  ///< To `text`.
  kChannelDeleted = 13,  ///< Nothing comes after it.
};

/// Whether it has an Act.
constexpr bool IsAct(EventKind kind) { return kind >= EventKind::kMessageDeleted; }

/// What an act of moderation was about. What a kind does not name is empty.
struct Act {
  std::string target_id;  ///< A user's id, or an address range (core/ip_address.h).
  std::string target_name;
  std::string text;  ///< The new topic or name, or the reason.
  std::uint64_t target_sequence = 0;
  std::int64_t until_unix_ms = 0;  ///< 0: for good.
  Role role = Role::kMember;

  bool operator==(const Act&) const = default;
};

/// One entry of a channel's log. Immutable once published, shared by all threads.
struct Event {
  std::string channel_id;
  std::uint64_t sequence = 0;  ///< From 1, without holes, for each channel.
  std::int64_t time_unix_ms = 0;
  EventKind kind = EventKind::kMessagePosted;
  std::string user_id;    ///< Who spoke, joined or left.
  std::string user_name;  ///< With the name of that moment.
  std::string text;       ///< Only of a message.
  std::string client_message_id;
  std::shared_ptr<const Act> act;  ///< Only of acts of moderation.

  /// Bytes that this event holds in memory, for bounding.
  std::size_t MemoryBytes() const {
    const std::size_t of_act = act == nullptr ? 0
                                              : sizeof(Act) + act->target_id.size() +
                                                    act->target_name.size() + act->text.size();
    return sizeof(Event) + channel_id.size() + user_id.size() + user_name.size() + text.size() +
           client_message_id.size() + of_act;
  }
};
using EventPtr = std::shared_ptr<const Event>;

}  // namespace txtchat
