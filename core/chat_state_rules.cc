// Roles, sanctions, invites and direct conversations of channels.
#include <algorithm>
#include <optional>
#include <utility>

#include "core/chat_state.h"
#include "core/shared_table.h"

namespace txtchat {

void ChatState::Describe(Channel& channel, std::string display_name, std::string topic) {
  std::swap(channel.display_name, display_name);
  if (topic != channel.extra().topic) std::swap(channel.NeedExtras().topic, topic);
  journal_.Record(
      [&channel, old_name = std::move(display_name), old_topic = std::move(topic)]() mutable {
        channel.display_name = std::move(old_name);
        if (channel.extras != nullptr) channel.extras->topic = std::move(old_topic);
      });
}

// --- Roles.

Role ChatState::RoleOf(const Channel& channel, const User& user) {
  if (channel.kind == ChannelKind::kPersonal && channel.id == user.id) return Role::kOwner;
  for (const auto& [key, role] : channel.extra().officers) {
    if (key == user.key) return role;
  }
  return Role::kMember;
}

void ChatState::SetRole(Channel& channel, const User& user, Role role) {
  // Most are none and stay none: a channel of many members must not pay for its officers each time.
  const bool is_officer =
      std::any_of(channel.extra().officers.begin(), channel.extra().officers.end(),
                  [&](const auto& officer) { return officer.first == user.key; });
  if (role == Role::kMember && !is_officer) return;
  auto& officers = channel.NeedExtras().officers;
  journal_.Record([&channel, before = officers] { channel.extras->officers = before; });
  std::erase_if(officers, [&](const auto& officer) { return officer.first == user.key; });
  if (role == Role::kMember) return;
  officers.emplace_back(user.key, role);
  std::sort(officers.begin(), officers.end());
}

// --- Sanctions.

const SanctionRow* ChatState::FindSanction(const Channel& channel, SanctionKind kind,
                                           const std::string& subject, std::int64_t now_unix_ms) {
  const auto& sanctions = channel.extra().sanctions;
  const auto it = sanctions.find(std::make_pair(kind, subject));
  if (it == sanctions.end()) return nullptr;
  return it->second.HoldsAt(now_unix_ms) ? &it->second : nullptr;
}

const SanctionRow* ChatState::FindBannedRange(const Channel& channel, const IpAddress& address,
                                              std::int64_t now_unix_ms) {
  for (const auto& [subject, range] : channel.extra().banned_ranges) {
    if (!range.Contains(address)) continue;
    const SanctionRow* const ban = FindSanction(channel, SanctionKind::kBan, subject, now_unix_ms);
    if (ban != nullptr) return ban;
  }
  return nullptr;
}

void ChatState::NoteSanctioned(ChannelKey channel, const SanctionRow& sanction) {
  if (sanction.user != 0) sanctioned_.insert({sanction.user, channel, sanction.kind});
  if (sanction.IsOfErased()) held_.insert({sanction.subject, channel, sanction.kind});
}

void ChatState::ForgetSanctioned(ChannelKey channel, const SanctionRow& sanction) {
  sanctioned_.erase({sanction.user, channel, sanction.kind});
  if (sanction.IsOfErased()) held_.erase({sanction.subject, channel, sanction.kind});
}

void ChatState::InsertSanction(Channel& channel, SanctionRow sanction) {
  ChannelExtras& extras = channel.NeedExtras();
  NoteSanctioned(channel.key, sanction);
  if (sanction.user == 0) {
    const std::optional<IpRange> range = IpRange::Parse(sanction.subject);
    if (range.has_value()) extras.banned_ranges[sanction.subject] = *range;
  }
  auto place = std::make_pair(sanction.kind, sanction.subject);
  const auto [at, is_new] =
      extras.sanctions.insert_or_assign(std::move(place), std::move(sanction));
  if (is_new && extras.sanctions.size() > kOwnEntries) ++shared_sanctions_;
}

SanctionRow ChatState::ExtractSanction(Channel& channel, SanctionKind kind,
                                       const std::string& subject) {
  const auto it = channel.extras->sanctions.find(std::make_pair(kind, subject));
  SanctionRow sanction = std::move(it->second);
  if (channel.extras->sanctions.size() > kOwnEntries) --shared_sanctions_;
  channel.extras->sanctions.erase(it);
  if (sanction.user == 0) channel.extras->banned_ranges.erase(sanction.subject);
  ForgetSanctioned(channel.key, sanction);
  return sanction;
}

void ChatState::PutSanction(Channel& channel, SanctionRow sanction) {
  const SanctionKind kind = sanction.kind;
  const std::string subject = sanction.subject;
  if (channel.extra().sanctions.contains(std::make_pair(kind, subject))) {
    RemoveSanction(channel, kind, subject);
  }
  InsertSanction(channel, std::move(sanction));
  journal_.Record([this, &channel, kind, subject] { ExtractSanction(channel, kind, subject); });
}

void ChatState::RemoveSanction(Channel& channel, SanctionKind kind, const std::string& subject) {
  journal_.Record([this, &channel, removed = ExtractSanction(channel, kind, subject)]() mutable {
    InsertSanction(channel, std::move(removed));
  });
}

std::vector<Channel*> ChatState::SanctioningChannels(const User& user) {
  std::vector<Channel*> channels;
  for (auto it = sanctioned_.lower_bound({user.key, 0, SanctionKind::kBan});
       it != sanctioned_.end() && std::get<0>(*it) == user.key; ++it) {
    Channel* const channel = FindChannel(std::get<1>(*it));
    if (channels.empty() || channels.back() != channel) channels.push_back(channel);
  }
  return channels;
}

std::vector<Channel*> ChatState::ChannelsHolding(const std::string& subject) {
  std::vector<Channel*> channels;
  for (auto it = held_.lower_bound({subject, 0, SanctionKind::kBan});
       it != held_.end() && std::get<0>(*it) == subject; ++it) {
    Channel* const channel = FindChannel(std::get<1>(*it));
    if (channels.empty() || channels.back() != channel) channels.push_back(channel);
  }
  return channels;
}

// --- Invites.

InviteRow* ChatState::FindInvite(const std::string& hash) {
  const auto it = channels_by_invite_.find(hash);
  if (it == channels_by_invite_.end()) return nullptr;
  return &FindChannel(it->second)->extras->invites.at(hash);
}

void ChatState::InsertInvite(Channel& channel, InviteRow invite) {
  channels_by_invite_[invite.hash] = channel.key;
  auto& invites = channel.NeedExtras().invites;
  std::string hash = invite.hash;
  const bool is_new = invites.insert_or_assign(std::move(hash), std::move(invite)).second;
  if (is_new && invites.size() > kOwnEntries) ++shared_invites_;
}

InviteRow ChatState::ExtractInvite(Channel& channel, const std::string& hash) {
  const auto it = channel.extras->invites.find(hash);
  InviteRow invite = std::move(it->second);
  if (channel.extras->invites.size() > kOwnEntries) --shared_invites_;
  channel.extras->invites.erase(it);
  channels_by_invite_.erase(invite.hash);
  return invite;
}

void ChatState::PutInvite(Channel& channel, InviteRow invite) {
  const std::string hash = invite.hash;
  if (channel.extra().invites.contains(hash)) RemoveInvite(channel, hash);
  InsertInvite(channel, std::move(invite));
  journal_.Record([this, &channel, hash] { ExtractInvite(channel, hash); });
}

void ChatState::RemoveInvite(Channel& channel, const std::string& hash) {
  journal_.Record([this, &channel, removed = ExtractInvite(channel, hash)]() mutable {
    InsertInvite(channel, std::move(removed));
  });
}

// --- Direct conversations.

Channel* ChatState::FindDirect(const User& one, const User& other) {
  const auto it = direct_channels_.find(std::minmax(one.key, other.key));
  return it == direct_channels_.end() ? nullptr : FindChannel(it->second);
}

void ChatState::SetDirect(Channel& channel, const User& one, const User& other) {
  const std::pair<UserKey, UserKey> pair = std::minmax(one.key, other.key);
  ChannelExtras& extras = channel.NeedExtras();
  extras.direct_first = pair.first;
  extras.direct_second = pair.second;
  direct_channels_[pair] = channel.key;
  // It was made in the same batch, and goes with it: together with its entry in the index.
}

}  // namespace txtchat
