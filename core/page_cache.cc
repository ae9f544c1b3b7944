#include "core/page_cache.h"

#include <iterator>

namespace txtchat {

std::size_t PageCache::BytesOf(const HistoryPage& page) {
  const bool has_events = page.chunk.get() != nullptr && !page.chunk->empty();
  return sizeof(Entry) + (has_events ? page.chunk->EndOf(page.chunk->last_sequence()) : 0);
}

std::optional<HistoryPage> PageCache::Find(const PageRequest& request) {
  absl::MutexLock lock(&mutex_);
  for (auto it = entries_.begin(); it != entries_.end(); ++it) {
    const HistoryPage& page = it->page;
    const bool fits = it->channel == request.channel && page.format == request.format &&
                      page.after <= request.after && request.after < page.covers_to;
    if (!fits) continue;
    entries_.splice(entries_.begin(), entries_, it);
    return page;
  }
  return std::nullopt;
}

std::uint64_t PageCache::Generation() const {
  absl::MutexLock lock(&mutex_);
  return generation_;
}

void PageCache::Add(ChannelKey channel, const HistoryPage& page, std::uint64_t generation) {
  const std::size_t bytes = BytesOf(page);
  if (bytes > bytes_max_) return;
  std::list<Entry> gone;  // Freed when the lock is.
  absl::MutexLock lock(&mutex_);
  if (generation != generation_) return;  // Another channel's, perhaps: it is read once more.
  entries_.push_front({channel, page});
  bytes_ += bytes;
  while (bytes_ > bytes_max_ || entries_.size() > kPagesMax) {
    bytes_ -= BytesOf(entries_.back().page);
    gone.splice(gone.begin(), entries_, std::prev(entries_.end()));
  }
}

void PageCache::Forget(ChannelKey channel) {
  std::list<Entry> gone;
  absl::MutexLock lock(&mutex_);
  ++generation_;
  for (auto it = entries_.begin(); it != entries_.end();) {
    const auto entry = it++;
    if (entry->channel != channel) continue;
    bytes_ -= BytesOf(entry->page);
    gone.splice(gone.end(), entries_, entry);
  }
}

void PageCache::ForgetAll() {
  std::list<Entry> gone;
  absl::MutexLock lock(&mutex_);
  ++generation_;
  gone.swap(entries_);
  bytes_ = 0;
}

std::size_t PageCache::bytes() const {
  absl::MutexLock lock(&mutex_);
  return bytes_;
}

}  // namespace txtchat
