// Power cuts, seen through SQLite.

#include "tests/testing/fault_vfs.h"

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "gtest/gtest.h"
#include "tests/testing/fault_vfs_fixture.h"

namespace txtchat::testing {
namespace {

TEST(FaultVfs, KeepsWhatWasCommittedWithFull) {
  FaultVfsFixture world;
  ASSERT_EQ(world.InsertRange(1, 20), SQLITE_OK);
  ASSERT_EQ(world.db->Run("BEGIN"), SQLITE_OK);
  ASSERT_EQ(world.InsertRange(21, 30), SQLITE_OK);
  world.CutPowerAndReopen();
  EXPECT_EQ(world.Rows(), "20/20") << "the open transaction is gone";
  ASSERT_EQ(world.InsertRange(21, 25), SQLITE_OK);
  world.CutPowerAndReopen();
  EXPECT_EQ(world.Rows(), "25/25");
}

TEST(FaultVfs, LosesTheTailWithNormalAndLeavesAWholeDatabase) {
  FaultVfsFixture world({}, FaultVfsFixture::kNormal);
  ASSERT_EQ(world.InsertRange(1, 10), SQLITE_OK);
  ASSERT_EQ(world.Checkpoint(), SQLITE_OK);
  ASSERT_EQ(world.InsertRange(11, 20), SQLITE_OK);
  EXPECT_EQ(world.Rows(), "20/20");
  world.CutPowerAndReopen();
  EXPECT_EQ(world.Rows(), "10/10");
}

TEST(FaultVfs, KeepsWhatWasCommittedAroundACheckpoint) {
  for (const int mode : {SQLITE_CHECKPOINT_PASSIVE, SQLITE_CHECKPOINT_FULL,
                         SQLITE_CHECKPOINT_RESTART, SQLITE_CHECKPOINT_TRUNCATE}) {
    FaultVfsFixture world;
    ASSERT_EQ(world.InsertRange(1, 20), SQLITE_OK);
    ASSERT_EQ(world.Checkpoint(mode), SQLITE_OK);
    ASSERT_EQ(world.InsertRange(21, 30), SQLITE_OK);
    world.CutPowerAndReopen();
    EXPECT_EQ(world.Rows(), "30/30") << "checkpoint mode " << mode;
  }
}

TEST(FaultVfs, KeepsWhatWasCommittedWithARollbackJournal) {
  FaultVfsFixture world({}, "PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL");
  ASSERT_EQ(world.InsertRange(1, 20), SQLITE_OK);
  const SyncCounts before = world.vfs->syncs();
  ASSERT_EQ(world.Insert(21), SQLITE_OK);
  EXPECT_GT(world.vfs->syncs().journal, before.journal);
  EXPECT_EQ(world.vfs->syncs().wal, before.wal);
  // A cache this small spills into the database before the commit: the journal has to undo it.
  ASSERT_EQ(world.db->Run("PRAGMA cache_size=2; BEGIN; UPDATE t SET body=zeroblob(3000)"),
            SQLITE_OK);
  world.CutPowerAndReopen();
  EXPECT_EQ(world.Rows(), "21/21");
  EXPECT_EQ(world.db->Text("SELECT max(length(body)) FROM t"), "100");
}

TEST(FaultVfs, SyncsTheWalOnceForACommitWithFullAndNeverWithNormal) {
  FaultVfsFixture world;
  ASSERT_EQ(world.InsertRange(1, 2), SQLITE_OK);
  const SyncCounts before = world.vfs->syncs();
  ASSERT_EQ(world.InsertRange(3, 12), SQLITE_OK);
  EXPECT_EQ(world.vfs->syncs().wal, before.wal + 10);
  EXPECT_EQ(world.vfs->syncs().database, before.database);
  ASSERT_EQ(world.db->Run("PRAGMA synchronous=NORMAL"), SQLITE_OK);
  ASSERT_EQ(world.InsertRange(13, 22), SQLITE_OK);
  EXPECT_EQ(world.vfs->syncs().wal, before.wal + 10);
}

TEST(FaultVfs, ShowsWhatIsUnsyncedToEveryConnectionOfTheProcess) {
  FaultVfsFixture world({}, FaultVfsFixture::kNormal);
  ASSERT_EQ(world.InsertRange(1, 5), SQLITE_OK);
  const auto other = world.Connect();
  EXPECT_EQ(other->Text("SELECT count(*) FROM t"), "5");
  ASSERT_EQ(world.Insert(6), SQLITE_OK);
  EXPECT_EQ(other->Text("SELECT count(*) FROM t"), "6");
}

TEST(FaultVfs, AFileExistsBeforeItsFirstSyncUntilItIsDeleted) {
  FaultVfsFixture world({}, "PRAGMA journal_mode=DELETE; PRAGMA synchronous=OFF");
  ASSERT_EQ(world.db->Run("PRAGMA cache_size=2; BEGIN"), SQLITE_OK);
  ASSERT_EQ(world.Insert(1, 100'000), SQLITE_OK);
  EXPECT_EQ(std::filesystem::file_size(world.path() + "-journal"), 0u);
  EXPECT_TRUE(world.Exists("-journal"));
  ASSERT_EQ(world.db->Run("COMMIT"), SQLITE_OK);
  EXPECT_FALSE(world.Exists("-journal"));
  EXPECT_EQ(world.Connect()->Text("SELECT count(*) FROM t"), "1") << "no hot journal";
}

TEST(FaultVfs, KeepsWhatIsUnsyncedWhileNobodyHasTheFileOpen) {
  FaultVfsFixture world({}, FaultVfsFixture::kNormal);
  ASSERT_EQ(world.Checkpoint(), SQLITE_OK);
  ASSERT_EQ(world.InsertRange(1, 5), SQLITE_OK);
  ASSERT_EQ(sqlite3_db_config(world.db->get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr),
            SQLITE_OK);
  world.Reopen();
  EXPECT_EQ(world.Rows(), "5/5") << "as the kernel does";
  ASSERT_EQ(sqlite3_db_config(world.db->get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr),
            SQLITE_OK);
  world.db.reset();
  world.CutPowerAndReopen();
  EXPECT_EQ(world.Rows(), "0/0");
}

TEST(FaultVfs, ClosesInPeaceWithNothingLeftUnsynced) {
  FaultVfsFixture world({}, FaultVfsFixture::kNormal);
  ASSERT_EQ(world.InsertRange(1, 5), SQLITE_OK);
  world.db.reset();
  EXPECT_FALSE(std::filesystem::exists(world.path() + "-wal"));
  world.CutPowerAndReopen();
  EXPECT_EQ(world.Rows(), "5/5");
}

TEST(FaultVfs, LeavesConnectionsOfBeforeThePowerCutDead) {
  FaultVfsFixture world({}, FaultVfsFixture::kNormal);
  ASSERT_EQ(world.Checkpoint(), SQLITE_OK);
  ASSERT_EQ(world.InsertRange(1, 5), SQLITE_OK);
  auto idle = std::make_unique<SqliteConnection>(world.path(), world.vfs->name());
  world.vfs->DropUnsynced();
  EXPECT_EQ(idle->Text("SELECT count(*) FROM t"), "error " + std::to_string(SQLITE_IOERR_LOCK));
  idle.reset();
  EXPECT_EQ(world.Insert(6) & 0xff, SQLITE_IOERR);
  EXPECT_EQ(world.Checkpoint() & 0xff, SQLITE_IOERR);
  {
    SqliteConnection early(world.path(), world.vfs->name());
    EXPECT_EQ(early.open_code(), SQLITE_CANTOPEN);
  }
  world.Reopen();
  EXPECT_EQ(world.Rows(), "0/0");
}

TEST(FaultVfs, AsDefaultRunsCodeThatDoesNotKnowOfIt) {
  const ScratchDirectory directory;
  const std::string path = directory.File("chat.db");
  const auto vfs = *RegisterFaultVfs("fault-default", /*make_default=*/true);
  EXPECT_EQ(RegisterFaultVfs("fault-default", false).status().code(),
            absl::StatusCode::kAlreadyExists);
  {
    SqliteConnection db(path);
    ASSERT_EQ(db.Run("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; CREATE TABLE t(id);"
                     "PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO t VALUES(1)"),
              SQLITE_OK);
    EXPECT_EQ(db.Text("PRAGMA mmap_size=1000000"), "0");
    ASSERT_EQ(db.Run("PRAGMA temp_store=FILE; PRAGMA cache_size=2; CREATE TEMP TABLE x AS "
                     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 2000) "
                     "SELECT i, zeroblob(500) AS b FROM n"),
              SQLITE_OK);
    EXPECT_EQ(db.Text("SELECT sum(length(b)) FROM x"), "1000000") << "temporary files pass through";
    vfs->DropUnsynced();
  }
  SqliteConnection db(path);
  EXPECT_EQ(db.Text("SELECT count(*) FROM t"), "0");
}

TEST(FaultVfs, ServesOneWriterAndManyReaders) {
  FaultVfsFixture world({.survive_probability = 0.2, .seed = 7});
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      const auto connection = world.Connect();
      int seen = 0;
      while (!done) {
        // Each transaction adds two rows: a reader never sees one without the other.
        const std::string text = connection->Text("SELECT count(*) FROM t");
        int count = 0;
        EXPECT_TRUE(absl::SimpleAtoi(text, &count)) << text;
        EXPECT_EQ(count % 2, 0);
        EXPECT_GE(count, seen);
        seen = count;
      }
    });
  }
  for (int id = 1; id <= 400; id += 2) {
    EXPECT_EQ(world.db->Run("BEGIN IMMEDIATE"), SQLITE_OK);
    EXPECT_EQ(world.InsertRange(id, id + 1), SQLITE_OK);
    EXPECT_EQ(world.db->Run("COMMIT"), SQLITE_OK);
    if (id % 50 == 1) {
      EXPECT_EQ(world.Checkpoint(SQLITE_CHECKPOINT_PASSIVE), SQLITE_OK);
    }
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  world.CutPowerAndReopen();
  EXPECT_EQ(world.Rows(), "400/400");
}

TEST(FaultVfs, MayCutThePowerWhileConnectionsWork) {
  FaultVfsFixture world;
  std::atomic<int> acknowledged = 0;
  std::atomic<bool> refused = false;
  std::thread writer([&] {
    for (int id = 1; world.Insert(id, 2000) == SQLITE_OK; ++id) acknowledged = id;
    refused = true;
  });
  while (acknowledged < 50 && !refused) std::this_thread::yield();
  EXPECT_FALSE(refused);
  world.vfs->DropUnsynced();
  writer.join();
  world.Reopen();
  // The one under way may have been synced without having been answered.
  const int rows = std::stoi(world.db->Text("SELECT count(*) FROM t"));
  EXPECT_GE(rows, acknowledged);
  EXPECT_LE(rows, acknowledged + 1);
  EXPECT_EQ(world.db->Text("PRAGMA integrity_check"), "ok");
}

}  // namespace
}  // namespace txtchat::testing
