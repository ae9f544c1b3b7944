#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace txtchat::storage {

/// The directory that holds a server's data, taken for this process alone: made (0700) if it is
/// missing, locked as long as this lives. The lock is flock(2) on `txtchat.lock`, which the kernel
/// lets go however the process ends; the file stays. Thread-safe: it does not change.
class DataDirectory {
 public:
  /// FAILED_PRECONDITION, with what to do about it: the directory cannot be made or written, or
  /// another process has it.
  static absl::StatusOr<std::unique_ptr<DataDirectory>> Take(const std::string& path);
  ~DataDirectory();
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;

  /// Where the database is: `txtchat.db`.
  const std::string& database_path() const { return database_path_; }

  /// Makes the database file (0600, empty) if it is missing, so that it and what SQLite puts beside
  /// it are nobody else's to read, and that its name outlives a power cut.
  /// FAILED_PRECONDITION  it cannot be made
  absl::Status MakeDatabaseFile() const;

 private:
  explicit DataDirectory(const std::string& path);

  const std::string path_;
  const std::string database_path_;
  int lock_fd_ = -1;  ///< Constant once taken.
};

}  // namespace txtchat::storage
