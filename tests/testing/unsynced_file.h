#pragma once

#include <sqlite3.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace txtchat::testing {

/// Shared by everything that lives on one supply: false once the power was cut.
using Power = std::shared_ptr<std::atomic<bool>>;

/// How much of what was not synced outlives a power cut (FaultVfsOptions).
struct Survival {
  double probability = 0;
  std::uint64_t seed = 1;
};

/// One file with what was written to it since its last sync: whole blocks in memory that lie over
/// the real file. Shared by all handles that are open on the file; each call brings the caller's
/// own real handle, through which the file below is read and written. Thread-safe; the file below
/// is accessed under the mutex, a leaf in the order of locks. Once the power is off every call
/// fails and the file below is no longer touched.
///
/// Calls answer SQLite codes, and mean what the methods of sqlite3_io_methods mean.
class UnsyncedFile {
 public:
  UnsyncedFile(Power power, Survival survival);
  UnsyncedFile(const UnsyncedFile&) = delete;
  UnsyncedFile& operator=(const UnsyncedFile&) = delete;

  int Read(sqlite3_file* real, void* out, int size, sqlite3_int64 offset);
  int Write(sqlite3_file* real, const void* data, int size, sqlite3_int64 offset);
  int Truncate(sqlite3_file* real, sqlite3_int64 size);
  /// Brings everything into the file below. Not fsync(2): what a process has handed to the kernel
  /// outlives its SIGKILL, and the machine stays on. A handle that has not seen all failed syncs
  /// sees the failure first.
  int Sync(sqlite3_file* real, std::uint64_t* failures_seen = nullptr);
  /// A sync that fails: drops what was not synced. As with fsync(2) on Linux, everybody who has the
  /// file open learns of it, once: whose writes were lost does not matter.
  void FailSync(std::uint64_t* failures_seen);
  std::uint64_t failed_syncs() const;
  int Size(sqlite3_file* real, sqlite3_int64* size);

  /// Drops what was not synced.
  void Forget();
  bool has_power() const { return power_->load(); }
  /// The size with what was not synced; nullopt if everything was.
  std::optional<sqlite3_int64> UnsyncedSize() const;

 private:
  static constexpr sqlite3_int64 kBlockBytes = 4096;
  using Block = std::array<unsigned char, kBlockBytes>;

  int BeginChange(sqlite3_file* real) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int BlockToChange(sqlite3_file* real, sqlite3_int64 index, bool whole, Block** block)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int ReadBase(sqlite3_file* real, void* out, sqlite3_int64 size, sqlite3_int64 offset) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  int WriteBlocks(sqlite3_file* real) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void LetSurvive(sqlite3_file* real, const void* data, int size, sqlite3_int64 offset)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Chance(double probability) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Power power_;
  const double survive_probability_;
  mutable absl::Mutex mutex_;
  std::mt19937_64 random_ ABSL_GUARDED_BY(mutex_);
  /// Whether the fields below count; without a change the file below is the whole truth.
  bool changed_ ABSL_GUARDED_BY(mutex_) = false;
  std::uint64_t failed_syncs_ ABSL_GUARDED_BY(mutex_) = 0;
  sqlite3_int64 size_ ABSL_GUARDED_BY(mutex_) = 0;
  /// Up to here the file below shows where there is no block; beyond, there are zeros.
  sqlite3_int64 base_size_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<sqlite3_int64, std::unique_ptr<Block>> blocks_ ABSL_GUARDED_BY(mutex_);
};

/// The unsynced files of one VFS by full path. A file is kept while it is open or has something
/// unsynced, as the kernel would. Thread-safe.
class UnsyncedFiles {
 public:
  explicit UnsyncedFiles(Survival survival);

  /// The file at the path, for one more handle; null while a handle of before the last Cut is open.
  std::shared_ptr<UnsyncedFile> Open(const std::string& path);
  void Close(const std::string& path, const std::shared_ptr<UnsyncedFile>& file);
  /// The name is gone; handles that are open keep the file without a name.
  void Forget(const std::string& path);
  std::optional<sqlite3_int64> UnsyncedSize(const std::string& path) const;
  /// Cuts the power: open handles are dead, what was not synced is dropped. When it returns nothing
  /// writes to the files any more.
  void Cut();
  int open_count() const;

 private:
  struct Entry {
    std::shared_ptr<UnsyncedFile> file;
    int handles = 0;
  };

  const Survival survival_;
  mutable absl::Mutex mutex_;
  Power power_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t files_made_ ABSL_GUARDED_BY(mutex_) = 0;
  int open_ ABSL_GUARDED_BY(mutex_) = 0;
  int open_and_dead_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace txtchat::testing
