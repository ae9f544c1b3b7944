#include "tests/testing/fault_control.h"

#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "tests/testing/scratch_directory.h"
#include "tests/testing/sqlite_connection.h"

namespace txtchat::testing {
namespace {

void Replace(const std::string& path, const std::string& text) {
  std::ofstream(path + ".new") << text;
  std::filesystem::rename(path + ".new", path);
}

TEST(ParseFault, ReadsEveryWord) {
  const Fault fault = *ParseFault(" sync-error wal once skip=12\n");
  EXPECT_EQ(fault.kind, FaultKind::kSyncError);
  EXPECT_EQ(fault.target, FaultTarget::kWal);
  EXPECT_TRUE(fault.once);
  EXPECT_EQ(fault.skip, 12u);
  EXPECT_EQ(ParseFault("full db")->target, FaultTarget::kDatabase);
  EXPECT_EQ(ParseFault("read-error")->target, FaultTarget::kAll);
  EXPECT_EQ(ParseFault("write-error")->kind, FaultKind::kWriteError);
  EXPECT_EQ(ParseFault("")->kind, FaultKind::kNone);
  EXPECT_EQ(ParseFault("none\n")->kind, FaultKind::kNone);
}

TEST(ParseFault, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"wal", "ful", "full twice", "full skip=", "full skip=-1"}) {
    EXPECT_EQ(ParseFault(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(FaultControl, ConcernsItsTargetAndItsOperation) {
  FaultControl control("");
  control.Set({FaultKind::kDiskFull, FaultTarget::kWal});
  EXPECT_EQ(control.Take(FileOperation::kWrite, FileKind::kWal), SQLITE_FULL);
  EXPECT_EQ(control.Take(FileOperation::kWrite, FileKind::kDatabase), SQLITE_OK);
  EXPECT_EQ(control.Take(FileOperation::kWrite, FileKind::kJournal), SQLITE_OK);
  EXPECT_EQ(control.Take(FileOperation::kSync, FileKind::kWal), SQLITE_OK);
  control.Set({FaultKind::kWriteError});
  EXPECT_EQ(control.Take(FileOperation::kTruncate, FileKind::kJournal), SQLITE_IOERR_TRUNCATE);
  control.Set({});
  EXPECT_EQ(control.Take(FileOperation::kWrite, FileKind::kWal), SQLITE_OK);
  EXPECT_EQ(control.raised(), 2u);
}

TEST(FaultControl, StrikesOnceAfterSkipping) {
  FaultControl control("");
  control.Set({.kind = FaultKind::kReadError, .once = true, .skip = 2});
  std::string struck;
  for (int i = 0; i < 6; ++i) {
    struck += control.Take(FileOperation::kRead, FileKind::kWal) == SQLITE_OK ? '.' : 'x';
    EXPECT_EQ(control.Take(FileOperation::kWrite, FileKind::kWal), SQLITE_OK);
  }
  EXPECT_EQ(struck, "..x...");
}

TEST(FaultControl, FollowsItsFile) {
  const ScratchDirectory directory;
  const std::string path = directory.File("fault");
  FaultControl control(path);
  const auto write = [&] { return control.Take(FileOperation::kWrite, FileKind::kWal); };
  EXPECT_EQ(write(), SQLITE_OK);
  Replace(path, "full\n");
  EXPECT_EQ(write(), SQLITE_FULL);
  EXPECT_EQ(write(), SQLITE_FULL);
  Replace(path, "write-error wal once");
  EXPECT_EQ(write(), SQLITE_IOERR_WRITE);
  EXPECT_EQ(write(), SQLITE_OK) << "the same file does not strike again";
  Replace(path, "full\n");
  EXPECT_EQ(write(), SQLITE_FULL);
  std::filesystem::remove(path);
  EXPECT_EQ(write(), SQLITE_OK);
}

TEST(FaultControlDeathTest, EndsTheProgramAtAFileThatSaysNothing) {
  const ScratchDirectory directory;
  const std::string path = directory.File("fault");
  Replace(path, "disk on fire");
  EXPECT_DEATH(FaultControl(path).Take(FileOperation::kSync, FileKind::kWal),
               "there is no fault 'disk'");
}

}  // namespace
}  // namespace txtchat::testing
