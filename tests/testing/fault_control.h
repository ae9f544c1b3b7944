#pragma once

#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace txtchat::testing {

/// The files of a database that are kept apart. kJournal is a rollback or super-journal.
enum class FileKind : std::uint8_t { kDatabase, kWal, kJournal };
enum class FileOperation : std::uint8_t { kRead, kWrite, kTruncate, kSync };

enum class FaultKind : std::uint8_t {
  kNone,
  /// Writes answer SQLITE_FULL; nothing of them is written.
  kDiskFull,
  /// Writes answer SQLITE_IOERR_WRITE and truncating SQLITE_IOERR_TRUNCATE; nothing is changed.
  kWriteError,
  /// Syncs answer SQLITE_IOERR_FSYNC, and what the file had not synced is lost, as with fsync(2) on
  /// Linux: each handle that is open on it answers that once, and then OK without it.
  kSyncError,
  /// Reads answer SQLITE_IOERR_READ.
  kReadError,
};
/// kWal is the -wal file only; kAll is every file, journals too.
enum class FaultTarget : std::uint8_t { kAll, kDatabase, kWal };

/// What goes wrong, and where.
struct Fault {
  FaultKind kind = FaultKind::kNone;
  FaultTarget target = FaultTarget::kAll;
  /// Only the first operation that it concerns; otherwise every one until it is cleared.
  bool once = false;
  /// So many operations that it concerns go well before.
  std::uint32_t skip = 0;
};

/// Reads `full|write-error|sync-error|read-error [db|wal] [once] [skip=N]`, words parted by white
/// space. Nothing, or `none`, is no fault. INVALID_ARGUMENT, naming the word, for anything else.
absl::StatusOr<Fault> ParseFault(absl::string_view text);

/// Decides for each operation on a file whether it fails. One fault at a time is set, in process or
/// by a file. Thread-safe; costs one atomic read while nothing is set and there is no file, and one
/// stat(2) with a file.
class FaultControl {
 public:
  /// `file` empty: none. Otherwise it holds a fault in the form of ParseFault, and is looked at
  /// before each operation; an absent file is no fault. A new fault is taken up when the file
  /// changes, so replace it by rename(2): a new inode is never missed. What cannot be parsed ends
  /// the program with a message, for a test that sets no fault by mistake would pass.
  explicit FaultControl(std::string file) : file_(std::move(file)) {}
  FaultControl(const FaultControl&) = delete;
  FaultControl& operator=(const FaultControl&) = delete;

  /// From now on this one, in place of the one before. Counting `skip` begins anew.
  void Set(const Fault& fault);
  /// The SQLite code to fail with, or SQLITE_OK.
  int Take(FileOperation operation, FileKind kind);
  /// Operations that failed so far.
  std::uint64_t raised() const { return raised_.load(); }

 private:
  void SetLocked(const Fault& fault) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PollLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  /// Tells one version of the file from another. All zero: there is none.
  struct Stamp {
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t changed_ns = 0;
    bool operator==(const Stamp&) const = default;
  };

  const std::string file_;
  std::atomic<bool> armed_ = false;
  std::atomic<std::uint64_t> raised_ = 0;
  absl::Mutex mutex_;
  Fault fault_ ABSL_GUARDED_BY(mutex_);
  Stamp seen_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace txtchat::testing
