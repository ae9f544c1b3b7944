// Port: where the log and what belongs to it are kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/event.h"

namespace txtchat {

// --- What is kept of users and channels.

struct UserRow {
  UserKey key = 0;
  std::string id;
  std::string display_name;
  std::string credential;  ///< Hash of its token; empty: the user ends with its connection.
};

struct ChannelRow {
  ChannelKey key = 0;
  std::string id;
  std::string display_name;
  std::int64_t create_time_unix_ms = 0;
  bool personal = false;  ///< The channel with its user's own id.
};

struct Membership {
  ChannelKey channel = 0;
  UserKey user = 0;
};

// --- Changes. A batch holds them in the order of the decisions.

struct PutUser {
  UserRow user;
};
struct RenameUser {
  UserKey user = 0;
  std::string display_name;
};
/// The user has no memberships any more.
struct DeleteUser {
  UserKey user = 0;
};
struct PutChannel {
  ChannelRow channel;
};
/// The channel has no members any more; its events are not needed any more.
struct DeleteChannel {
  ChannelKey channel = 0;
};
struct PutMembership {
  Membership membership;
};
struct DeleteMembership {
  Membership membership;
};
/// The next event of its channel. Where it has a client message id, FindSent finds it by that and
/// `sender` as long as it is kept.
struct AppendEvent {
  ChannelKey channel = 0;
  UserKey sender = 0;
  EventPtr event;
};
/// The events before `first_kept` are not needed any more.
struct TrimChannel {
  ChannelKey channel = 0;
  std::uint64_t first_kept = 0;
};
/// A small step of removing what was left behind by channels and users that have ended.
struct PurgeStep {};

using StoreChange =
    std::variant<AppendEvent, PutUser, RenameUser, DeleteUser, PutChannel, DeleteChannel,
                 PutMembership, DeleteMembership, TrimChannel, PurgeStep>;

/// Everything that one batch of the sequencer changes: kept as a whole or not at all.
using StoreBatch = std::vector<StoreChange>;

// --- What is read.

/// Everything but the events: what a server begins with.
struct StoredState {
  struct StoredChannel {
    ChannelRow channel;
    std::uint64_t head = 0;  ///< Sequence of the newest event.
  };

  /// Names this history: a position in another one means nothing here. 16 hexadecimal digits.
  std::string epoch;
  std::vector<UserRow> users;           ///< Ascending keys.
  std::vector<StoredChannel> channels;  ///< Ascending keys.
  std::vector<Membership> memberships;
  /// The greatest keys ever used and still remembered: new ones must be above.
  UserKey last_user_key = 0;
  ChannelKey last_channel_key = 0;
};

/// Which events of a channel to read: those after `after`, none beyond `up_to`.
struct EventQuery {
  ChannelKey channel = 0;
  std::uint64_t after = 0;
  std::uint64_t up_to = 0;
  std::size_t events_max = 0;
  std::size_t bytes_max = 0;   ///< Of text, about; one event is answered however large it is.
  bool newest_first = false;   ///< Otherwise oldest first.
  bool messages_only = false;  ///< Leaves out the events of members.
};

/// Events in the order asked for, consecutive but for those that are not kept or were left out.
using EventPage = std::vector<EventPtr>;

/// How much of each channel is kept; 0 means without limit.
struct RetentionPolicy {
  std::int64_t age_max_ms = 0;
  std::uint64_t events_max = 0;
  std::uint64_t bytes_max = 0;

  bool empty() const { return age_max_ms == 0 && events_max == 0 && bytes_max == 0; }
};

/// Load once, before anything else; then Commit from one thread, the sequencer's; everything else
/// as it says.
class MessageStore {
 public:
  virtual ~MessageStore() = default;

  /// Reads what a server begins with. Blocking; does not depend on how many events are kept.
  /// DATA_LOSS  what is stored is damaged; the message says what to do
  virtual absl::StatusOr<StoredState> Load() = 0;

  /// Keeps the batch, as durably as this store promises, before it returns. On an error nothing of
  /// it is kept, and the store can be tried again. Blocking; sequencer thread only.
  virtual absl::Status Commit(const StoreBatch& batch) = 0;

  /// The event that `sender` sent with this client message id, as far as Commit has kept it; null
  /// if there is none. Blocking, for memory work or one look-up; sequencer thread only.
  virtual absl::StatusOr<EventPtr> FindSent(UserKey sender,
                                            const std::string& client_message_id) = 0;

  /// The oldest event of the channel that is kept, or the one after its newest if there is none; 1
  /// for a channel without events. Memory work only; any thread.
  virtual std::uint64_t FirstKept(ChannelKey channel) const = 0;

  /// Reads a page; an empty one means that none of the range is kept (or none of it is a message,
  /// where only these are asked for). Blocking; any thread, concurrently with Commit.
  virtual absl::StatusOr<EventPage> Read(const EventQuery& query) = 0;

  /// Finds up to `trims_max` channels that keep more than `policy` allows, and where each should
  /// begin instead, at most `step_max` events further. Blocking; any one thread at a time,
  /// concurrently with Commit.
  virtual absl::StatusOr<std::vector<TrimChannel>> FindSurplus(const RetentionPolicy& policy,
                                                               std::int64_t now_unix_ms,
                                                               std::size_t trims_max,
                                                               std::uint64_t step_max) = 0;

  /// Whether a PurgeStep would find something to remove. Any thread.
  virtual bool NeedsPurge() const = 0;
};

}  // namespace txtchat
