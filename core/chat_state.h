// Users, channels, memberships and sessions: the mutable state of the chat. Only the sequencer's
// thread touches it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "core/broadcast_queue.h"
#include "core/command.h"
#include "core/event.h"
#include "core/identity.h"
#include "core/ip_address.h"
#include "core/journal.h"
#include "core/limits.h"
#include "core/message_store.h"
#include "core/rate_limiter.h"
#include "core/wire_format.h"

namespace txtchat {

class DeliveryLane;

/// Delivery of one channel: its queue and which lanes have subscribers. Changed only when a batch
/// is published, so it never has to be rolled back.
struct ChannelFeed {
  struct LaneUse {
    DeliveryLane* lane = nullptr;
    std::uint32_t subscriptions = 0;
    std::uint64_t woken_in_batch = 0;  ///< So that a batch wakes a lane once for a channel.
    std::uint32_t readable_index = 0;  ///< Where that batch names the channel.
  };

  std::shared_ptr<BroadcastQueue> queue;
  std::vector<LaneUse> lanes;
  std::array<std::uint32_t, kWireFormatCount> subscriptions_by_format{};
  // The QueueBudget's own.
  std::size_t budgeted_bytes = 0;
  std::list<ChannelFeed*>::iterator in_budget;
};

/// What few channels have, apart from the others.
struct ChannelExtras {
  std::string topic;
  /// Of a direct conversation: whose it is, the lesser key first.
  UserKey direct_first = 0;
  UserKey direct_second = 0;
  /// Members whose role is more than kMember, by key; the owner of a personal channel is not here.
  std::vector<std::pair<UserKey, Role>> officers;
  absl::btree_map<std::pair<SanctionKind, std::string>, SanctionRow> sanctions;
  absl::btree_map<std::string, IpRange> banned_ranges;  ///< Of these, by subject.
  absl::btree_map<std::string, InviteRow> invites;      ///< By hash.
};

struct Channel {
  ChannelKey key = 0;
  std::string id;
  std::string display_name;
  std::int64_t create_time_unix_ms = 0;
  ChannelKind kind = ChannelKind::kPublic;
  std::uint64_t head = 0;            ///< Sequence of the newest decided event.
  bool holds_messages = false;       ///< Something was said; taken for granted after a restart.
  std::int64_t emptied_unix_ms = 0;  ///< When the last member went.
  bool has_deadline = false;         ///< It has an entry among the deadlines of empty channels.
  absl::btree_set<UserKey> members;
  std::shared_ptr<ChannelFeed> feed;
  std::unique_ptr<ChannelExtras> extras;  ///< Null: all of it is empty.

  /// To read.
  const ChannelExtras& extra() const {
    static const ChannelExtras kNothing;
    return extras == nullptr ? kNothing : *extras;
  }
  /// To change.
  ChannelExtras& NeedExtras() {
    if (extras == nullptr) extras = std::make_unique<ChannelExtras>();
    return *extras;
  }
};

/// What accounts and vouched users have.
struct Account {
  std::string login;
  std::string password_hash;
  std::string subject;
  /// The former hash of the same password, which was right for whoever looked before it was
  /// renewed. Not stored.
  std::string renewed_from = {};

  bool HasPassword(const std::string& hash) const {
    return hash == password_hash || (!renewed_from.empty() && hash == renewed_from);
  }
};

struct User {
  UserKey key = 0;
  std::string id;
  std::string display_name;
  std::string credential;  ///< Empty: the user lives as long as its session.
  UserKind kind = UserKind::kGuest;
  std::int64_t last_seen_unix_ms = 0;
  std::int64_t since_unix_ms = 0;  ///< It is in this process since.
  IpAddress address;               ///< That it was last seen at, if any.
  // What it may still ask, say and make. Not journaled, as last_seen.
  TokenBucket commands;
  TokenBucket bytes;
  TokenBucket creations;
  absl::btree_set<ChannelKey> channels;
  std::vector<SessionId> sessions;
  std::unique_ptr<Account> account;  ///< Null for a guest.

