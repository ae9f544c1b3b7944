#pragma once

#include "absl/status/status.h"

namespace txtchat::testing {

/// Where SQLite's default VFS is a fault VFS (fault_vfs.h): makes a default that is the same, but
/// for a pause before each sync of a database, a -wal or a journal. A process that is killed then
/// is most probably killed while it waits for the disk: before what it wrote is durable.
///
///   TXTCHAT_TEST_SYNC_DELAY_US=N   microseconds; without it nothing is done
///
/// Called once, at the beginning of main(), before a database is opened. INVALID_ARGUMENT if the
/// variable is no number, UNAVAILABLE if SQLite does not take the VFS.
absl::Status InstallSlowSyncFromEnvironment();

}  // namespace txtchat::testing
