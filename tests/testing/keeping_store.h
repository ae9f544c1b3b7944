#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>

#include "tests/testing/forwarding_store.h"

namespace txtchat::testing {

/// A store that can be loaded again: keeps users, channels and memberships in the plainest way, and
/// leaves the events to the one below it. Single-threaded.
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
    for (const auto& [channel, user] : memberships_) state->memberships.push_back({channel, user});
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

 private:
  void Apply(const PutUser& c) {
    users_[c.user.key] = c.user;
    last_user_key_ = c.user.key;
  }
  void Apply(const RenameUser& c) { users_.at(c.user).display_name = c.display_name; }
  void Apply(const DeleteUser& c) { users_.erase(c.user); }
  void Apply(const PutChannel& c) {
    channels_[c.channel.key] = c.channel;
    last_channel_key_ = c.channel.key;
  }
  void Apply(const DeleteChannel& c) { channels_.erase(c.channel); }
  void Apply(const PutMembership& c) {
    memberships_.emplace(c.membership.channel, c.membership.user);
  }
  void Apply(const DeleteMembership& c) {
    memberships_.erase({c.membership.channel, c.membership.user});
  }
  void Apply(const AppendEvent& c) { heads_[c.channel] = c.event->sequence; }
  void Apply(const TrimChannel&) {}
  void Apply(const PurgeStep&) {}

  std::map<UserKey, UserRow> users_;
  std::map<ChannelKey, ChannelRow> channels_;
  std::set<std::pair<ChannelKey, UserKey>> memberships_;
  std::map<ChannelKey, std::uint64_t> heads_;
  UserKey last_user_key_ = 0;
  ChannelKey last_channel_key_ = 0;
};

}  // namespace txtchat::testing
