#include "tests/torture/slow_sync.h"

#include <sqlite3.h>
#include <unistd.h>

#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace txtchat::testing {
namespace {

// Constant after installation.
useconds_t delay_us = 0;
sqlite3_vfs* below = nullptr;
sqlite3_vfs slow;

// Of the files of the VFS below, which all have the same methods: set with the first one that is
// opened, which is the database, before there are threads.
const sqlite3_io_methods* methods_below = nullptr;
sqlite3_io_methods slow_methods;

int SlowSync(sqlite3_file* file, int flags) {
  usleep(delay_us);
  return methods_below->xSync(file, flags);
}

int SlowOpen(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  const int code = below->xOpen(below, path, file, flags, out_flags);
  constexpr int kDurable = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL;
  if (code != SQLITE_OK || (flags & kDurable) == 0) return code;
  if (methods_below == nullptr) {
    slow_methods = *file->pMethods;
    slow_methods.xSync = SlowSync;
    methods_below = file->pMethods;
  }
  if (file->pMethods == methods_below) file->pMethods = &slow_methods;
  return code;
}

}  // namespace

absl::Status InstallSlowSyncFromEnvironment() {
  const char* const text = std::getenv("TXTCHAT_TEST_SYNC_DELAY_US");
  if (text == nullptr) return absl::OkStatus();
  if (!absl::SimpleAtoi(text, &delay_us)) {
    return absl::InvalidArgumentError(
        absl::StrCat("TXTCHAT_TEST_SYNC_DELAY_US: '", text, "' is no number of microseconds"));
  }
  below = sqlite3_vfs_find(nullptr);
  slow = *below;
  slow.pNext = nullptr;
  slow.zName = "txtchat-slow";
  slow.xOpen = SlowOpen;
  if (sqlite3_vfs_register(&slow, /*makeDflt=*/1) != SQLITE_OK) {
    return absl::UnavailableError("SQLite does not take the VFS 'txtchat-slow'");
  }
  return absl::OkStatus();
}

}  // namespace txtchat::testing
