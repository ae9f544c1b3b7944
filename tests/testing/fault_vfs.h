#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/testing/fault_control.h"

namespace txtchat::testing {

namespace internal {
struct FaultVfsState;
}

struct FaultVfsOptions {
  /// Of each write and each truncation, the probability P that the disk keeps it although it was
  /// never synced: disks keep any subset, in any order. It is drawn when the write is made, so it
  /// holds for DropUnsynced and for SIGKILL alike. A write that is kept is torn with probability
  /// (1-P)/2: of its 512-byte sectors about half are kept. Bytes that were not written never change
  /// (SQLITE_IOCAP_POWERSAFE_OVERWRITE).
  double survive_probability = 0;
  std::uint64_t seed = 1;
  /// If not empty: where a fault may be set from outside (FaultControl).
  std::string fault_file;
};

/// Syncs that were answered with OK.
struct SyncCounts {
  std::uint64_t database = 0;
  std::uint64_t wal = 0;
  std::uint64_t journal = 0;
};

/// A SQLite VFS that simulates power cuts and faults of the disk, over the unix one
/// (https://www.sqlite.org/vfs.html). A connection uses it if it is opened with its name, or
/// without a name if it is the default.
///
/// Power: what is written to a database, its -wal (https://www.sqlite.org/walformat.html) or a
/// journal stays in the memory of this process until that file is synced, and only then reaches the
/// real file. All connections of the process see it before. So the end of the process, by SIGKILL
/// or in peace, loses precisely what came after each file's last sync, and so does DropUnsynced().
///
/// Not simulated: creating and deleting a file is durable at once, with no need to sync the
/// directory. Temporary files and the shared memory (-shm) are the real VFS's; SQLite rebuilds the
/// -shm. There is no mmap of databases, no preallocation by chunks. A sync does not call fsync(2).
///
/// Limits: one process at a time on a database, for another one would not see what is unsynced;
/// that goes for copies made by VACUUM INTO and the backup API, too. Remove or replace files behind
/// SQLite's back only after DropUnsynced(). Unsynced data is bounded by what SQLite leaves
/// unsynced: with synchronous=NORMAL, the -wal up to its next checkpoint.
///
/// Thread-safe. The mutex of a file is held while the real file is read or written; nothing else is
/// called under it. Faults are those of FaultControl.
class FaultVfs {
 public:
  /// Unregisters. No connection may be open on it; the program ends if one is.
  ~FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  const std::string& name() const;

  /// Cuts the power and restores it: what was not synced is gone. Connections that are open are
  /// dead: whatever they do on their files answers an I/O error and changes nothing, so closing
  /// them does not checkpoint. They have to be closed before a database is opened again on this VFS
  /// (SQLITE_CANTOPEN otherwise), for they share locks and -shm. May be called at any time, from
  /// any thread; waits for operations under way.
  void DropUnsynced();

  /// See FaultControl::Set. Wins over the fault file until that changes.
  void SetFault(const Fault& fault);
  void ClearFault() { SetFault(Fault{}); }
  /// Operations that failed by a fault.
  std::uint64_t faults_raised() const;
  SyncCounts syncs() const;

 private:
  friend absl::StatusOr<std::unique_ptr<FaultVfs>> RegisterFaultVfs(const std::string& name,
                                                                    bool make_default,
                                                                    const FaultVfsOptions& options);
  explicit FaultVfs(std::unique_ptr<internal::FaultVfsState> state);

  const std::unique_ptr<internal::FaultVfsState> state_;
};

/// Registers a VFS under the name, which must be free (ALREADY_EXISTS), and makes it SQLite's
/// default if wanted. UNAVAILABLE if SQLite cannot be initialised. It ends with what is returned.
absl::StatusOr<std::unique_ptr<FaultVfs>> RegisterFaultVfs(const std::string& name,
                                                           bool make_default,
                                                           const FaultVfsOptions& options = {});

/// Reads `power-loss[,survive=0.3][,seed=N]`; INVALID_ARGUMENT, naming the word, for anything else.
absl::StatusOr<FaultVfsOptions> ParseFaultVfsOptions(absl::string_view text);

/// For a whole program, called at the beginning of main(): before a database is opened, after any
/// sqlite3_config(), for it initialises SQLite. Makes a fault VFS SQLite's default under the name
/// `txtchat-fault`, so that code which opens a database without knowing runs on it, and says so on
/// stderr, with the seed.
///
///   TXTCHAT_TEST_FAULT_VFS=power-loss[,survive=0.3][,seed=N]   without it nothing is done
///   TXTCHAT_TEST_FAULT_FILE=PATH                               a control file (FaultControl)
///
/// Answers the VFS, which lives as long as the process, or null if the variable is not set.
/// INVALID_ARGUMENT if it cannot be parsed, and what RegisterFaultVfs answers.
absl::StatusOr<FaultVfs*> InstallFaultVfsFromEnvironment();

}  // namespace txtchat::testing
