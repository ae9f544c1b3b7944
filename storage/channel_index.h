#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "core/message_store.h"

namespace txtchat::storage {

/// What the store knows of a stored channel without asking the database.
struct IndexedChannel {
  std::shared_ptr<const std::string> id;
  std::uint64_t first_kept = 1;
  std::uint64_t head = 0;           ///< Of the newest event, kept or not.
  std::uint64_t bytes_before = 0;   ///< events.bytes_total before the oldest kept event,
  std::uint64_t bytes_total = 0;    ///< and at the newest.
  std::int64_t oldest_time_ms = 0;  ///< Of the oldest kept event.

  std::uint64_t count() const { return head + 1 - first_kept; }
  bool Exceeds(const RetentionPolicy& policy, std::int64_t now_unix_ms) const;
};

/// The stored channels, in memory. What is committed is shared by all threads, under a mutex that
/// is held for look-ups only. Beside it, for the sequencer's thread alone, lies the draft of the
/// batch that is being written: what it has changed so far, seen by nobody else until it is
/// committed.
class ChannelIndex {
 public:
  ChannelIndex() = default;
  ChannelIndex(const ChannelIndex&) = delete;
  ChannelIndex& operator=(const ChannelIndex&) = delete;

  // --- Any thread.
  std::optional<IndexedChannel> Find(ChannelKey channel) const;
  /// Up to `channels_max` channels that exceed the policy. Goes on where the last call ended, so
  /// that no channel is forgotten. One thread at a time.
  std::vector<std::pair<ChannelKey, IndexedChannel>> FindSurplus(const RetentionPolicy& policy,
                                                                 std::int64_t now_unix_ms,
                                                                 std::size_t channels_max);

  // --- Sequencer thread only.
  /// Forgets everything, and knows these channels.
  void Fill(std::vector<std::pair<ChannelKey, IndexedChannel>>&& channels);
  /// The channel as the batch sees it, to be changed; null if there is none. Valid until the next
  /// call.
  IndexedChannel* Draft(ChannelKey channel);
  void DraftNew(ChannelKey channel, std::string id);
  void DraftRemoval(ChannelKey channel) { draft_[channel].reset(); }
  /// The batch is kept: everybody sees it.
  void Commit();
  /// The batch is not kept.
  void RollBack() { draft_.clear(); }

 private:
  mutable absl::Mutex mutex_;
  absl::btree_map<ChannelKey, IndexedChannel> channels_ ABSL_GUARDED_BY(mutex_);
  ChannelKey surplus_from_ ABSL_GUARDED_BY(mutex_) = 0;
  /// Without a value: removed.
  absl::flat_hash_map<ChannelKey, std::optional<IndexedChannel>> draft_;
};

}  // namespace txtchat::storage
