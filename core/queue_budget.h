#pragma once

#include <cstddef>
#include <list>

namespace txtchat {

struct ChannelFeed;

/// Bounds the encoded bytes that all broadcast queues keep together. Beyond, the queues to which
/// nothing was appended for the longest time let go of theirs: their readers read the store.
///
/// Single-threaded: the sequencer's.
class QueueBudget {
 public:
  explicit QueueBudget(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  QueueBudget(const QueueBudget&) = delete;
  QueueBudget& operator=(const QueueBudget&) = delete;

  /// Something was appended to the feed's queue, which keeps `bytes` now.
  void OnAppended(ChannelFeed& feed, std::size_t bytes);
  /// The feed ends: what its last readers still hold of it counts no more.
  void Forget(ChannelFeed& feed);

  /// All queues let go of what they keep.
  void DropAll();

  /// Bytes that all queues keep, for tests and metrics.
  std::size_t bytes() const { return bytes_; }

 private:
  void DropOldest();

  const std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::list<ChannelFeed*> newest_first_;  ///< Feeds whose queues keep something.
};

}  // namespace txtchat
