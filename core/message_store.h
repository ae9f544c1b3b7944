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

/// How a user came to be. The numbers are stored.
enum class UserKind : std::uint8_t {
  kGuest = 0,    ///< Came without an account: a display name, and no more.
  kAccount = 1,  ///< Has a login name and a password.
  kVouched = 2,  ///< The operator's own backend, or an authority of certificates, vouches for it.
};

/// Who finds a channel, and who may join it. The numbers are stored.
enum class ChannelKind : std::uint8_t {
  kPublic = 0,    ///< Listed; anyone may join.
  kPersonal = 1,  ///< Has its user's own id: whoever knows that may join. Not listed.
  kPrivate = 2,   ///< Joined by invitation. To others it does not exist.
  kDirect = 3,    ///< Of two users. To others it does not exist.
};

struct UserRow {
  UserKey key = 0;
  std::string id;
  std::string display_name;
  std::string credential;  ///< Hash of a guest's token; empty: it ends with its connection.
  UserKind kind = UserKind::kGuest;
  std::string login;          ///< Of an account: its login name, folded; unique.
  std::string password_hash;  ///< Of an account: as PasswordHasher made it.
  std::string subject;        ///< Of a vouched user: who it is to who vouches; unique.
};

struct ChannelRow {
  ChannelKey key = 0;
  std::string id;
  std::string display_name;
  std::int64_t create_time_unix_ms = 0;
  ChannelKind kind = ChannelKind::kPublic;
  std::string topic;
  /// Of a direct conversation: whose it is, the lesser key first.
  UserKey direct_first = 0;
  UserKey direct_second = 0;
};

struct Membership {
  ChannelKey channel = 0;
  UserKey user = 0;
  Role role = Role::kMember;
};

/// The numbers are stored.
enum class SanctionKind : std::uint8_t { kBan = 0, kMute = 1 };

/// Begins the subject of a sanction whose user was erased, and neither an id of a user nor an
/// address range.
inline constexpr char kErasedSubject[] = "erased:";

/// A ban or a mute in a channel. One of a kind for each subject.
struct SanctionRow {
  ChannelKey channel = 0;
  SanctionKind kind = SanctionKind::kBan;
  /// The user's id, or an address range; of a vouched user who was erased, `erased:` and the hash
  /// of who it is to who vouches, in hexadecimal digits.
  std::string subject;
  std::string subject_name;
  UserKey user = 0;                ///< 0: an address range, or who was erased.
  std::int64_t until_unix_ms = 0;  ///< 0: for good.
  std::string reason;
  std::string by_user_id;
  std::int64_t time_unix_ms = 0;

  bool IsOfErased() const { return user == 0 && subject.starts_with(kErasedSubject); }
  bool HoldsAt(std::int64_t now_unix_ms) const {
    return until_unix_ms == 0 || until_unix_ms > now_unix_ms;
  }
};

/// A token of an account. The token itself is kept nowhere.
struct TokenRow {
  std::string hash;
  std::string id;  ///< Names it in lists; no secret. Unique.
  UserKey user = 0;
  std::string label;
  std::int64_t create_time_unix_ms = 0;
  std::int64_t expire_time_unix_ms = 0;

  bool HoldsAt(std::int64_t now_unix_ms) const { return expire_time_unix_ms > now_unix_ms; }
};

/// A way into a private channel. The code itself is kept nowhere.
struct InviteRow {
  std::string hash;
  std::string id;  ///< Names it in lists; no secret. Unique.
  ChannelKey channel = 0;
  std::int64_t expire_time_unix_ms = 0;
  std::uint32_t uses_left = 0;
  std::string by_user_id;

  bool HoldsAt(std::int64_t now_unix_ms) const { return expire_time_unix_ms > now_unix_ms; }
};

// --- Changes. A batch holds them in the order of the decisions.

