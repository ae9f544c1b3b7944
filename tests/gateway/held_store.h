#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/memory_store.h"
#include "tests/testing/forwarding_store.h"

namespace txtchat::gateway {

/// A memory store that can be told to hold commits or reads up, and to fail reads. Thread-safe.
class HeldStore final : public testing::ForwardingStore {
 public:
  explicit HeldStore(std::size_t bytes_max = 64 << 20)
      : ForwardingStore(&below_), below_(bytes_max) {}

  void HoldCommits(bool hold) {
    absl::MutexLock lock(&mutex_);
    held_ = hold;
  }
  /// Waits until a commit is held up.
  void AwaitCommit() {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&committing_));
  }
  void FailReads(bool fail) { failing_ = fail; }
  void HoldReads(bool hold) {
    absl::MutexLock lock(&mutex_);
    reads_held_ = hold;
  }
  void AwaitRead() {
    absl::MutexLock lock(&mutex_);
    const auto begun = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return reads_at_once_ > 0; };
    mutex_.Await(absl::Condition(&begun));
  }
  int most_reads_at_once() {
    absl::MutexLock lock(&mutex_);
    return most_reads_at_once_;
  }
  int failed_reads() const { return failed_reads_; }
  int reads() const { return reads_; }

  absl::Status Commit(const StoreBatch& batch) override {
    {
      absl::MutexLock lock(&mutex_);
      const auto free = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !held_; };
      committing_ = true;
      mutex_.Await(absl::Condition(&free));
      committing_ = false;
    }
    return below_.Commit(batch);
  }
  absl::StatusOr<EventPage> Read(const EventQuery& query) override {
    ++reads_;
    {
      absl::MutexLock lock(&mutex_);
      most_reads_at_once_ = std::max(most_reads_at_once_, ++reads_at_once_);
      const auto free = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !reads_held_; };
      mutex_.Await(absl::Condition(&free));
      --reads_at_once_;
    }
    if (failing_) {
      ++failed_reads_;
      return absl::UnavailableError("the disk is away");
    }
    return below_.Read(query);
  }

 private:
  storage::MemoryStore below_;
  absl::Mutex mutex_;
  bool committing_ ABSL_GUARDED_BY(mutex_) = false;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  bool reads_held_ ABSL_GUARDED_BY(mutex_) = false;
  int reads_at_once_ ABSL_GUARDED_BY(mutex_) = 0;
  int most_reads_at_once_ ABSL_GUARDED_BY(mutex_) = 0;
  std::atomic<bool> failing_{false};
  std::atomic<int> failed_reads_{0};
  std::atomic<int> reads_{0};
};

}  // namespace txtchat::gateway
