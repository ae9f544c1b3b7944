#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "core/message_store.h"

namespace txtchat::storage {

/// Keeps the log in memory: gone with the process. Bounded by the bytes of all events together;
/// beyond, the oldest events of the server go first, whatever their channel.
///
/// Thread-safe. Commit never fails.
class MemoryStore final : public MessageStore {
 public:
  explicit MemoryStore(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  absl::Status Commit(const StoreBatch& batch) override;
  absl::StatusOr<EventPage> Read(ChannelKey channel, std::uint64_t after, std::uint64_t up_to,
                                 std::size_t events_max, std::size_t bytes_max) override;

  /// Bytes that the kept events hold.
  std::size_t BytesKept() const;

 private:
  /// A channel's events, without holes. A vector with a moving front: most channels hold one or two
  /// events, for which a deque's block would be the larger part.
  struct ChannelLog {
    std::vector<EventPtr> events;
    std::size_t begin = 0;

    std::size_t size() const { return events.size() - begin; }
    const EventPtr& at(std::size_t i) const { return events[begin + i]; }
    void pop_front();
  };

  void Append(const StoredEvent& stored) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Erase(ChannelKey channel) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EvictOldest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropStaleArrivals() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::size_t bytes_max_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<ChannelKey, ChannelLog> logs_ ABSL_GUARDED_BY(mutex_);
  /// The channel of each event in the order of arrival. An entry whose channel has ended is stale.
  std::deque<ChannelKey> arrivals_ ABSL_GUARDED_BY(mutex_);
  std::size_t stale_arrivals_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace txtchat::storage
