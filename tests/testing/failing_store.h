#pragma once

#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "core/message_store.h"

namespace txtchat::testing {

/// A store that fails on demand, and otherwise does what the one below it does. Thread-safe.
class FailingStore final : public MessageStore {
 public:
  explicit FailingStore(MessageStore* below) : below_(below) {}

  /// From now on commits, or reads, answer this.
  void FailCommits(absl::Status status) {
    absl::MutexLock lock(&mutex_);
    commit_status_ = std::move(status);
  }
  void FailReads(absl::Status status) {
    absl::MutexLock lock(&mutex_);
    read_status_ = std::move(status);
  }

  absl::Status Commit(const StoreBatch& batch) override {
    const absl::Status status = CommitStatus();
    return status.ok() ? below_->Commit(batch) : status;
  }
  absl::StatusOr<EventPage> Read(ChannelKey channel, std::uint64_t after, std::uint64_t up_to,
                                 std::size_t events_max, std::size_t bytes_max) override {
    const absl::Status status = ReadStatus();
    if (!status.ok()) return status;
    return below_->Read(channel, after, up_to, events_max, bytes_max);
  }

 private:
  absl::Status CommitStatus() const {
    absl::MutexLock lock(&mutex_);
    return commit_status_;
  }
  absl::Status ReadStatus() const {
    absl::MutexLock lock(&mutex_);
    return read_status_;
  }

  MessageStore* const below_;
  mutable absl::Mutex mutex_;
  absl::Status commit_status_ ABSL_GUARDED_BY(mutex_);
  absl::Status read_status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace txtchat::testing
