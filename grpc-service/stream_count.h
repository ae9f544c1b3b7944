#pragma once

#include <cstddef>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace txtchat::rpc {

/// How many streams are open, against a maximum. Thread-safe.
class StreamCount {
 public:
  explicit StreamCount(std::size_t max) : max_(max) {}

  /// Counts one more; false if that would be too many.
  bool TryAdd() {
    absl::MutexLock lock(&mutex_);
    if (open_ >= max_) return false;
    ++open_;
    return true;
  }
  void Remove() {
    absl::MutexLock lock(&mutex_);
    --open_;
  }
  /// Waits until none is open, `timeout` at the most; answers how many are.
  std::size_t AwaitNone(absl::Duration timeout) const {
    absl::MutexLock lock(&mutex_);
    const auto none = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return open_ == 0; };
    mutex_.AwaitWithTimeout(absl::Condition(&none), timeout);
    return open_;
  }
  std::size_t open() const { return AwaitNone(absl::ZeroDuration()); }

 private:
  const std::size_t max_;
  mutable absl::Mutex mutex_;
  std::size_t open_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace txtchat::rpc
