#pragma once

#include <cstdint>
#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/sqlite_handle.h"

namespace txtchat::storage {

/// Copies the write-ahead log into the database file, on a thread and a connection of its own,
/// while others read and write (https://www.sqlite.org/wal.html, a PASSIVE checkpoint).
/// Thread-safe.
///
/// It cannot end the log by itself: while commits go on, there is always something newer. So it
/// copies again what came meanwhile, which is less each time; when little is left, the writer
/// copies that between two commits, and the next commit begins the log anew. Where commits come
/// faster than they can be copied the log grows, and the writer ends it at the hard limit.
///
/// It copies in small bites (ScrubbingVfs::PauseEach), as a thread of the background: the commits
/// of the writer, which people wait for, need the same disk and maybe the same core. Where it has
/// fallen behind, it copies without a pause.
class WalCheckpointer {
 public:
  enum class Advice {
    kNothing,
    kFinish,     ///< Little is left: the writer should copy it now.
    kCopyAgain,  ///< Copying has failed: what was copied since the log began may be lost.
  };

  /// Begins to copy when so many pages of the log are not copied yet.
  WalCheckpointer(const DatabaseFile& file, std::uint64_t soft_pages);
  ~WalCheckpointer();  ///< Waits for a checkpoint under way.
  WalCheckpointer(const WalCheckpointer&) = delete;
  WalCheckpointer& operator=(const WalCheckpointer&) = delete;

  /// Tells how many pages the log has after a commit.
  Advice Follow(std::uint64_t log_pages);

  /// Keeps the thread from copying, for there cannot be two checkpoints at a time. Waits for the
  /// one under way, and closes the connection. A failure is forgotten: after LetGo the thread
  /// copies when the log has grown further.
  void Hold();
  void LetGo();
  /// Whether a failure is waiting for Follow to tell it.
  bool has_failed() const;

 private:
  void Run();
  /// Answers how many pages of the log are copied now, or a negative number.
  int Copy();
  bool IsFarBehind() const;
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stopping_ || (log_pages_ >= copy_at_ && !held_);
  }
  bool IsIdle() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !copying_; }
  std::uint64_t Left() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return log_pages_ > copied_pages_ ? log_pages_ - copied_pages_ : 0;
  }

  const DatabaseFile file_;
  const std::uint64_t soft_pages_;
  std::unique_ptr<Database> database_;  ///< The thread's, unless it is held. Null: to be opened.

  mutable absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  bool copying_ ABSL_GUARDED_BY(mutex_) = false;
  bool failed_ ABSL_GUARDED_BY(mutex_) = false;
  std::uint64_t log_pages_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t copied_pages_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t copy_at_ ABSL_GUARDED_BY(mutex_);        ///< Log pages at which to copy again.
  std::uint64_t finish_at_ ABSL_GUARDED_BY(mutex_) = 0;  ///< Or to ask the writer again.

  std::thread thread_;  ///< Last: it begins when everything is there.
};

}  // namespace txtchat::storage
