#include "tests/storage/store_player.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "storage/act_codec.h"
#include "storage/guest_nursery.h"
#include "tests/storage/store_world.h"

namespace txtchat::storage {
namespace {

std::size_t StoredBytes(const Event& event) {
  return event.act == nullptr ? event.text.size() : EncodeAct(*event.act).size();
}

}  // namespace

// --- The model.

void Model::Store(ChannelKey key) {
  ModelChannel& channel = channels.at(key);
  channel.stored = true;
  for (const auto& [user, role] : channel.members) users.at(user).stored = true;
}

void Model::Forget(ModelChannel& channel, std::uint64_t before) {
  while (!channel.events.empty() && channel.events.begin()->first < before) {
    const std::pair place{channel.row.key, channel.events.begin()->first};
    std::erase_if(sends, [&](const auto& send) { return send.second == place; });
    channel.events.erase(channel.events.begin());
  }
}

void Model::EraseMessage(ModelEvent& event) {
  auto tombstone = std::make_shared<Event>(*event.event);
  tombstone->kind = EventKind::kMessageRemoved;
  tombstone->text.clear();
  event.event = std::move(tombstone);
}

void Model::CarryOutErasures() {
  for (auto& [key, channel] : channels) {
    for (auto& [sequence, kept] : channel.events) {
      if (const auto it = erasures.find(kept.event->user_id); it != erasures.end()) {
        if (kept.event->kind == EventKind::kMessagePosted) EraseMessage(kept);
        auto renamed = std::make_shared<Event>(*kept.event);
        renamed->user_name = it->second;
        renamed->client_message_id.clear();
        const std::pair place{key, sequence};
        std::erase_if(sends, [&](const auto& send) { return send.second == place; });
        kept.event = std::move(renamed);
      }
      if (kept.event->act == nullptr) continue;
      if (const auto it = erasures.find(kept.event->act->target_id); it != erasures.end()) {
        auto act = std::make_shared<Act>(*kept.event->act);
        act->target_name = it->second;
        auto renamed = std::make_shared<Event>(*kept.event);
        renamed->act = std::move(act);
        kept.event = std::move(renamed);
      }
    }
  }
  erasures.clear();
}

void Model::Restart() {
  std::erase_if(channels, [](const auto& entry) { return !entry.second.stored; });
  std::erase_if(users, [](const auto& entry) { return !entry.second.stored; });
  for (auto& [key, channel] : channels) {
    std::erase_if(channel.members, [&](const auto& entry) { return !users.contains(entry.first); });
    if (channel.events.empty()) continue;
    // What it was before it was erased is not known any more.
    ModelEvent& oldest = channel.events.begin()->second;
    oldest.counted_bytes = StoredBytes(*oldest.event);
  }
}

StoredState Model::State() const {
  StoredState state;
  for (const auto& [key, user] : users) state.users.push_back(user.row);
  for (const auto& [key, channel] : channels) {
    state.channels.push_back({channel.row, channel.head});
    for (const auto& [user, role] : channel.members) state.memberships.push_back({key, user, role});
  }
  for (const auto& [id, sanction] : sanctions) state.sanctions.push_back(sanction);
  for (const auto& [hash, token] : tokens) state.tokens.push_back(token);
  for (const auto& [hash, invite] : invites) state.invites.push_back(invite);
  return state;
}

// --- The player.

StoreBatch StorePlayer::Batch() {
  StoreBatch batch;
  for (std::uint64_t i = Roll(12) + 1; i > 0; --i) Change(batch);
  // Last: what comes after it, but before it is carried out, would be erased as well.
  if (Roll(20) == 0) BeginErasure(batch, Any(model.users)->second.row);
  return batch;
}

EventQuery StorePlayer::Query(const ModelChannel& channel) {
  EventQuery query{.channel = channel.row.key};
  query.after = Roll(channel.head + 3);
  query.up_to = query.after + Roll(channel.head + 3);
  query.events_max = Roll(12);
  query.bytes_max = Roll(300);
  query.newest_first = Roll(2) == 0;
  query.messages_only = Roll(2) == 0;
  return query;
}

void StorePlayer::Change(StoreBatch& batch) {
  if (model.users.size() < 3 || Roll(12) == 0) return AddUser(batch);
  if (model.channels.size() < 3 || Roll(25) == 0) return AddChannel(batch);
  const auto channel = Any(model.channels);
  const auto user = Any(model.users);
  switch (Roll(18)) {
    case 0:
    case 1:
      return Join(batch, channel->second, user->first);
    case 2:
      return Leave(batch, channel->second);
    case 3:
      user->second.row.display_name = absl::StrCat("name", random_());
      batch.push_back(RenameUser{user->first, user->second.row.display_name});
      return;
    case 4:
      return EndUser(batch, user->first);
    case 5:
      if (Roll(3) == 0) EndChannel(batch, channel->first);
      return;
    case 6:
      return Trim(batch, channel->second);
    case 7:
      batch.push_back(PurgeStep{});
      return;
    case 8:
      return Erase(batch, channel->second);
    case 9:
      return ChangeRole(batch, channel->second);
    case 10:
      // Rarely where it would end the channel's time in the nursery.
      if (channel->second.stored || Roll(6) == 0) ChangeRows(batch, channel->second, user->second);
      return;
    case 11:
      if (channel->second.stored || Roll(6) == 0) {
        Append(batch, channel->second, user->first, EventKind::kMuted);
      }
      return;
    default:
      return Append(batch, channel->second, user->first,
                    Roll(4) == 0 ? EventKind::kMemberLeft : EventKind::kMessagePosted);
  }
}

void StorePlayer::ChangeRows(StoreBatch& batch, ModelChannel& channel, ModelUser& user) {
  const ChannelKey key = channel.row.key;
  switch (Roll(8)) {
    case 0:
      channel.row.display_name = absl::StrCat("name", Roll(100));
      channel.row.topic = absl::StrCat("topic", Roll(100));
      batch.push_back(DescribeChannel{key, channel.row.display_name, channel.row.topic});
      return model.Store(key);
    case 1: {
      SanctionRow sanction = Ban(key, Roll(2) == 0 ? user.row.key : 0);
      sanction.kind = static_cast<SanctionKind>(Roll(2));
      sanction.until_unix_ms = static_cast<std::int64_t>(Roll(1000));
      model.sanctions[{key, sanction.kind, sanction.subject}] = sanction;
      batch.push_back(PutSanction{sanction});
      if (sanction.user != 0) user.stored = true;
      return model.Store(key);
    }
    case 2:
      if (model.sanctions.empty()) return;
      {
        const auto [at, kind, subject] = Any(model.sanctions)->first;
        batch.push_back(DeleteSanction{at, kind, subject});
        model.sanctions.erase({at, kind, subject});
      }
      return;
    case 3: {
      const TokenRow token = TokenOf(user.row.key, absl::StrCat("token", Roll(1000)));
      model.tokens[token.hash] = token;
      batch.push_back(PutToken{token});
      user.stored = true;
      return;
    }
    case 4:
      batch.push_back(DeleteToken{absl::StrCat("token", Roll(1000))});
      model.tokens.erase(std::get<DeleteToken>(batch.back()).hash);
      return;
    case 5: {
      InviteRow invite = InviteTo(key, absl::StrCat("invite", Roll(30)));
      invite.uses_left = static_cast<std::uint32_t>(Roll(9));
      model.invites[invite.hash] = invite;
      batch.push_back(PutInvite{invite});
      return model.Store(key);
    }
    case 6:
      batch.push_back(DeleteInvite{absl::StrCat("invite", Roll(30))});
      model.invites.erase(std::get<DeleteInvite>(batch.back()).hash);
      return;
    default:
      return ComeToStay(batch, user);
  }
}

void StorePlayer::AddUser(StoreBatch& batch) {
  const UserKey key = ++model.last_user;
  const bool guest = Roll(2) == 0;
  UserRow row = Member(key, absl::StrCat("u", key)).user;
  if (guest) row.credential.clear();
  model.users[key] = {row, !guest};
  batch.push_back(PutUser{row});
  const ChannelKey own = ++model.last_channel;
  model.channels[own].row = NewChannel(own, row.id, /*personal=*/true).channel;
  model.channels[own].stored = !guest;
  batch.push_back(PutChannel{model.channels[own].row});
  Join(batch, model.channels[own], key);
}

void StorePlayer::AddChannel(StoreBatch& batch) {
  const ChannelKey key = ++model.last_channel;
  ChannelRow& row = model.channels[key].row;
  row = NewChannel(key, absl::StrCat("c", key)).channel;
  if (Roll(2) == 0) {
    row.kind = ChannelKind::kDirect;
    row.direct_first = Roll(9);
    row.direct_second = 9 + Roll(9);
  }
  model.channels[key].stored = true;
  batch.push_back(PutChannel{row});
}

void StorePlayer::Join(StoreBatch& batch, ModelChannel& channel, UserKey user) {
  const auto role = static_cast<Role>(Roll(3));
  if (!channel.members.emplace(user, role).second) return;
  if (channel.stored || model.users.at(user).stored) model.Store(channel.row.key);
  batch.push_back(PutMembership{{channel.row.key, user, role}});
  Append(batch, channel, user, EventKind::kMemberJoined);
}

void StorePlayer::Leave(StoreBatch& batch, ModelChannel& channel) {
  if (channel.members.empty()) return;
  const UserKey user = Any(channel.members)->first;
  Append(batch, channel, user, EventKind::kMemberLeft);
  batch.push_back(Leaves(channel.row.key, user));
  channel.members.erase(user);
}

void StorePlayer::ChangeRole(StoreBatch& batch, ModelChannel& channel) {
  if (channel.members.empty()) return;
  const auto member = Any(channel.members);
  member->second = static_cast<Role>(Roll(3));
  batch.push_back(PutMembership{{channel.row.key, member->first, member->second}});
  if (channel.stored || model.users.at(member->first).stored) model.Store(channel.row.key);
}

void StorePlayer::ComeToStay(StoreBatch& batch, ModelUser& user) {
  user.row = Account(user.row.key, user.row.id);
  user.stored = true;
  for (const auto& [key, channel] : model.channels) {
    if (channel.members.contains(user.row.key)) model.Store(key);
  }
  batch.push_back(PutUser{user.row});
}

void StorePlayer::EndUser(StoreBatch& batch, UserKey user) {
  for (auto& [key, channel] : model.channels) {
    if (channel.members.erase(user) > 0) batch.push_back(Leaves(key, user));
  }
  batch.push_back(DeleteUser{user});
  model.users.erase(user);
  std::erase_if(model.sends, [&](const auto& send) { return send.first.first == user; });
  std::erase_if(model.tokens, [&](const auto& entry) { return entry.second.user == user; });
  std::erase_if(model.sanctions, [&](const auto& entry) { return entry.second.user == user; });
}

void StorePlayer::EndChannel(StoreBatch& batch, ChannelKey key) {
  for (const auto& [user, role] : model.channels.at(key).members)
    batch.push_back(Leaves(key, user));
  batch.push_back(DeleteChannel{key});
  model.Forget(model.channels.at(key), UINT64_MAX);
  model.channels.erase(key);
  std::erase_if(model.invites, [&](const auto& entry) { return entry.second.channel == key; });
  std::erase_if(model.sanctions, [&](const auto& entry) { return entry.second.channel == key; });
}

void StorePlayer::Trim(StoreBatch& batch, ModelChannel& channel) {
  const std::uint64_t first_kept = channel.first_kept + Roll(channel.head + 2 - channel.first_kept);
  batch.push_back(TrimChannel{channel.row.key, first_kept});
  model.Forget(channel, first_kept);
  channel.first_kept = first_kept;
}

void StorePlayer::Erase(StoreBatch& batch, ModelChannel& channel) {
  if (channel.events.empty() || !channel.stored) return;
  ModelEvent& kept = Any(channel.events)->second;
  if (kept.event->kind != EventKind::kMessagePosted) return;
  model.EraseMessage(kept);
  batch.push_back(EraseMessage{channel.row.key, kept.event});
}

void StorePlayer::BeginErasure(StoreBatch& batch, const UserRow& user) {
  const std::string name = absl::StrCat("erased", Roll(1000));
  model.erasures[user.id] = name;
  batch.push_back(EraseUser{user.id, name});
  for (const auto& [key, channel] : model.channels) {
    for (const auto& [sequence, kept] : channel.events) {
      if (kept.event->user_id == user.id && !channel.stored) model.Store(key);
    }
  }
}

void StorePlayer::Append(StoreBatch& batch, ModelChannel& channel, UserKey user, EventKind kind) {
  auto event = std::make_shared<Event>();
  event->channel_id = channel.row.id;
  event->sequence = ++channel.head;
  event->time_unix_ms = static_cast<std::int64_t>(++time_ms_);
  event->kind = kind;
  event->user_id = model.users.at(user).row.id;
  event->user_name = model.users.at(user).row.display_name;
  if (kind == EventKind::kMessagePosted) {
    // Each has a name of its own, to be looked for in the files.
    event->text = absl::StrCat("<text ", time_ms_, ">");
    event->text.append(Roll(20) == 0 ? Roll(9000) : Roll(90), 'x');
    event->client_message_id = Roll(3) == 0 ? absl::StrCat(Roll(40)) : "";
    // A repeated one is the engine's to refuse.
    if (model.sends.contains({user, event->client_message_id})) event->client_message_id.clear();
    if (!event->client_message_id.empty()) {
      model.sends[{user, event->client_message_id}] = {channel.row.key, event->sequence};
      model.users.at(user).stored = true;
    }
  }
  if (IsAct(kind)) {
    event->act = std::make_shared<const Act>(Act{.target_id = Any(model.users)->second.row.id,
                                                 .target_name = absl::StrCat("name", Roll(100)),
                                                 .text = std::string(Roll(40), ','),
                                                 .target_sequence = Roll(100)});
  }
  channel.events[event->sequence] = {event, StoredBytes(*event)};
  if (kind == EventKind::kMessagePosted || IsAct(kind) ||
      channel.events.size() >= GuestNursery::kEventsMax) {
    model.Store(channel.row.key);
  }
  batch.push_back(AppendEvent{channel.row.key, user, event});
}

}  // namespace txtchat::storage
