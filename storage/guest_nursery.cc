#include "storage/guest_nursery.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "storage/event_page.h"

namespace txtchat::storage {

// --- Changes.

bool GuestNursery::Take(const StoreChange& change, StoreBatch* handed_back) {
  return std::visit([&](const auto& one) { return TakeOne(one, handed_back); }, change);
}

bool GuestNursery::TakeOne(const AppendEvent& change, StoreBatch* handed_back) {
  const bool can_be_repeated = !change.event->client_message_id.empty();
  const auto it = channels_.find(change.channel);
  if (it == channels_.end()) {
    // The store has to know whose sends to forget when the user ends.
    if (can_be_repeated) HandBackUser(change.sender, handed_back);
    return false;
  }
  if (change.event->kind == EventKind::kMessagePosted || IsAct(change.event->kind) ||
      can_be_repeated || it->second.events.size() + 1 >= kEventsMax) {
    HandBackChannel(change.channel, handed_back);
    if (can_be_repeated) HandBackUser(change.sender, handed_back);
    return false;
  }
  it->second.events.push_back(change.event);
  touched_.push_back(change.channel);
  journal_.Record([this, channel = change.channel] { channels_.at(channel).events.pop_back(); });
  return true;
}

bool GuestNursery::TakeOne(const PutUser& change, StoreBatch* handed_back) {
  const UserKey key = change.user.key;
  const bool stays = !change.user.credential.empty() || change.user.kind != UserKind::kGuest;
  // A guest that comes to stay does so with the channels that it is in.
  if (stays && key <= newest_user_) {
    HandBackChannels([key](const Channel& channel) { return channel.members.contains(key); },
                     handed_back);
  }
  if (users_.contains(key)) {
    UserRow former = ExtractUser(key);
    journal_.Record(
        [this, former = std::move(former)]() mutable { InsertUser(std::move(former)); });
  }
  if (stays) return false;
  InsertUser(UserRow(change.user));
  journal_.Record([this, key] { ExtractUser(key); });
  return true;
}

bool GuestNursery::TakeOne(const RenameUser& change, StoreBatch*) {
  const auto it = users_.find(change.user);
  if (it == users_.end()) return false;
  journal_.Record(
      [this, user = change.user, former = std::move(it->second.display_name)]() mutable {
        users_.at(user).display_name = std::move(former);
      });
  it->second.display_name = change.display_name;
  return true;
}

bool GuestNursery::TakeOne(const DeleteUser& change, StoreBatch*) {
  if (!users_.contains(change.user)) return false;
  journal_.Record(
      [this, former = ExtractUser(change.user)]() mutable { InsertUser(std::move(former)); });
  return true;
}

bool GuestNursery::TakeOne(const PutChannel& change, StoreBatch*) {
  const ChannelRow& row = change.channel;
  if (row.kind != ChannelKind::kPersonal || !user_ids_.contains(row.id)) return false;
  InsertChannel({.row = row});
  journal_.Record([this, key = row.key] { ExtractChannel(key); });
  return true;
}

bool GuestNursery::TakeOne(const DeleteChannel& change, StoreBatch*) {
  if (!channels_.contains(change.channel)) return false;
  journal_.Record([this, former = ExtractChannel(change.channel)]() mutable {
    InsertChannel(std::move(former));
  });
  return true;
}

bool GuestNursery::TakeOne(const PutMembership& change, StoreBatch* handed_back) {
  const Membership& membership = change.membership;
  const auto channel = channels_.find(membership.channel);
  if (channel == channels_.end()) {
    HandBackUser(membership.user, handed_back);
    return false;
  }
  if (!users_.contains(membership.user)) {
    HandBackChannel(membership.channel, handed_back);
    return false;
  }
  const auto [member, is_new] =
      channel->second.members.try_emplace(membership.user, membership.role);
  if (is_new) {
    journal_.Record(
        [this, membership] { channels_.at(membership.channel).members.erase(membership.user); });
  } else if (member->second != membership.role) {
    RestoreMember(membership.channel, *member);
    member->second = membership.role;
  }
  return true;
}

bool GuestNursery::TakeOne(const DeleteMembership& change, StoreBatch*) {
  const Membership& membership = change.membership;
  const auto channel = channels_.find(membership.channel);
  if (channel == channels_.end()) return false;
  const auto member = channel->second.members.find(membership.user);
  if (member == channel->second.members.end()) return true;
  RestoreMember(membership.channel, *member);
  channel->second.members.erase(member);
  return true;
}

bool GuestNursery::TakeOne(const TrimChannel& change, StoreBatch*) {
  const auto it = channels_.find(change.channel);
  if (it == channels_.end()) return false;
  Channel& channel = it->second;
  if (change.first_kept <= channel.first_kept) return true;
  journal_.Record([this, key = change.channel, first_kept = channel.first_kept,
                   events = channel.events]() mutable {
    Channel& trimmed = channels_.at(key);
    trimmed.first_kept = first_kept;
    trimmed.events = std::move(events);
  });
  const std::size_t surplus =
      std::min<std::size_t>(change.first_kept - channel.first_kept, channel.events.size());
  channel.events.erase(channel.events.begin(),
                       channel.events.begin() + static_cast<std::ptrdiff_t>(surplus));
  channel.first_kept = change.first_kept;
  touched_.push_back(change.channel);
  return true;
}

bool GuestNursery::TakeOne(const DescribeChannel& change, StoreBatch* handed_back) {
  HandBackChannel(change.channel, handed_back);
  return false;
}

bool GuestNursery::TakeOne(const PutSanction& change, StoreBatch* handed_back) {
  HandBackChannel(change.sanction.channel, handed_back);
  HandBackUser(change.sanction.user, handed_back);
  return false;
}

bool GuestNursery::TakeOne(const PutToken& change, StoreBatch* handed_back) {
  HandBackUser(change.token.user, handed_back);
  return false;
}

bool GuestNursery::TakeOne(const PutInvite& change, StoreBatch* handed_back) {
  HandBackChannel(change.invite.channel, handed_back);
  return false;
}

bool GuestNursery::TakeOne(const EraseMessage& change, StoreBatch* handed_back) {
  HandBackChannel(change.channel, handed_back);
  return false;
}

bool GuestNursery::TakeOne(const EraseUser& change, StoreBatch* handed_back) {
  const auto names_it = [&](const EventPtr& event) { return event->user_id == change.user_id; };
  HandBackChannels(
      [&](const Channel& channel) {
        return std::any_of(channel.events.begin(), channel.events.end(), names_it);
      },
      handed_back);
  return false;
}

// --- What becomes worth storing.

template <typename Wanted>
void GuestNursery::HandBackChannels(const Wanted& wanted, StoreBatch* handed_back) {
  std::vector<ChannelKey> keys;
  for (const auto& [key, channel] : channels_) {
    if (wanted(channel)) keys.push_back(key);
  }
  std::sort(keys.begin(), keys.end());
  for (ChannelKey key : keys) HandBackChannel(key, handed_back);
}

void GuestNursery::HandBackUser(UserKey user, StoreBatch* handed_back) {
  if (!users_.contains(user)) return;
  UserRow row = ExtractUser(user);
  handed_back->push_back(PutUser{row});
  journal_.Record([this, row = std::move(row)]() mutable { InsertUser(std::move(row)); });
}

void GuestNursery::HandBackChannel(ChannelKey key, StoreBatch* handed_back) {
  if (!channels_.contains(key)) return;
  Channel channel = ExtractChannel(key);
  handed_back->push_back(PutChannel{channel.row});
  if (channel.first_kept > 1) handed_back->push_back(TrimChannel{key, channel.first_kept});
  for (const auto& [user, role] : channel.members) {
    HandBackUser(user, handed_back);
    handed_back->push_back(PutMembership{{key, user, role}});
  }
  // Who came or went needs no key: FindSent asks only for what has a client message id.
  for (const EventPtr& event : channel.events) {
    handed_back->push_back(AppendEvent{.channel = key, .event = event});
  }
  journal_.Record(
      [this, channel = std::move(channel)]() mutable { InsertChannel(std::move(channel)); });
}

void GuestNursery::RestoreMember(ChannelKey channel, std::pair<UserKey, Role> member) {
  journal_.Record([this, channel, member] {
    channels_.at(channel).members.insert_or_assign(member.first, member.second);
  });
}

// --- The tables. None of these is recorded.

void GuestNursery::InsertUser(UserRow&& row) {
  newest_user_ = std::max(newest_user_, row.key);
  user_ids_.insert(row.id);
  const UserKey key = row.key;
  users_.emplace(key, std::move(row));
}

UserRow GuestNursery::ExtractUser(UserKey user) {
  const auto it = users_.find(user);
  UserRow row = std::move(it->second);
  users_.erase(it);
  user_ids_.erase(row.id);
  return row;
}

void GuestNursery::InsertChannel(Channel&& channel) {
  const ChannelKey key = channel.row.key;
  touched_.push_back(key);
  channels_.emplace(key, std::move(channel));
}

GuestNursery::Channel GuestNursery::ExtractChannel(ChannelKey channel) {
  touched_.push_back(channel);
  const auto it = channels_.find(channel);
  Channel extracted = std::move(it->second);
  channels_.erase(it);
  return extracted;
}

// --- The end of a batch.

void GuestNursery::Commit() {
  journal_.Commit();
  if (touched_.empty()) return;
  absl::MutexLock lock(&mutex_);
  for (ChannelKey key : touched_) {
    const auto it = channels_.find(key);
    if (it == channels_.end()) {
      visible_.erase(key);
    } else {
      visible_[key] = {it->second.first_kept, it->second.events};
    }
  }
  touched_.clear();
}

void GuestNursery::RollBack() {
  journal_.RollBack();
  touched_.clear();
}

// --- Readers.

std::optional<std::uint64_t> GuestNursery::FirstKept(ChannelKey channel) const {
  absl::MutexLock lock(&mutex_);
  const auto it = visible_.find(channel);
  if (it == visible_.end()) return std::nullopt;
  return it->second.first_kept;
}

std::optional<EventPage> GuestNursery::Read(const EventQuery& query) const {
  std::vector<EventPtr> events;
  {
    absl::MutexLock lock(&mutex_);
    const auto it = visible_.find(query.channel);
    if (it == visible_.end()) return std::nullopt;
    events = it->second.events;
  }
  if (query.newest_first) std::reverse(events.begin(), events.end());
  EventPageBuilder page(query);
  for (EventPtr& event : events) {
    if (event->sequence <= query.after || event->sequence > query.up_to) continue;
    if (query.messages_only && event->kind != EventKind::kMessagePosted) continue;
    if (!page.HasRoomFor(event->text.size())) break;
    page.Add(std::move(event));
  }
  return page.Take();
}

}  // namespace txtchat::storage
