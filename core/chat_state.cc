#include "core/chat_state.h"

#include <algorithm>
#include <utility>

#include "core/shared_table.h"

namespace txtchat {
namespace {

template <typename Map, typename Key>
auto* FindIn(Map& map, const Key& key) {
  const auto it = map.find(key);
  return it == map.end() ? nullptr : it->second.get();
}

std::shared_ptr<ChannelFeed> MakeFeed(const Channel& channel, const Limits& limits) {
  auto feed = std::make_shared<ChannelFeed>();
  feed->queue = std::make_shared<BroadcastQueue>(
      channel.key, channel.id,
      QueueLimits{.events_max = limits.queue_events_max, .bytes_max = limits.queue_bytes_max},
      channel.head);
  return feed;
}

}  // namespace

// --- A beginning.

void ChatState::Restore(const StoredState& stored, std::int64_t now_unix_ms) {
  epoch_ = stored.epoch;
  last_user_key_ = stored.last_user_key;
  last_channel_key_ = stored.last_channel_key;
  for (const UserRow& row : stored.users) {
    InsertRow(row, now_unix_ms);  // Here since 0: its id was never another's.
  }
  for (const StoredState::StoredChannel& kept : stored.channels) {
    auto channel = std::make_unique<Channel>();
    channel->key = kept.channel.key;
    channel->id = kept.channel.id;
    channel->display_name = kept.channel.display_name;
    channel->create_time_unix_ms = kept.channel.create_time_unix_ms;
    channel->kind = kept.channel.kind;
    if (!kept.channel.topic.empty()) channel->NeedExtras().topic = kept.channel.topic;
    if (kept.channel.direct_first != 0) {
      channel->NeedExtras().direct_first = kept.channel.direct_first;
      channel->NeedExtras().direct_second = kept.channel.direct_second;
    }
    channel->head = kept.head;
    channel->holds_messages = true;
    channel->feed = MakeFeed(*channel, limits_);
    InsertChannel(std::move(channel));
  }
  for (const Membership& membership : stored.memberships) {
    Channel* const channel = FindChannel(membership.channel);
    User* const user = FindUser(membership.user);
    if (channel == nullptr || user == nullptr) continue;
    channel->members.insert(user->key);
    user->channels.insert(channel->key);
    if (membership.role != Role::kMember) {
      channel->NeedExtras().officers.emplace_back(user->key, membership.role);
    }
  }
  for (const TokenRow& token : stored.tokens) {
    if (FindUser(token.user) != nullptr) InsertToken(token);
  }
  for (const SanctionRow& sanction : stored.sanctions) {
    Channel* const channel = FindChannel(sanction.channel);
    if (channel != nullptr) InsertSanction(*channel, sanction);
  }
  for (const InviteRow& invite : stored.invites) {
    Channel* const channel = FindChannel(invite.channel);
    if (channel != nullptr) InsertInvite(*channel, invite);
  }
  for (auto& [key, channel] : channels_) {
    if (channel->members.empty()) NoteEmpty(*channel, now_unix_ms);
  }
}

std::vector<User*> ChatState::UsersWithoutCredential() {
  std::vector<User*> users;
  for (auto& [key, user] : users_) {
    if (user->ends_with_session()) users.push_back(user.get());
  }
  std::sort(users.begin(), users.end(),
            [](const User* a, const User* b) { return a->key < b->key; });
  return users;
}

// --- Users.

User* ChatState::FindUser(UserKey key) { return FindIn(users_, key); }

User* ChatState::FindUserById(const std::string& id) {
  const auto it = users_by_id_.find(id);
  return it == users_by_id_.end() ? nullptr : FindUser(it->second);
}

User* ChatState::FindUserByCredential(const std::string& credential) {
  const auto it = users_by_credential_.find(credential);
  return it == users_by_credential_.end() ? nullptr : FindUser(it->second);
}

void ChatState::InsertUser(std::unique_ptr<User> user) {
  users_by_id_[user->id] = user->key;
  if (!user->credential.empty()) users_by_credential_[user->credential] = user->key;
  if (user->account != nullptr) {
    ++accounts_;
    if (!user->account->login.empty()) users_by_login_[user->account->login] = user->key;
    if (!user->account->subject.empty()) users_by_subject_[user->account->subject] = user->key;
  }
  NoteName(*user);
  users_[user->key] = std::move(user);
}

std::unique_ptr<User> ChatState::ExtractUser(UserKey key) {
  std::unique_ptr<User> user = std::move(users_[key]);
  users_.erase(key);
  users_by_id_.erase(user->id);
  if (!user->credential.empty()) users_by_credential_.erase(user->credential);
  if (user->account != nullptr) {
    --accounts_;
    users_by_login_.erase(user->account->login);
    users_by_subject_.erase(user->account->subject);
  }
  ForgetName(*user);
  return user;
}

User& ChatState::AddUser(UserRow row, std::int64_t now_unix_ms) {
  row.key = ++last_user_key_;
  User& added = InsertRow(std::move(row), now_unix_ms);
  added.since_unix_ms = now_unix_ms;
  journal_.Record([this, key = added.key] { ExtractUser(key); });
  return added;
}

User& ChatState::InsertRow(UserRow row, std::int64_t now_unix_ms) {
  auto user = std::make_unique<User>();
  user->key = row.key;
  user->id = std::move(row.id);
  user->display_name = std::move(row.display_name);
  user->credential = std::move(row.credential);
  user->kind = row.kind;
  user->last_seen_unix_ms = now_unix_ms;
  if (row.kind != UserKind::kGuest) {
    user->account = std::make_unique<Account>(Account{.login = std::move(row.login),
                                                      .password_hash = std::move(row.password_hash),
                                                      .subject = std::move(row.subject)});
  }
  User& inserted = *user;
  if (!inserted.credential.empty()) {
    guest_deadlines_.insert({now_unix_ms + limits_.guest_grace_ms, inserted.key});
  }
  InsertUser(std::move(user));
  return inserted;
}

void ChatState::RemoveUser(User& user) {
  journal_.Record(
      [this, removed = ExtractUser(user.key)]() mutable { InsertUser(std::move(removed)); });
}

void ChatState::Rename(User& user, std::string display_name) {
  ForgetName(user);
  std::swap(user.display_name, display_name);
  NoteName(user);
  journal_.Record([this, &user, old = std::move(display_name)] {
    ForgetName(user);
    user.display_name = old;
    NoteName(user);
  });
}

// --- Channels.

Channel* ChatState::FindChannel(ChannelKey key) { return FindIn(channels_, key); }

Channel* ChatState::FindChannelById(const std::string& id) {
  const auto it = channels_by_id_.find(id);
  return it == channels_by_id_.end() ? nullptr : FindChannel(it->second);
}

void ChatState::InsertChannel(std::unique_ptr<Channel> channel) {
  channels_by_id_[channel->id] = channel->key;
  if (channel->kind == ChannelKind::kPublic) listed_channels_.insert(channel->key);
  if (channel->kind == ChannelKind::kPersonal) ++personal_channels_;
  const ChannelExtras& extra = channel->extra();
  if (extra.direct_first != 0) {
    direct_channels_[{extra.direct_first, extra.direct_second}] = channel->key;
  }
  for (const auto& [hash, invite] : extra.invites) channels_by_invite_[hash] = channel->key;
  shared_sanctions_ += SharedEntries(extra.sanctions.size());
  shared_invites_ += SharedEntries(extra.invites.size());
  for (const auto& [place, sanction] : extra.sanctions) {
    NoteSanctioned(channel->key, sanction);
  }
  channels_[channel->key] = std::move(channel);
}

std::unique_ptr<Channel> ChatState::ExtractChannel(ChannelKey key) {
  std::unique_ptr<Channel> channel = std::move(channels_[key]);
  channels_.erase(key);
  channels_by_id_.erase(channel->id);
  listed_channels_.erase(key);
  if (channel->kind == ChannelKind::kPersonal) --personal_channels_;
  const ChannelExtras& extra = channel->extra();
  direct_channels_.erase({extra.direct_first, extra.direct_second});
  for (const auto& [hash, invite] : extra.invites) channels_by_invite_.erase(hash);
  shared_sanctions_ -= SharedEntries(extra.sanctions.size());
  shared_invites_ -= SharedEntries(extra.invites.size());
  for (const auto& [place, sanction] : extra.sanctions) {
    ForgetSanctioned(key, sanction);
  }
  return channel;
}

Channel& ChatState::AddChannel(std::string id, std::string display_name, ChannelKind kind,
                               std::int64_t now_unix_ms) {
  auto channel = std::make_unique<Channel>();
  channel->key = ++last_channel_key_;
  channel->id = std::move(id);
  channel->display_name = std::move(display_name);
  channel->create_time_unix_ms = now_unix_ms;
  channel->kind = kind;
  channel->feed = MakeFeed(*channel, limits_);
  Channel& added = *channel;
  InsertChannel(std::move(channel));
  journal_.Record([this, key = added.key] { ExtractChannel(key); });
  return added;
}

void ChatState::RemoveChannel(Channel& channel) {
  journal_.Record([this, removed = ExtractChannel(channel.key)]() mutable {
    InsertChannel(std::move(removed));
  });
}

std::uint64_t ChatState::NextSequence(Channel& channel) {
  journal_.Record([&channel] { --channel.head; });
  return ++channel.head;
}

void ChatState::AddMember(Channel& channel, User& user) {
  channel.members.insert(user.key);
  user.channels.insert(channel.key);
  journal_.Record([&channel, &user] {
    channel.members.erase(user.key);
    user.channels.erase(channel.key);
  });
}

void ChatState::RemoveMember(Channel& channel, User& user, std::int64_t now_unix_ms) {
  SetRole(channel, user, Role::kMember);
  channel.members.erase(user.key);
  user.channels.erase(channel.key);
  if (channel.members.empty()) NoteEmpty(channel, now_unix_ms);
  journal_.Record([&channel, &user] {
    channel.members.insert(user.key);
    user.channels.insert(channel.key);
  });
}

void ChatState::NoteEmpty(Channel& channel, std::int64_t now_unix_ms) {
  // A personal channel ends with its last member, at once.
  if (channel.kind == ChannelKind::kPersonal) return;
  channel.emptied_unix_ms = now_unix_ms;
  // One that has an entry already is looked at when that falls due, and noted anew then.
  if (!channel.has_deadline) AddDeadline(channel);
}

void ChatState::AddDeadline(Channel& channel) {
  channel.has_deadline = true;
  DeadlineSet<ChannelKey>& deadlines =
      channel.holds_messages ? quiet_channel_deadlines_ : unused_channel_deadlines_;
  deadlines.insert({channel.emptied_unix_ms + TimeToLive(channel), channel.key});
}

// --- Sessions.

Session* ChatState::FindSession(SessionId id) { return FindIn(sessions_, id); }

void ChatState::InsertSession(std::unique_ptr<Session> session) {
  FindUser(session->user)->sessions.push_back(session->spec.id);
  if (session->expire_time_unix_ms != 0) {
    session_deadlines_.insert({session->expire_time_unix_ms, session->spec.id});
  }
  sessions_[session->spec.id] = std::move(session);
}

std::unique_ptr<Session> ChatState::ExtractSession(SessionId id) {
  std::unique_ptr<Session> session = std::move(sessions_[id]);
  sessions_.erase(id);
  if (session->expire_time_unix_ms != 0) {
    session_deadlines_.erase({session->expire_time_unix_ms, id});
  }
  std::vector<SessionId>& of_user = FindUser(session->user)->sessions;
  of_user.erase(std::find(of_user.begin(), of_user.end(), id));
  return session;
}

Session& ChatState::AddSession(const SessionSpec& spec, User& user,
                               const std::vector<std::string>& chosen) {
  auto session = std::make_unique<Session>();
  session->spec = spec;
  session->user = user.key;
  if (!chosen.empty()) {
    session->chosen =
        std::make_unique<absl::flat_hash_set<std::string>>(chosen.begin(), chosen.end());
  }
  Session& added = *session;
  InsertSession(std::move(session));
  journal_.Record([this, id = spec.id] { ExtractSession(id); });
  return added;
}

void ChatState::RemoveSession(Session& session, std::int64_t now_unix_ms) {
  Touch(*FindUser(session.user), now_unix_ms);
  journal_.Record([this, removed = ExtractSession(session.spec.id)]() mutable {
    InsertSession(std::move(removed));
  });
}

void ChatState::SetFormat(Session& session, WireFormat format) {
  journal_.Record([&session, old = session.spec.format] { session.spec.format = old; });
  session.spec.format = format;
}

// --- What falls due by itself.

std::vector<User*> ChatState::TakeExpiredUsers(std::int64_t now_unix_ms) {
  std::vector<User*> expired;
  while (!guest_deadlines_.empty() && guest_deadlines_.begin()->first <= now_unix_ms) {
    const auto entry = *guest_deadlines_.begin();
    guest_deadlines_.erase(guest_deadlines_.begin());
    User* const user = FindUser(entry.second);
    if (user == nullptr) continue;
    const std::int64_t seen = user->sessions.empty() ? user->last_seen_unix_ms : now_unix_ms;
    if (seen + limits_.guest_grace_ms > now_unix_ms) {
      guest_deadlines_.insert({seen + limits_.guest_grace_ms, entry.second});
      continue;
    }
    journal_.Record([this, entry] { guest_deadlines_.insert(entry); });
    expired.push_back(user);
  }
  return expired;
}

std::vector<Channel*> ChatState::TakeExpiredChannels(std::int64_t now_unix_ms) {
  std::vector<Channel*> expired;
  TakeExpiredChannels(unused_channel_deadlines_, now_unix_ms, expired);
  TakeExpiredChannels(quiet_channel_deadlines_, now_unix_ms, expired);
  return expired;
}

void ChatState::TakeExpiredChannels(DeadlineSet<ChannelKey>& deadlines, std::int64_t now_unix_ms,
                                    std::vector<Channel*>& expired) {
  while (!deadlines.empty() && deadlines.begin()->first <= now_unix_ms) {
    const auto entry = *deadlines.begin();
    deadlines.erase(deadlines.begin());
    Channel* const channel = FindChannel(entry.second);
    if (channel == nullptr) continue;
    channel->has_deadline = false;
    if (!channel->members.empty()) continue;
    if (channel->emptied_unix_ms + TimeToLive(*channel) > now_unix_ms) {
      AddDeadline(*channel);  // It had members again since.
      continue;
    }
    journal_.Record([channel, entry, &deadlines] {
      channel->has_deadline = true;
      deadlines.insert(entry);
    });
    expired.push_back(channel);
  }
}

Channel* ChatState::FindUnusedChannel() {
  DeadlineSet<ChannelKey>& deadlines = unused_channel_deadlines_;
  while (!deadlines.empty()) {
    Channel* const channel = FindChannel(deadlines.begin()->second);
    const bool is_empty = channel != nullptr && channel->members.empty();
    if (is_empty && !channel->holds_messages) return channel;
    const auto entry = *deadlines.begin();
    deadlines.erase(deadlines.begin());
    if (channel == nullptr) {
      // If this batch has ended it, it may come back.
      journal_.Record([entry, &deadlines] { deadlines.insert(entry); });
      continue;
    }
    channel->has_deadline = false;
    if (is_empty) AddDeadline(*channel);  // Among the quiet ones.
  }
  return nullptr;
}

std::optional<std::int64_t> ChatState::NextDeadlineUnixMs() const {
  std::optional<std::int64_t> next;
  const auto consider = [&next](const auto& deadlines) {
    if (deadlines.empty()) return;
    const std::int64_t due = deadlines.begin()->first;
    next = next.has_value() ? std::min(*next, due) : due;
  };
  consider(guest_deadlines_);
  consider(session_deadlines_);
  consider(token_deadlines_);
  consider(unused_channel_deadlines_);
  consider(quiet_channel_deadlines_);
  return next;
}

}  // namespace txtchat
