// A process that is killed, seen from outside: what the file system has is what was synced.

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

#include "gtest/gtest.h"
#include "tests/testing/fault_vfs.h"
#include "tests/testing/scratch_directory.h"
#include "tests/testing/sqlite_connection.h"

namespace txtchat::testing {
namespace {

// Opens the database by nothing but its path, as the production code does, and writes until it
// kills itself, within a transaction that has already been spilled. Answers by its end.
[[noreturn]] void WriteAndDie(const std::string& path, const char* synchronous, const char* mode) {
  ::setenv("TXTCHAT_TEST_FAULT_VFS", mode, 1);
  const absl::StatusOr<FaultVfs*> vfs = InstallFaultVfsFromEnvironment();
  if (!vfs.ok() || *vfs == nullptr) ::_exit(1);
  SqliteConnection db(path);
  if (db.Run("PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, body);"
             "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA cache_size=5") != SQLITE_OK) {
    ::_exit(2);
  }
  if (db.Run(std::string("PRAGMA synchronous=") + synchronous) != SQLITE_OK) ::_exit(3);
  for (int i = 0; i < 10; ++i) {
    if (db.Run("INSERT INTO t(body) VALUES(zeroblob(2000))") != SQLITE_OK) ::_exit(4);
  }
  if (db.Run("BEGIN; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 100) "
             "INSERT INTO t(body) SELECT zeroblob(3000) FROM n") != SQLITE_OK) {
    ::_exit(5);
  }
  ::kill(::getpid(), SIGKILL);
  ::_exit(6);
}

// The rows that are left, and what is wrong if something is.
std::string RowsAfterDeath(const char* synchronous, const char* mode) {
  const ScratchDirectory directory;
  const std::string path = directory.File("chat.db");
  const pid_t child = ::fork();
  if (child == 0) WriteAndDie(path, synchronous, mode);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << "it ended with " << WEXITSTATUS(status);
  SqliteConnection db(path);
  const std::string integrity = db.Text("PRAGMA integrity_check");
  return db.Text("SELECT count(*) FROM t") + (integrity == "ok" ? "" : " " + integrity);
}

TEST(FaultVfsKill, KeepsWhatWasCommittedWithFull) {
  EXPECT_EQ(RowsAfterDeath("FULL", "power-loss"), "10");
}

TEST(FaultVfsKill, TakesWhatWasCommittedWithNormal) {
  EXPECT_EQ(RowsAfterDeath("NORMAL", "power-loss"), "0");
}

TEST(FaultVfsKill, LeavesNoHalfTransactionWhateverSurvives) {
  for (int seed = 1; seed <= 10; ++seed) {
    const std::string mode = "power-loss,survive=0.7,seed=" + std::to_string(seed);
    EXPECT_EQ(RowsAfterDeath("FULL", mode.c_str()), "10") << mode;
  }
}

TEST(ParseFaultVfsOptions, ReadsSurvivalAndSeed) {
  EXPECT_EQ(ParseFaultVfsOptions("power-loss")->survive_probability, 0);
  const FaultVfsOptions options = *ParseFaultVfsOptions("power-loss,survive=0.3,seed=17");
  EXPECT_EQ(options.survive_probability, 0.3);
  EXPECT_EQ(options.seed, 17u);
  for (const char* text : {"", "seed=1", "power-loss,", "power-loss,survive=2",
                           "power-loss,survive=nan", "power-loss,seed=x", "power-loss,other"}) {
    EXPECT_EQ(ParseFaultVfsOptions(text).status().code(), absl::StatusCode::kInvalidArgument)
        << text;
  }
}

TEST(InstallFaultVfsFromEnvironment, DoesNothingUnlessAsked) {
  ::unsetenv("TXTCHAT_TEST_FAULT_VFS");
  EXPECT_EQ(*InstallFaultVfsFromEnvironment(), nullptr);
  ::setenv("TXTCHAT_TEST_FAULT_VFS", "power-los", 1);
  EXPECT_EQ(InstallFaultVfsFromEnvironment().status().code(), absl::StatusCode::kInvalidArgument);
  ::unsetenv("TXTCHAT_TEST_FAULT_VFS");
}

}  // namespace
}  // namespace txtchat::testing
