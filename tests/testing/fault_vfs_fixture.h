#pragma once

#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "tests/testing/fault_vfs.h"
#include "tests/testing/scratch_directory.h"
#include "tests/testing/sqlite_connection.h"

namespace txtchat::testing {

/// A database on a fault VFS, with one connection and the table `t(id INTEGER PRIMARY KEY, body)`.
class FaultVfsFixture {
 public:
  explicit FaultVfsFixture(FaultVfsOptions options = {}, std::string pragmas = kFull)
      : vfs(*RegisterFaultVfs("fault-under-test", /*make_default=*/false, options)),
        pragmas_(std::move(pragmas)) {
    Reopen();
    EXPECT_EQ(db->Run("CREATE TABLE t(id INTEGER PRIMARY KEY, body)"), SQLITE_OK);
  }

  static constexpr char kFull[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL";
  static constexpr char kNormal[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL";

  /// Another connection.
  std::unique_ptr<SqliteConnection> Connect() const {
    auto connection = std::make_unique<SqliteConnection>(path(), vfs->name());
    EXPECT_EQ(connection->open_code(), SQLITE_OK);
    EXPECT_EQ(connection->Run(pragmas_), SQLITE_OK);
    return connection;
  }
  void Reopen() {
    db.reset();
    db = Connect();
  }
  void CutPowerAndReopen() {
    vfs->DropUnsynced();
    Reopen();
  }

  /// One transaction of one row. Answers SQLite's code.
  int Insert(int id, int body_bytes = 100) {
    return db->Run("INSERT INTO t VALUES(" + std::to_string(id) + ", zeroblob(" +
                   std::to_string(body_bytes) + "))");
  }
  int InsertRange(int from, int to) {
    for (int id = from; id <= to; ++id) {
      if (const int code = Insert(id); code != SQLITE_OK) return code;
    }
    return SQLITE_OK;
  }
  int Checkpoint(int mode = SQLITE_CHECKPOINT_TRUNCATE) {
    return sqlite3_wal_checkpoint_v2(db->get(), nullptr, mode, nullptr, nullptr);
  }
  /// `COUNT/HIGHEST ID`, and what is wrong with the database if something is.
  std::string Rows() {
    const std::string integrity = db->Text("PRAGMA integrity_check");
    const std::string rows = db->Text("SELECT count(*) || '/' || ifnull(max(id), 0) FROM t");
    return integrity == "ok" ? rows : rows + " " + integrity;
  }
  /// Whether SQLite takes the file for one that is there: `-wal` or `-journal`.
  bool Exists(const std::string& suffix) const {
    sqlite3_vfs* const below = sqlite3_vfs_find(vfs->name().c_str());
    int result = 0;
    EXPECT_EQ(below->xAccess(below, (path() + suffix).c_str(), SQLITE_ACCESS_EXISTS, &result),
              SQLITE_OK);
    return result != 0;
  }
  std::string path() const { return directory.File("chat.db"); }

  ScratchDirectory directory;
  std::unique_ptr<FaultVfs> vfs;
  std::unique_ptr<SqliteConnection> db;

 private:
  const std::string pragmas_;
};

}  // namespace txtchat::testing
