// Which directories and files a store takes, which it refuses and with which words, and which
// history it says that they hold.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/sqlite_handle.h"
#include "storage/sqlite_store.h"
#include "tests/storage/store_world.h"

namespace txtchat::storage {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class SqliteOpenTest : public ::testing::Test, protected StoreWorld {
 protected:
  /// A database with something in it, closed.
  void MakeAndClose() {
    Open();
    StoreBatch batch = {Member(1, "alice"), NewChannel(7, "news"), Joins(7, 1)};
    for (int i = 0; i < 500; ++i) batch.push_back(Posts(7, 1, std::string(100, 'x')));
    ASSERT_TRUE(Ok(Commit(batch)));
    Close();
  }
  void Run(const std::string& path, const std::string& sql) {
    auto database = Database::Open({path, ""}, Database::Mode::kCreate);
    ASSERT_TRUE(database.ok()) << database.status();
    const absl::Status status = (*database)->Execute(sql);
    ASSERT_TRUE(status.ok()) << status;
  }
  void Overwrite(std::int64_t offset, const std::string& bytes) {
    std::fstream file(database(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(offset);
    file << bytes;
    ASSERT_TRUE(file.good());
  }
  void ExpectRefused(absl::StatusCode code, const std::string& what, const std::string& advice) {
    const absl::Status status = TryOpen();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(what), HasSubstr(advice), HasSubstr(options.data_dir)));
  }
  void ExpectDamaged(const std::string& what) {
    ExpectRefused(absl::StatusCode::kDataLoss, what, "restore a backup, or move");
  }
};

// --- The directory.

TEST_F(SqliteOpenTest, MakesTheDirectoryAndItsFilesForTheServerAlone) {
  options.data_dir = directory / "a/b/data/";
  Open();
  ASSERT_TRUE(Ok(Commit({Member(1, "alice")})));
  const auto mode = [&](const std::string& name) {
    struct stat info {};
    EXPECT_EQ(stat((directory / ("a/b/data" + name)).c_str(), &info), 0) << name;
    return info.st_mode & 07777;
  };
  EXPECT_EQ(mode(""), 0700u);
  for (const char* name : {"/txtchat.db", "/txtchat.db-wal", "/txtchat.db-shm", "/txtchat.lock"}) {
    EXPECT_EQ(mode(name), 0600u) << name;
  }
  Close();
  EXPECT_FALSE(fs::exists(directory / "a/b/data/txtchat.db-wal")) << "all of it is in one file";
}

TEST_F(SqliteOpenTest, LetsOneServerHaveTheDirectory) {
  Open();
  StoreWorld other;
  other.options = options;
  const absl::Status status = other.TryOpen();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("in use by another txtchatd"), HasSubstr("stop that one first")));
  ASSERT_TRUE(Ok(Commit({Member(1, "alice")}))) << "the first one is not disturbed";
  Close();
  EXPECT_TRUE(other.TryOpen().ok());
}

