// Faults of the disk, seen through SQLite.

#include <string>

#include "gtest/gtest.h"
#include "tests/testing/fault_vfs.h"
#include "tests/testing/fault_vfs_fixture.h"

namespace txtchat::testing {
namespace {

std::string Error(int code) { return "error " + std::to_string(code); }

// A database with rows 1 to 10, five of them still in the -wal only.
class FaultVfsFaults : public ::testing::Test {
 protected:
  FaultVfsFaults() {
    EXPECT_EQ(world_.InsertRange(1, 5), SQLITE_OK);
    EXPECT_EQ(world_.Checkpoint(), SQLITE_OK);
    EXPECT_EQ(world_.InsertRange(6, 10), SQLITE_OK);
  }

  // What was acknowledged is there, goes on being added to, and outlives a power cut.
  void ExpectItGoesOnAfter(int rows) {
    world_.vfs->ClearFault();
    EXPECT_EQ(world_.Rows(), std::to_string(rows) + "/" + std::to_string(rows));
    EXPECT_EQ(world_.Insert(rows + 1), SQLITE_OK);
    EXPECT_EQ(world_.Checkpoint(), SQLITE_OK);
    EXPECT_EQ(world_.Insert(rows + 2), SQLITE_OK);
    world_.CutPowerAndReopen();
    EXPECT_EQ(world_.Rows(), std::to_string(rows + 2) + "/" + std::to_string(rows + 2));
  }

  FaultVfsFixture world_;
};

TEST_F(FaultVfsFaults, FullDiskUnderTheWalRefusesCommitsUntilCleared) {
  world_.vfs->SetFault({FaultKind::kDiskFull, FaultTarget::kWal});
  EXPECT_EQ(world_.Insert(11), SQLITE_FULL);
  EXPECT_EQ(world_.Insert(11), SQLITE_FULL);
  EXPECT_EQ(world_.vfs->faults_raised(), 2u);
  EXPECT_EQ(world_.Rows(), "10/10") << "reading goes on";
  ExpectItGoesOnAfter(10);
}

TEST_F(FaultVfsFaults, FullDiskUnderTheDatabaseRefusesCheckpointsOnly) {
  world_.vfs->SetFault({FaultKind::kDiskFull, FaultTarget::kDatabase});
  EXPECT_EQ(world_.Checkpoint(), SQLITE_FULL);
  EXPECT_EQ(world_.Insert(11), SQLITE_OK);
  EXPECT_EQ(world_.Checkpoint(), SQLITE_FULL);
  ExpectItGoesOnAfter(11);
}

TEST_F(FaultVfsFaults, FailingWritesRefuseCommitsAndCheckpoints) {
  world_.vfs->SetFault({FaultKind::kWriteError});
  EXPECT_EQ(world_.Insert(11), SQLITE_IOERR_WRITE);
  EXPECT_EQ(world_.Checkpoint(), SQLITE_IOERR_WRITE);
  ExpectItGoesOnAfter(10);
}

TEST_F(FaultVfsFaults, AFailedSyncOfTheWalRefusesTheCommitAndLosesIt) {
  world_.vfs->SetFault({.kind = FaultKind::kSyncError, .target = FaultTarget::kWal, .once = true});
  EXPECT_EQ(world_.Insert(11), SQLITE_IOERR_FSYNC);
  EXPECT_EQ(world_.Rows(), "10/10");
  EXPECT_EQ(world_.vfs->faults_raised(), 1u);
  ExpectItGoesOnAfter(10);
}

TEST_F(FaultVfsFaults, AFailedSyncOfTheWalThenAPowerCutLeavesWhatWasAcknowledged) {
  world_.vfs->SetFault({FaultKind::kSyncError});
  EXPECT_EQ(world_.Insert(11), SQLITE_IOERR_FSYNC);
  EXPECT_EQ(world_.Checkpoint(), SQLITE_IOERR_FSYNC);
  world_.CutPowerAndReopen();
  ExpectItGoesOnAfter(10);
}

TEST_F(FaultVfsFaults, AFailedSyncOfTheDatabaseLosesNothingForTheWalHasIt) {
  world_.vfs->SetFault(
      {.kind = FaultKind::kSyncError, .target = FaultTarget::kDatabase, .once = true});
  EXPECT_EQ(world_.Checkpoint(), SQLITE_IOERR_FSYNC);
  ExpectItGoesOnAfter(10);
}

TEST_F(FaultVfsFaults, FailingReadsReachAConnectionThatHasNothingCached) {
  auto reader = world_.Connect();
  world_.vfs->SetFault({FaultKind::kReadError, FaultTarget::kWal});
  EXPECT_EQ(reader->Text("SELECT count(*) FROM t"), Error(SQLITE_IOERR_READ));
  world_.vfs->ClearFault();
  EXPECT_EQ(reader->Text("SELECT count(*) FROM t"), "10");
  world_.vfs->SetFault({FaultKind::kReadError, FaultTarget::kDatabase});
  EXPECT_EQ(reader->Text("SELECT count(*) FROM t"), "10") << "cached by now";
  reader.reset();
  ExpectItGoesOnAfter(10);
}

TEST_F(FaultVfsFaults, SkipsAsManyOperationsAsItIsTold) {
  // A commit of one page is two writes to the -wal: the header of the frame and the page.
  world_.vfs->SetFault({.kind = FaultKind::kDiskFull, .target = FaultTarget::kWal, .skip = 3});
  EXPECT_EQ(world_.Insert(11), SQLITE_OK);
  EXPECT_EQ(world_.Insert(12), SQLITE_FULL);
  ExpectItGoesOnAfter(11);
}

TEST_F(FaultVfsFaults, AnotherConnectionReadsOnWhileTheWriterIsRefused) {
  const auto reader = world_.Connect();
  world_.vfs->SetFault({FaultKind::kDiskFull});
  EXPECT_EQ(world_.Insert(11), SQLITE_FULL);
  EXPECT_EQ(reader->Text("SELECT count(*) FROM t"), "10");
}

// With synchronous=NORMAL a failed sync, which comes with a checkpoint only, takes commits that
// were acknowledged and that every connection has seen.
TEST(FaultVfs, AFailedSyncLosesEverythingThatTheFileHadNotSynced) {
  FaultVfsFixture world({}, FaultVfsFixture::kNormal);
  ASSERT_EQ(world.Checkpoint(), SQLITE_OK);
  ASSERT_EQ(world.InsertRange(1, 5), SQLITE_OK);
  world.vfs->SetFault({.kind = FaultKind::kSyncError, .target = FaultTarget::kWal, .once = true});
  EXPECT_EQ(world.Checkpoint(), SQLITE_IOERR_FSYNC);
  EXPECT_EQ(world.Checkpoint(), SQLITE_IOERR_SHORT_READ) << "the next sync is answered with OK";
  world.CutPowerAndReopen();
  EXPECT_EQ(world.Rows(), "0/0");
}

// What a refused commit means: it is not visible now, and yet the disk may have all of it.
TEST(FaultVfs, ARefusedCommitMayReappearAfterAPowerCut) {
  FaultVfsFixture world({.survive_probability = 1});
  ASSERT_EQ(world.InsertRange(1, 3), SQLITE_OK);
  world.vfs->SetFault({FaultKind::kSyncError, FaultTarget::kWal});
  EXPECT_EQ(world.Insert(4), SQLITE_IOERR_FSYNC);
  EXPECT_EQ(world.Rows(), "3/3");
  world.vfs->ClearFault();
  world.CutPowerAndReopen();
  EXPECT_EQ(world.Rows(), "4/4");
}

}  // namespace
}  // namespace txtchat::testing
