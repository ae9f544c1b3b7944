#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace txtchat::gateway {

/// Counts the open connections of a gateway against its limit. Thread-safe.
class Connections {
 public:
  explicit Connections(std::size_t max) : max_(max) {}

  /// Takes a place; false where there is none.
  bool TryAcquire() {
    absl::MutexLock lock(&mutex_);
    if (open_ >= max_) return false;
    ++open_;
    return true;
  }
  void Release() {
    absl::MutexLock lock(&mutex_);
    --open_;
  }
  std::size_t open() const {
    absl::MutexLock lock(&mutex_);
    return open_;
  }
  std::size_t max() const { return max_; }
  /// Waits until none is open; false if some still were after `timeout`.
  bool AwaitNone(absl::Duration timeout) {
    absl::MutexLock lock(&mutex_);
    const auto none = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return open_ == 0; };
    return mutex_.AwaitWithTimeout(absl::Condition(&none), timeout);
  }

 private:
  const std::size_t max_;
  mutable absl::Mutex mutex_;
  std::size_t open_ ABSL_GUARDED_BY(mutex_) = 0;
};

/// What a gateway has seen since its start. Each counter by itself is thread-safe.
struct Counters {
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> refused{0};        ///< Over the limit of connections.
  std::atomic<std::uint64_t> accept_pauses{0};  ///< No file or memory for another connection.
  std::atomic<std::uint64_t> stalled{0};        ///< Ended by write_stall_timeout.
  std::atomic<std::uint64_t> unregistered{0};   ///< Ended by register_timeout.
  std::atomic<std::uint64_t> exceptions{0};     ///< Bugs, or out of memory.
};

}  // namespace txtchat::gateway
