#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "core/message_store.h"

namespace txtchat::storage {

/// Keeps the log in memory: gone with the process, under a new epoch each time. Bounded by the
/// bytes of all events together; beyond, the oldest events of the server go first, whatever their
/// channel. Users, channels and memberships are not kept, as there is nobody to read them back.
///
/// Thread-safe. Commit never fails.
class MemoryStore final : public MessageStore {
 public:
  explicit MemoryStore(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  absl::StatusOr<StoredState> Load() override;
  absl::Status Commit(const StoreBatch& batch) override;
  absl::StatusOr<EventPtr> FindSent(UserKey sender, const std::string& client_message_id) override;
  absl::StatusOr<EventPtr> FindEvent(ChannelKey channel, std::uint64_t sequence) override;
  std::uint64_t FirstKept(ChannelKey channel) const override;
  absl::StatusOr<EventPage> Read(const EventQuery& query) override;
  absl::StatusOr<std::vector<TrimChannel>> FindSurplus(const RetentionPolicy& policy,
                                                       std::int64_t now_unix_ms,
                                                       std::size_t trims_max,
                                                       std::uint64_t step_max) override;
  absl::StatusOr<AuthoredPage> ReadAuthored(const AuthoredQuery& query) override;
  bool NeedsPurge() const override { return false; }
  bool IsErasing() const override { return false; }

  /// Bytes that the kept events hold.
  std::size_t BytesKept() const;

 private:
  struct Kept {
    EventPtr event;
    UserKey sender = 0;
  };
  /// A channel's events, without holes. A vector with a moving front: most channels hold one or two
  /// events, for which a deque's block would be the larger part.
  struct ChannelLog {
    std::vector<Kept> events;
    std::size_t begin = 0;
    std::uint64_t head = 0;

    std::size_t size() const { return events.size() - begin; }
    const Kept& at(std::size_t i) const { return events[begin + i]; }
    Kept& at(std::size_t i) { return events[begin + i]; }
    std::uint64_t first_kept() const { return head + 1 - size(); }
    void pop_front();
  };
  /// The event, or null if it is not kept.
  Kept* Find(ChannelKey channel, std::uint64_t sequence) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  using SendId = std::pair<UserKey, std::string>;

  void Apply(const AppendEvent& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Apply(const DeleteChannel& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Apply(const EraseMessage& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Apply(const EraseUser& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Apply(const TrimChannel& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  template <typename Other>
  void Apply(const Other&) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {}

  /// Puts another event in the place of one.
  void Replace(Kept& kept, EventPtr event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropFirst(ChannelLog& log) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EvictOldest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteStaleArrivals(std::size_t count) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::size_t bytes_max_;
  std::string epoch_;  ///< Made by Load.
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<ChannelKey, ChannelLog> logs_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<SendId, EventPtr> sends_ ABSL_GUARDED_BY(mutex_);
  /// Channel and sequence of each event in the order of arrival. An entry whose event has gone
  /// already is stale.
  std::deque<std::pair<ChannelKey, std::uint64_t>> arrivals_ ABSL_GUARDED_BY(mutex_);
  std::size_t stale_arrivals_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace txtchat::storage