TEST_F(SqliteOpenTest, RefusesADirectoryThatCannotBeMade) {
  std::ofstream(directory / "file") << "x";
  options.data_dir = directory / "file/data";
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "cannot be written", "choose another");
  options.data_dir = "";
  EXPECT_EQ(TryOpen().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(SqliteOpenTest, RefusesADirectoryOrFileThatMayOnlyBeRead) {
  MakeAndClose();
  // The administrator may write everywhere, so somebody else tries: a process of its own.
  const auto refused_to_others = [&] {
    const pid_t child = fork();
    if (child == 0) {
      if (geteuid() == 0 && setuid(65534) != 0) _exit(3);
      const auto opened = SqliteStore::Open(options);
      if (opened.ok()) _exit(2);
      _exit(opened.status().code() == absl::StatusCode::kFailedPrecondition ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  };
  fs::permissions(directory.path(), fs::perms(0755));
  fs::permissions(database(), fs::perms(0444));
  fs::permissions(options.data_dir + "/txtchat.lock", fs::perms(0666));
  fs::permissions(options.data_dir, fs::perms(0777));
  EXPECT_EQ(refused_to_others(), 0) << "the file";
  fs::remove(options.data_dir + "/txtchat.lock");
  fs::permissions(database(), fs::perms(0666));
  fs::permissions(options.data_dir, fs::perms(0555));
  EXPECT_EQ(refused_to_others(), 0) << "the directory";
  fs::permissions(options.data_dir, fs::perms(0700));
}

// --- The file.

TEST_F(SqliteOpenTest, RefusesANewerFile) {
  MakeAndClose();
  Run(database(), "PRAGMA user_version=99");
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "newer txtchatd", "start that one");
}

TEST_F(SqliteOpenTest, RefusesAnotherApplicationsFileAndLeavesItAlone) {
  fs::create_directories(options.data_dir);
  for (const char* sql : {"CREATE TABLE theirs(x)", "PRAGMA application_id=7"}) {
    Run(database(), sql);
    const auto bytes = fs::file_size(database());
    ExpectRefused(absl::StatusCode::kFailedPrecondition, "another application", "move it away");
    EXPECT_EQ(fs::file_size(database()), bytes);
    fs::remove(database());
  }
}

TEST_F(SqliteOpenTest, RefusesAFileThatIsNoDatabase) {
  fs::create_directories(options.data_dir);
  std::ofstream(database()) << std::string(5000, 'x');
  ExpectDamaged("does not begin as a SQLite database");
}

TEST_F(SqliteOpenTest, RefusesAFileWithoutItsEnd) {
  MakeAndClose();
  fs::resize_file(database(), fs::file_size(database()) - 4096);
  ExpectDamaged("malformed");
  fs::resize_file(database(), 50);
  ExpectDamaged("does not begin as a SQLite database");
}

TEST_F(SqliteOpenTest, RefusesAFileWithoutItsEndBesideALog) {
  MakeAndClose();
  Open();
  ASSERT_TRUE(Ok(Commit({Posts(7, 1, "in the log")})));
  CopyAsIfKilled(options.data_dir, directory / "copy");
  Close();
  options.data_dir = directory / "copy";
  ASSERT_GT(fs::file_size(database() + "-wal"), 4096u);
  fs::resize_file(database(), 4 * 4096);
  ExpectDamaged("its end is missing");
}

TEST_F(SqliteOpenTest, RefusesALogWithoutItsFile) {
  MakeAndClose();
  std::ofstream(database() + "-wal") << std::string(5000, 'x');
  fs::rename(database(), directory / "away");
  ExpectRefused(absl::StatusCode::kDataLoss, "is missing while", "put the file back");
  std::ofstream(database()).flush();
  ExpectRefused(absl::StatusCode::kDataLoss, "is empty while", "put the file back");
}

TEST_F(SqliteOpenTest, RefusesOtherTablesThanItsOwn) {
  MakeAndClose();
  Run(database(), "DROP TABLE sends");
  ExpectDamaged("its tables are not those of its version");
}

TEST_F(SqliteOpenTest, RefusesDamageInASmallTable) {
  MakeAndClose();
  const auto page = [&](const std::string& table) {
    return Count("SELECT rootpage FROM sqlite_schema WHERE name='" + table + "'");
  };
  Overwrite((page("users") - 1) * 4096, std::string(100, '\xff'));
  ExpectDamaged("");
}

TEST_F(SqliteOpenTest, RefusesAFileWithoutAnEpoch) {
  MakeAndClose();
  Run(database(), "DELETE FROM meta WHERE key='epoch'");
  ExpectDamaged("it has no epoch");
}

TEST_F(SqliteOpenTest, ReportsDamageAmongTheEventsWhenItIsRead) {
  MakeAndClose();
  Overwrite(20 * 4096, std::string(4096, '\xff'));
  Open();
  const auto page = store->Read({7, 0, 999, 999, 1 << 20});
  EXPECT_EQ(page.status().code(), absl::StatusCode::kDataLoss) << page.status();
  EXPECT_THAT(std::string(page.status().message()), HasSubstr("restore a backup"));
}

TEST_F(SqliteOpenTest, FinishesAFileThatWasNotMadeToItsEnd) {
  fs::create_directories(options.data_dir);
  std::ofstream(database()).flush();
  Open();
  EXPECT_TRUE(Ok(Commit({Member(1, "alice")})));
}

// --- Which history it is.

/// Opens with some durability on some start of the machine, and ends in peace or not.
class EpochTest : public SqliteOpenTest {
 protected:
  std::string Epoch(Durability durability, const std::string& boot_id) {
    options.durability = durability;
    options.boot_id = boot_id;
    Open();
    return loaded.epoch;
  }
  /// Leaves the directory as if the process had been killed, and goes on in a copy.
  void Kill() {
    const std::string copy = directory / std::to_string(++copies_);
    CopyAsIfKilled(options.data_dir, copy);
    Close();
    options.data_dir = copy;
  }

 private:
  int copies_ = 0;
};

TEST_F(EpochTest, StaysWithFullDurabilityHoweverTheServerEnds) {
  const std::string first = Epoch(Durability::kFull, "monday");
  Close();
  EXPECT_EQ(Epoch(Durability::kFull, "tuesday"), first);
  Kill();
  EXPECT_EQ(Epoch(Durability::kFull, "tuesday"), first);
  Kill();
  EXPECT_EQ(Epoch(Durability::kFull, "wednesday"), first);
}

TEST_F(EpochTest, StaysWithNormalDurabilityWhereNothingCanBeMissing) {
  const std::string first = Epoch(Durability::kNormal, "monday");
  Close();
  EXPECT_EQ(Epoch(Durability::kNormal, "tuesday"), first) << "it ended in peace";
  Kill();
  EXPECT_EQ(Epoch(Durability::kNormal, "tuesday"), first) << "the machine stayed up";
  Close();
  EXPECT_EQ(Epoch(Durability::kFull, "wednesday"), first);
  Kill();
  EXPECT_EQ(Epoch(Durability::kNormal, "thursday"), first) << "it was full that was killed";
}

TEST_F(EpochTest, IsANewOneWhereTheNewestCommitsMayBeMissing) {
  const std::string first = Epoch(Durability::kNormal, "monday");
  Kill();
  const std::string second = Epoch(Durability::kFull, "tuesday");
  EXPECT_NE(second, first);
  Kill();
  EXPECT_EQ(Epoch(Durability::kFull, "wednesday"), second);
  Close();
  Epoch(Durability::kNormal, "wednesday");
  Kill();
  EXPECT_NE(Epoch(Durability::kNormal, "thursday"), second);
}

TEST_F(EpochTest, IsTheMachinesOwnStartIfNoneIsNamed) {
  EXPECT_EQ(ReadBootId().size(), 36u);
  const std::string first = Epoch(Durability::kNormal, "");
  Kill();
  EXPECT_EQ(Epoch(Durability::kNormal, ""), first);
  EXPECT_EQ(Epoch(Durability::kNormal, ReadBootId()), first);
}

}  // namespace
}  // namespace txtchat::storage
