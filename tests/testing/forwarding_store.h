#pragma once

#include <string>
#include <vector>

#include "core/message_store.h"

namespace txtchat::testing {

/// A store that does what the one below it does: override what a test wants to be different.
class ForwardingStore : public MessageStore {
 public:
  explicit ForwardingStore(MessageStore* below) : below_(below) {}

  absl::StatusOr<StoredState> Load() override { return below_->Load(); }
  absl::Status Commit(const StoreBatch& batch) override { return below_->Commit(batch); }
  absl::StatusOr<EventPtr> FindSent(UserKey sender, const std::string& id) override {
    return below_->FindSent(sender, id);
  }
  absl::StatusOr<EventPtr> FindEvent(ChannelKey channel, std::uint64_t sequence) override {
    return below_->FindEvent(channel, sequence);
  }
  std::uint64_t FirstKept(ChannelKey channel) const override { return below_->FirstKept(channel); }
  absl::StatusOr<EventPage> Read(const EventQuery& query) override { return below_->Read(query); }
  absl::StatusOr<std::vector<TrimChannel>> FindSurplus(const RetentionPolicy& policy,
                                                       std::int64_t now_unix_ms,
                                                       std::size_t trims_max,
                                                       std::uint64_t step_max) override {
    return below_->FindSurplus(policy, now_unix_ms, trims_max, step_max);
  }
  absl::StatusOr<AuthoredPage> ReadAuthored(const AuthoredQuery& query) override {
    return below_->ReadAuthored(query);
  }
  bool IsErasing() const override { return below_->IsErasing(); }
  bool NeedsPurge() const override { return below_->NeedsPurge(); }

 private:
  MessageStore* const below_;
};

}  // namespace txtchat::testing