  /// Whether it ends with its last session.
  bool ends_with_session() const { return kind == UserKind::kGuest && credential.empty(); }
};

struct Session {
  SessionSpec spec;
  UserKey user = 0;
  /// The token that it was opened with: its hash, and when it ends (0: never).
  std::string token_hash;
  std::int64_t expire_time_unix_ms = 0;
  /// The channels to follow; null: all of the user's.
  std::unique_ptr<absl::flat_hash_set<std::string>> chosen;

  bool Follows(const Channel& channel) const {
    return chosen == nullptr || chosen->contains(channel.id);
  }
};

/// Tables and their indexes. Every change is recorded in the journal, and rolls back with it.
/// References stay valid until the thing is removed (and again after a rollback).
class ChatState {
 public:
  /// `names` folds the names of users, and outlives this; null: none look alike.
  explicit ChatState(const Limits& limits, const NameFolder* names = nullptr)
      : limits_(limits), names_(names) {}
  ChatState(const ChatState&) = delete;
  ChatState& operator=(const ChatState&) = delete;

  Journal& journal() { return journal_; }

  /// Takes over what a store had kept, into an empty state. Not journaled.
  void Restore(const StoredState& stored, std::int64_t now_unix_ms);
  /// Names the history that the channels' sequence numbers belong to.
  const std::string& epoch() const { return epoch_; }
  /// Users that live as long as their session, in the order of registration.
  std::vector<User*> UsersWithoutCredential();

  // --- Users.
  User* FindUser(UserKey key);
  User* FindUserById(const std::string& id);
  User* FindUserByCredential(const std::string& credential);
  User* FindUserByLogin(const std::string& login);
  User* FindUserBySubject(const std::string& subject);
  /// `row` without a key.
  User& AddUser(UserRow row, std::int64_t now_unix_ms);
  void SetPassword(User& user, std::string password_hash);
  /// Another hash of the same password.
  void RenewPassword(User& user, std::string password_hash);
  static UserRow RowOf(const User& user);
  /// Whether the name looks like one that is in use, other than by `self` (which may be null).
  /// Guests among themselves may have the very same name.
  bool LooksLikeAnother(const std::string& display_name, UserKind kind, const User* self) const;
  std::size_t account_count() const { return accounts_; }

  // --- Tokens.
  const TokenRow* FindToken(const std::string& hash) const;
  /// In the order of their expiry.
  std::vector<const TokenRow*> TokensOf(const User& user) const;
  void AddToken(TokenRow token);
  void RemoveToken(const std::string& hash);
  /// The user must have no channels and no sessions any more.
  void RemoveUser(User& user);
  void Rename(User& user, std::string display_name);
  /// Notes that the user is there. Not journaled: being seen is a fact.
  void Touch(User& user, std::int64_t now_unix_ms) { user.last_seen_unix_ms = now_unix_ms; }

  // --- Channels.
  Channel* FindChannel(ChannelKey key);
  Channel* FindChannelById(const std::string& id);
  Channel& AddChannel(std::string id, std::string display_name, ChannelKind kind,
                      std::int64_t now_unix_ms);
  /// The channel must have no members any more.
  void RemoveChannel(Channel& channel);
  std::uint64_t NextSequence(Channel& channel);
  /// Notes that something was said. Not journaled: at worst a channel is kept for longer.
  void NoteMessage(Channel& channel) { channel.holds_messages = true; }
  void Describe(Channel& channel, std::string display_name, std::string topic);
  void AddMember(Channel& channel, User& user);
  /// Its role goes as well.
  void RemoveMember(Channel& channel, User& user, std::int64_t now_unix_ms);

