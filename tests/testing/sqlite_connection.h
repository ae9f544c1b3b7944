#pragma once

#include <sqlite3.h>

#include <string>

#include "gtest/gtest.h"

namespace txtchat::testing {

/// A connection of SQLite's C API, with extended result codes. One thread at a time.
class SqliteConnection {
 public:
  /// Opens or creates. `vfs` empty: the default one. See open_code().
  explicit SqliteConnection(const std::string& path, const std::string& vfs = {}) {
    open_code_ = sqlite3_open_v2(path.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                 vfs.empty() ? nullptr : vfs.c_str());
    sqlite3_extended_result_codes(db_, 1);
    sqlite3_busy_timeout(db_, 30'000);
  }
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;
  ~SqliteConnection() { EXPECT_EQ(sqlite3_close(db_), SQLITE_OK); }

  sqlite3* get() const { return db_; }
  int open_code() const { return open_code_; }

  /// Runs statements; answers SQLite's extended code.
  int Run(const std::string& sql) {
    return sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  }
  /// The first column of the first row; `error N` for the code N, empty for no row.
  std::string Text(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    std::string text;
    int code = sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr);
    if (code == SQLITE_OK) code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
      const unsigned char* const value = sqlite3_column_text(statement, 0);
      text = value == nullptr ? "null" : reinterpret_cast<const char*>(value);
    } else if (code != SQLITE_DONE) {
      text = "error " + std::to_string(code);
    }
    sqlite3_finalize(statement);
    return text;
  }

 private:
  sqlite3* db_ = nullptr;
  int open_code_ = SQLITE_OK;
};

}  // namespace txtchat::testing
