#include "storage/memory_store.h"

#include <algorithm>

namespace txtchat::storage {
namespace {

// A handle in the channel's log and one in the order of arrival come with each event.
std::size_t CostOf(const Event& event) {
  return event.MemoryBytes() + sizeof(EventPtr) + sizeof(ChannelKey);
}

}  // namespace

void MemoryStore::ChannelLog::pop_front() {
  events[begin++].reset();
  if (2 * begin < events.size()) return;
  events.erase(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(begin));
  begin = 0;
}

absl::Status MemoryStore::Commit(const StoreBatch& batch) {
  absl::MutexLock lock(&mutex_);
  for (const StoredEvent& stored : batch.events) Append(stored);
  for (ChannelKey channel : batch.ended_channels) Erase(channel);
  while (bytes_ > bytes_max_) EvictOldest();
  return absl::OkStatus();
}

void MemoryStore::Append(const StoredEvent& stored) {
  logs_[stored.channel].events.push_back(stored.event);
  arrivals_.push_back(stored.channel);
  bytes_ += CostOf(*stored.event);
}

void MemoryStore::Erase(ChannelKey channel) {
  const auto it = logs_.find(channel);
  if (it == logs_.end()) return;
  for (std::size_t i = 0; i < it->second.size(); ++i) bytes_ -= CostOf(*it->second.at(i));
  stale_arrivals_ += it->second.size();
  logs_.erase(it);
  // Channels that come and go must not make the order of arrival grow: half of it may be stale.
  if (2 * stale_arrivals_ > arrivals_.size()) DropStaleArrivals();
}

void MemoryStore::DropStaleArrivals() {
  std::erase_if(arrivals_, [this](ChannelKey channel) ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return !logs_.contains(channel);
  });
  stale_arrivals_ = 0;
}

void MemoryStore::EvictOldest() {
  const ChannelKey channel = arrivals_.front();
  arrivals_.pop_front();
  const auto it = logs_.find(channel);
  if (it == logs_.end()) {
    --stale_arrivals_;
    return;
  }
  bytes_ -= CostOf(*it->second.at(0));
  it->second.pop_front();
  if (it->second.size() == 0) logs_.erase(it);
}

absl::StatusOr<EventPage> MemoryStore::Read(ChannelKey channel, std::uint64_t after,
                                            std::uint64_t up_to, std::size_t events_max,
                                            std::size_t bytes_max) {
  EventPage page;
  absl::MutexLock lock(&mutex_);
  const auto it = logs_.find(channel);
  if (it == logs_.end()) return page;
  const ChannelLog& log = it->second;
  const std::uint64_t first = log.at(0)->sequence;
  std::size_t bytes = 0;
  for (std::size_t i = after < first ? 0 : after + 1 - first; i < log.size(); ++i) {
    const EventPtr& event = log.at(i);
    const bool full = page.size() >= events_max || bytes + event->text.size() > bytes_max;
    if (event->sequence > up_to || (full && !page.empty())) break;
    bytes += event->text.size();
    page.push_back(event);
  }
  return page;
}

std::size_t MemoryStore::BytesKept() const {
  absl::MutexLock lock(&mutex_);
  return bytes_;
}

}  // namespace txtchat::storage