  // --- Roles, sanctions, invites.
  /// Of a member.
  static Role RoleOf(const Channel& channel, const User& user);
  void SetRole(Channel& channel, const User& user, Role role);
  /// The sanction of `subject` that holds now; null if there is none.
  static const SanctionRow* FindSanction(const Channel& channel, SanctionKind kind,
                                         const std::string& subject, std::int64_t now_unix_ms);
  /// The ban of an address range that holds now and that `address` is in; null if there is none.
  static const SanctionRow* FindBannedRange(const Channel& channel, const IpAddress& address,
                                            std::int64_t now_unix_ms);
  void PutSanction(Channel& channel, SanctionRow sanction);
  void RemoveSanction(Channel& channel, SanctionKind kind, const std::string& subject);
  /// Channels that have a sanction of the user.
  std::vector<Channel*> SanctioningChannels(const User& user);
  /// Channels that have a sanction of an erased user, whose subject there is `subject`.
  std::vector<Channel*> ChannelsHolding(const std::string& subject);
  InviteRow* FindInvite(const std::string& hash);
  void PutInvite(Channel& channel, InviteRow invite);
  void RemoveInvite(Channel& channel, const std::string& hash);
  /// The conversation of the two users; null if there is none.
  Channel* FindDirect(const User& one, const User& other);
  void SetDirect(Channel& channel, const User& one, const User& other);

  // --- Sessions.
  Session* FindSession(SessionId id);
  Session& AddSession(const SessionSpec& spec, User& user, const std::vector<std::string>& chosen);
  void RemoveSession(Session& session, std::int64_t now_unix_ms);
  /// Notes what the session was opened with; just after AddSession.
  void SetExpiry(Session& session, std::string token_hash, std::int64_t expire_time_unix_ms);
  void SetFormat(Session& session, WireFormat format);

  // --- What falls due by itself.
  /// Users (with a credential) that were neither seen nor had a session for the grace period.
  std::vector<User*> TakeExpiredUsers(std::int64_t now_unix_ms);
  /// Sessions whose token has expired.
  std::vector<SessionId> ExpiredSessions(std::int64_t now_unix_ms) const;
  /// Hashes of tokens that have expired, some of them.
  std::vector<std::string> ExpiredTokens(std::int64_t now_unix_ms) const;
  /// Channels that had no members for their time to live.
  std::vector<Channel*> TakeExpiredChannels(std::int64_t now_unix_ms);
  std::optional<std::int64_t> NextDeadlineUnixMs() const;
  /// A channel without members in which nothing was ever said, the one that would end first; null
  /// if there is none.
  Channel* FindUnusedChannel();

  // --- Sizes and order.
  std::size_t user_count() const { return users_.size(); }
  std::size_t channel_count() const { return channels_.size(); }
  std::size_t session_count() const { return sessions_.size(); }
  /// Users and channels that are to be looked at later.
  std::size_t deadline_count() const {
    return guest_deadlines_.size() + unused_channel_deadlines_.size() +
           quiet_channel_deadlines_.size();
  }
  std::size_t personal_channel_count() const { return personal_channels_; }
  /// Those of all channels that are in the shared part of their table (core/shared_table.h).
  std::size_t shared_sanctions() const { return shared_sanctions_; }
  std::size_t shared_invites() const { return shared_invites_; }
  /// Public channels, in the order of creation.
  const absl::btree_set<ChannelKey>& listed_channels() const { return listed_channels_; }

