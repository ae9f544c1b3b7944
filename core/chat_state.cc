#include "core/chat_state.h"

#include <algorithm>

namespace txtchat {
namespace {

template <typename Map, typename Key>
auto* FindIn(Map& map, const Key& key) {
  const auto it = map.find(key);
  return it == map.end() ? nullptr : it->second.get();
}

}  // namespace

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
  users_[user->key] = std::move(user);
}

std::unique_ptr<User> ChatState::ExtractUser(UserKey key) {
  std::unique_ptr<User> user = std::move(users_[key]);
  users_.erase(key);
  users_by_id_.erase(user->id);
  if (!user->credential.empty()) users_by_credential_.erase(user->credential);
  return user;
}

User& ChatState::AddUser(const Register& command, std::int64_t now_unix_ms) {
  auto user = std::make_unique<User>();
  user->key = ++last_user_key_;
  user->id = command.user_id;
  user->display_name = command.display_name;
  user->credential = command.credential;
  user->last_seen_unix_ms = now_unix_ms;
  User& added = *user;
  if (!added.credential.empty()) {
    guest_deadlines_.insert({now_unix_ms + limits_.guest_grace_ms, added.key});
  }
  InsertUser(std::move(user));
  journal_.Record([this, key = added.key] { ExtractUser(key); });
  return added;
}

void ChatState::RemoveUser(User& user) {
  journal_.Record(
      [this, removed = ExtractUser(user.key)]() mutable { InsertUser(std::move(removed)); });
}

void ChatState::Rename(User& user, std::string display_name) {
  std::swap(user.display_name, display_name);
  journal_.Record([&user, old = std::move(display_name)] { user.display_name = old; });
}

// --- Channels.

Channel* ChatState::FindChannel(ChannelKey key) { return FindIn(channels_, key); }

Channel* ChatState::FindChannelById(const std::string& id) {
  const auto it = channels_by_id_.find(id);
  return it == channels_by_id_.end() ? nullptr : FindChannel(it->second);
}

void ChatState::InsertChannel(std::unique_ptr<Channel> channel) {
  channels_by_id_[channel->id] = channel->key;
  if (!channel->personal) listed_channels_.insert(channel->key);
  channels_[channel->key] = std::move(channel);
}

std::unique_ptr<Channel> ChatState::ExtractChannel(ChannelKey key) {
  std::unique_ptr<Channel> channel = std::move(channels_[key]);
  channels_.erase(key);
  channels_by_id_.erase(channel->id);
  listed_channels_.erase(key);
  return channel;
}

Channel& ChatState::AddChannel(std::string id, std::string display_name, bool personal,
                               std::int64_t now_unix_ms) {
  auto channel = std::make_unique<Channel>();
  channel->key = ++last_channel_key_;
  channel->id = std::move(id);
  channel->display_name = std::move(display_name);
  channel->create_time_unix_ms = now_unix_ms;
  channel->personal = personal;
  channel->feed = std::make_shared<ChannelFeed>();
  channel->feed->queue = std::make_shared<BroadcastQueue>(
      channel->key, channel->id,
      QueueLimits{.events_max = limits_.queue_events_max, .bytes_max = limits_.queue_bytes_max});
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
  channel.members.erase(user.key);
  user.channels.erase(channel.key);
  if (channel.members.empty() && !channel.personal) {
    channel.emptied_unix_ms = now_unix_ms;
    empty_channel_deadlines_.insert({now_unix_ms + limits_.empty_channel_ttl_ms, channel.key});
  }
  journal_.Record([&channel, &user] {
    channel.members.insert(user.key);
    user.channels.insert(channel.key);
  });
}

// --- Sessions.

Session* ChatState::FindSession(SessionId id) { return FindIn(sessions_, id); }

void ChatState::InsertSession(std::unique_ptr<Session> session) {
  FindUser(session->user)->sessions.push_back(session->spec.id);
  sessions_[session->spec.id] = std::move(session);
}

std::unique_ptr<Session> ChatState::ExtractSession(SessionId id) {
  std::unique_ptr<Session> session = std::move(sessions_[id]);
  sessions_.erase(id);
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
  while (!empty_channel_deadlines_.empty() &&
         empty_channel_deadlines_.begin()->first <= now_unix_ms) {
    const auto entry = *empty_channel_deadlines_.begin();
    empty_channel_deadlines_.erase(empty_channel_deadlines_.begin());
    Channel* const channel = FindChannel(entry.second);
    if (channel == nullptr || !channel->members.empty()) continue;
    // It may have had members again since: then a later entry of its own stands for it.
    if (channel->emptied_unix_ms + limits_.empty_channel_ttl_ms > now_unix_ms) continue;
    journal_.Record([this, entry] { empty_channel_deadlines_.insert(entry); });
    expired.push_back(channel);
  }
  return expired;
}

std::optional<std::int64_t> ChatState::NextDeadlineUnixMs() const {
  std::optional<std::int64_t> next;
  if (!guest_deadlines_.empty()) next = guest_deadlines_.begin()->first;
  if (!empty_channel_deadlines_.empty()) {
    const std::int64_t due = empty_channel_deadlines_.begin()->first;
    next = next.has_value() ? std::min(*next, due) : due;
  }
  return next;
}

}  // namespace txtchat
