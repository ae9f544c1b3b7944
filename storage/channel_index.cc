#include "storage/channel_index.h"

#include <algorithm>

namespace txtchat::storage {
namespace {

// Channels that are looked at under one hold of the mutex.
constexpr std::size_t kSliceChannels = 512;

}  // namespace

bool IndexedChannel::Exceeds(const RetentionPolicy& policy, std::int64_t now_unix_ms) const {
  if (count() == 0) return false;
  return (policy.events_max != 0 && count() > policy.events_max) ||
         (policy.bytes_max != 0 && bytes_total - bytes_before > policy.bytes_max) ||
         (policy.age_max_ms != 0 && oldest_time_ms < now_unix_ms - policy.age_max_ms);
}

std::optional<IndexedChannel> ChannelIndex::Find(ChannelKey channel) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto it = channels_.find(channel);
  if (it == channels_.end()) return std::nullopt;
  return it->second;
}

std::vector<std::pair<ChannelKey, IndexedChannel>> ChannelIndex::FindSurplus(
    const RetentionPolicy& policy, std::int64_t now_unix_ms, std::size_t channels_max) {
  std::vector<std::pair<ChannelKey, IndexedChannel>> found;
  std::size_t left = 0;
  {
    absl::ReaderMutexLock lock(&mutex_);
    left = channels_.size();
  }
  while (left > 0 && found.size() < channels_max) {
    absl::MutexLock lock(&mutex_);
    if (channels_.empty()) break;
    auto it = channels_.lower_bound(surplus_from_);
    const std::size_t slice = std::min(left, kSliceChannels);
    for (std::size_t i = 0; i < slice && found.size() < channels_max; ++i, --left) {
      if (it == channels_.end()) it = channels_.begin();
      if (it->second.Exceeds(policy, now_unix_ms)) found.emplace_back(*it);
      surplus_from_ = it->first + 1;
      ++it;
    }
  }
  return found;
}

void ChannelIndex::Fill(std::vector<std::pair<ChannelKey, IndexedChannel>>&& channels) {
  draft_.clear();
  absl::MutexLock lock(&mutex_);
  channels_.clear();
  for (auto& [key, channel] : channels)
    channels_.emplace_hint(channels_.end(), key, std::move(channel));
}

IndexedChannel* ChannelIndex::Draft(ChannelKey channel) {
  const auto it = draft_.find(channel);
  if (it != draft_.end()) return it->second.has_value() ? &*it->second : nullptr;
  std::optional<IndexedChannel> committed = Find(channel);
  if (!committed.has_value()) return nullptr;
  return &*draft_.emplace(channel, std::move(committed)).first->second;
}

void ChannelIndex::DraftNew(ChannelKey channel, std::string id) {
  draft_[channel] = IndexedChannel{.id = std::make_shared<const std::string>(std::move(id))};
}

void ChannelIndex::Commit() {
  {
    absl::MutexLock lock(&mutex_);
    for (auto& [key, channel] : draft_) {
      if (channel.has_value()) {
        channels_.insert_or_assign(key, *std::move(channel));
      } else {
        channels_.erase(key);
      }
    }
  }
  draft_.clear();
}

}  // namespace txtchat::storage