 private:
  /// A user as its row says, that is in this process since 0.
  User& InsertRow(UserRow row, std::int64_t now_unix_ms);
  void InsertUser(std::unique_ptr<User> user);
  void ReplacePassword(User& user, std::string password_hash, std::string renewed_from);
  std::unique_ptr<User> ExtractUser(UserKey key);
  void InsertChannel(std::unique_ptr<Channel> channel);
  std::unique_ptr<Channel> ExtractChannel(ChannelKey key);
  void InsertToken(TokenRow token);
  TokenRow ExtractToken(const std::string& hash);
  void InsertSanction(Channel& channel, SanctionRow sanction);
  void NoteSanctioned(ChannelKey channel, const SanctionRow& sanction);
  void ForgetSanctioned(ChannelKey channel, const SanctionRow& sanction);
  SanctionRow ExtractSanction(Channel& channel, SanctionKind kind, const std::string& subject);
  void InsertInvite(Channel& channel, InviteRow invite);
  InviteRow ExtractInvite(Channel& channel, const std::string& hash);
  void InsertSession(std::unique_ptr<Session> session);
  std::unique_ptr<Session> ExtractSession(SessionId id);

  template <typename Key>
  using DeadlineSet = absl::btree_set<std::pair<std::int64_t, Key>>;

  std::int64_t TimeToLive(const Channel& channel) const {
    return channel.holds_messages ? limits_.quiet_channel_ttl_ms : limits_.empty_channel_ttl_ms;
  }
  void NoteEmpty(Channel& channel, std::int64_t now_unix_ms);
  void AddDeadline(Channel& channel);
  void TakeExpiredChannels(DeadlineSet<ChannelKey>& deadlines, std::int64_t now_unix_ms,
                           std::vector<Channel*>& expired);

  /// Who has a name, of those that look alike.
  struct NameUse {
    std::size_t protected_users = 0;  ///< With an account, or vouched for.
    std::size_t guests = 0;
    std::string guest_name;  ///< Of these.
  };
  void NoteName(const User& user);
  void ForgetName(const User& user);

  const Limits limits_;
  const NameFolder* const names_;
  Journal journal_;
  std::string epoch_;
  UserKey last_user_key_ = 0;
  ChannelKey last_channel_key_ = 0;

  absl::flat_hash_map<UserKey, std::unique_ptr<User>> users_;
  absl::flat_hash_map<std::string, UserKey> users_by_id_;
  absl::flat_hash_map<std::string, UserKey> users_by_credential_;
  absl::flat_hash_map<std::string, UserKey> users_by_login_;
  absl::flat_hash_map<std::string, UserKey> users_by_subject_;
  absl::flat_hash_map<std::string, NameUse> names_in_use_;  ///< By skeleton.
  std::size_t accounts_ = 0;
  absl::flat_hash_map<std::string, TokenRow> tokens_;
  absl::btree_set<std::tuple<UserKey, std::int64_t, std::string>> tokens_by_user_;
  DeadlineSet<std::string> token_deadlines_;
  DeadlineSet<SessionId> session_deadlines_;
  absl::flat_hash_map<ChannelKey, std::unique_ptr<Channel>> channels_;
  absl::flat_hash_map<std::string, ChannelKey> channels_by_id_;
  absl::btree_set<ChannelKey> listed_channels_;
  std::size_t personal_channels_ = 0;
  std::size_t shared_sanctions_ = 0;
  std::size_t shared_invites_ = 0;
  absl::flat_hash_map<std::pair<UserKey, UserKey>, ChannelKey> direct_channels_;
  absl::flat_hash_map<std::string, ChannelKey> channels_by_invite_;
  /// One entry for each sanction of a user.
  absl::btree_set<std::tuple<UserKey, ChannelKey, SanctionKind>> sanctioned_;
  /// One entry for each sanction of an erased user, by its subject.
  absl::btree_set<std::tuple<std::string, ChannelKey, SanctionKind>> held_;
  absl::flat_hash_map<SessionId, std::unique_ptr<Session>> sessions_;
  /// When to look at a guest or an empty channel again: one entry at the most for each, which may
  /// be stale.
  DeadlineSet<UserKey> guest_deadlines_;
  DeadlineSet<ChannelKey> unused_channel_deadlines_;  ///< Nothing was ever said in them.
  DeadlineSet<ChannelKey> quiet_channel_deadlines_;
};

}  // namespace txtchat