/// A new user, or another content of the row with its key.
struct PutUser {
  UserRow user;
};
struct RenameUser {
  UserKey user = 0;
  std::string display_name;
};
/// The user has no memberships any more. Its tokens and the sanctions with its key go with it.
struct DeleteUser {
  UserKey user = 0;
};
struct PutChannel {
  ChannelRow channel;
};
/// Another name and topic of a channel.
struct DescribeChannel {
  ChannelKey channel = 0;
  std::string display_name;
  std::string topic;
};
/// The channel has no members any more; its events are not needed any more. Its sanctions and
/// invites go with it.
struct DeleteChannel {
  ChannelKey channel = 0;
};
/// A new member, or another role of one.
struct PutMembership {
  Membership membership;
};
struct DeleteMembership {
  Membership membership;
};
/// A new sanction, or another content of the one with its channel, kind and subject.
struct PutSanction {
  SanctionRow sanction;
};
struct DeleteSanction {
  ChannelKey channel = 0;
  SanctionKind kind = SanctionKind::kBan;
  std::string subject;
};
struct PutToken {
  TokenRow token;
};
struct DeleteToken {
  std::string hash;
};
/// A new invite, or another content of the one with its hash.
struct PutInvite {
  InviteRow invite;
};
struct DeleteInvite {
  std::string hash;
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
/// Puts `tombstone`, of kind kMessageRemoved, in the place of the message with its sequence; does
/// nothing if that is no longer kept. When Commit returns nobody reads the text any more; it leaves
/// the disk as soon as no reader stands in the way (NeedsPurge).
struct EraseMessage {
  ChannelKey channel = 0;
  EventPtr tombstone;
};
/// Begins to do the same to every message that the user with this id has ever posted, without their
/// client message ids, and to put `name` for its names. PurgeSteps carry it out (IsErasing).
struct EraseUser {
  std::string user_id;
  std::string name;
};
/// A small step of removing what was left behind by channels and users that have ended, and of
/// erasing.
struct PurgeStep {};

using StoreChange = std::variant<AppendEvent, PutUser, RenameUser, DeleteUser, PutChannel,
                                 DescribeChannel, DeleteChannel, PutMembership, DeleteMembership,
                                 PutSanction, DeleteSanction, PutToken, DeleteToken, PutInvite,
                                 DeleteInvite, EraseMessage, EraseUser, TrimChannel, PurgeStep>;

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
  std::vector<SanctionRow> sanctions;
  std::vector<TokenRow> tokens;
  std::vector<InviteRow> invites;
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

/// Which messages of one user to read: those behind (`after_channel`, `after_sequence`).
struct AuthoredQuery {
  std::string user_id;
  ChannelKey after_channel = 0;
  std::uint64_t after_sequence = 0;
  std::size_t scan_max = 0;   ///< Events that are looked at, whoever posted them.
  std::size_t bytes_max = 0;  ///< Of text, about; one message is answered however large it is.
};
/// What a message counts for `bytes_max`: its text, its names, and what else comes with it.
constexpr std::size_t AuthoredBytes(std::size_t text_bytes, std::size_t name_bytes) {
  return text_bytes + name_bytes + 256;
}
struct AuthoredPage {
  std::vector<EventPtr> messages;
  bool done = false;  ///< There are no more. Otherwise go on behind these two:
  ChannelKey last_channel = 0;
  std::uint64_t last_sequence = 0;
};

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

  /// The event of the channel with this sequence, as far as Commit has kept it; null if it is no
  /// longer kept. Blocking, for memory work or one look-up; sequencer thread only.
  virtual absl::StatusOr<EventPtr> FindEvent(ChannelKey channel, std::uint64_t sequence) = 0;

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

  /// Reads what a user has posted, in the order of channels and sequences. Blocking; any thread,
  /// concurrently with Commit.
  virtual absl::StatusOr<AuthoredPage> ReadAuthored(const AuthoredQuery& query) = 0;

  /// Whether a PurgeStep would find something to do. Any thread.
  virtual bool NeedsPurge() const = 0;
  /// Whether an EraseUser is still being carried out. Any thread.
  virtual bool IsErasing() const = 0;
};

}  // namespace txtchat
