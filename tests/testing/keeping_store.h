#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <variant>

#include "tests/testing/forwarding_store.h"

namespace txtchat::testing {

/// A store that can be loaded again: keeps everything but the events in the plainest way, and
/// leaves those to the one below it. Single-threaded.
class KeepingStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;

  absl::StatusOr<StoredState> Load() override {
    absl::StatusOr<StoredState> state = ForwardingStore::Load();
    if (!state.ok()) return state;
    for (const auto& [key, user] : users_) state->users.push_back(user);
    for (const auto& [key, channel] : channels_) {
      state->channels.push_back({channel, heads_.contains(key) ? heads_.at(key) : 0});
    }
    for (const auto& [place, role] : memberships_) {
      state->memberships.push_back({place.first, place.second, role});
    }
    for (const auto& [place, sanction] : sanctions_) state->sanctions.push_back(sanction);
    for (const auto& [hash, token] : tokens_) state->tokens.push_back(token);
    for (const auto& [hash, invite] : invites_) state->invites.push_back(invite);
    state->last_user_key = last_user_key_;
    state->last_channel_key = last_channel_key_;
    return state;
  }

  absl::Status Commit(const StoreBatch& batch) override {
    for (const StoreChange& change : batch) {
      std::visit([this](const auto& specific) { Apply(specific); }, change);
    }
    return ForwardingStore::Commit(batch);
  }

  /// Ids of the users that were to be erased.
  const std::vector<std::string>& erased_users() const { return erased_users_; }

 private:
  void Apply(const PutUser& c) {
    users_[c.user.key] = c.user;
    last_user_key_ = std::max(last_user_key_, c.user.key);
  }
  void Apply(const RenameUser& c) { users_.at(c.user).display_name = c.display_name; }
  void Apply(const DeleteUser& c) {
    users_.erase(c.user);
    std::erase_if(tokens_, [&](const auto& e) { return e.second.user == c.user; });
    std::erase_if(sanctions_, [&](const auto& e) { return e.second.user == c.user; });
  }
  void Apply(const PutChannel& c) {
    channels_[c.channel.key] = c.channel;
    last_channel_key_ = c.channel.key;
  }
  void Apply(const DescribeChannel& c) {
    channels_.at(c.channel).display_name = c.display_name;
    channels_.at(c.channel).topic = c.topic;
  }
  void Apply(const DeleteChannel& c) {
    channels_.erase(c.channel);
    std::erase_if(invites_, [&](const auto& e) { return e.second.channel == c.channel; });
    std::erase_if(sanctions_, [&](const auto& e) { return e.second.channel == c.channel; });
  }
  void Apply(const PutSanction& c) {
    sanctions_[{c.sanction.channel, c.sanction.kind, c.sanction.subject}] = c.sanction;
  }
  void Apply(const DeleteSanction& c) { sanctions_.erase({c.channel, c.kind, c.subject}); }
  void Apply(const PutToken& c) { tokens_[c.token.hash] = c.token; }
  void Apply(const DeleteToken& c) { tokens_.erase(c.hash); }
  void Apply(const PutInvite& c) { invites_[c.invite.hash] = c.invite; }
  void Apply(const DeleteInvite& c) { invites_.erase(c.hash); }
  void Apply(const EraseMessage&) {}
  void Apply(const EraseUser& c) { erased_users_.push_back(c.user_id); }
  void Apply(const PutMembership& c) {
    memberships_[{c.membership.channel, c.membership.user}] = c.membership.role;
  }
  void Apply(const DeleteMembership& c) {
    memberships_.erase({c.membership.channel, c.membership.user});
  }
  void Apply(const AppendEvent& c) { heads_[c.channel] = c.event->sequence; }
  void Apply(const TrimChannel&) {}
  void Apply(const PurgeStep&) {}

  std::map<UserKey, UserRow> users_;
  std::map<ChannelKey, ChannelRow> channels_;
  std::map<std::pair<ChannelKey, UserKey>, Role> memberships_;
  std::map<std::tuple<ChannelKey, SanctionKind, std::string>, SanctionRow> sanctions_;
  std::map<std::string, TokenRow> tokens_;
  std::map<std::string, InviteRow> invites_;
  std::map<ChannelKey, std::uint64_t> heads_;
  std::vector<std::string> erased_users_;
  UserKey last_user_key_ = 0;
  ChannelKey last_channel_key_ = 0;
};

}  // namespace txtchat::testing
