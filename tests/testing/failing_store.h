#pragma once

#include <atomic>
#include <string>
#include <utility>
#include <variant>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tests/testing/forwarding_store.h"

namespace txtchat::testing {

/// A store that fails on demand, and otherwise does what the one below it does. Thread-safe.
class FailingStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;

  /// From now on commits, or reads and look-ups, answer this.
  void FailCommits(absl::Status status) {
    absl::MutexLock lock(&mutex_);
    commit_status_ = std::move(status);
  }
  void FailReads(absl::Status status) {
    absl::MutexLock lock(&mutex_);
    read_status_ = std::move(status);
  }

  /// From now on an erasure is under way, until a PurgeStep is committed.
  void BeginErasing() { is_erasing_ = true; }
  bool IsErasing() const override { return is_erasing_ || ForwardingStore::IsErasing(); }

  absl::Status Commit(const StoreBatch& batch) override {
    const absl::Status status = CommitStatus();
    if (!status.ok()) return status;
    for (const StoreChange& change : batch) {
      if (std::holds_alternative<PurgeStep>(change)) is_erasing_ = false;
    }
    return ForwardingStore::Commit(batch);
  }
  absl::StatusOr<EventPage> Read(const EventQuery& query) override {
    const absl::Status status = ReadStatus();
    if (!status.ok()) return status;
    return ForwardingStore::Read(query);
  }
  absl::StatusOr<EventPtr> FindSent(UserKey sender, const std::string& id) override {
    const absl::Status status = ReadStatus();
    if (!status.ok()) return status;
    return ForwardingStore::FindSent(sender, id);
  }

  absl::StatusOr<EventPtr> FindEvent(ChannelKey channel, std::uint64_t sequence) override {
    const absl::Status status = ReadStatus();
    if (!status.ok()) return status;
    return ForwardingStore::FindEvent(channel, sequence);
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

  std::atomic<bool> is_erasing_ = false;
  mutable absl::Mutex mutex_;
  absl::Status commit_status_ ABSL_GUARDED_BY(mutex_);
  absl::Status read_status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace txtchat::testing
