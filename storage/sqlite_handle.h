// Connections and prepared statements of SQLite as C++ values with one owner.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace txtchat::storage {

/// How long a connection waits for a lock. Nobody else writes, but an operator's `sqlite3` may.
inline constexpr int kBusyTimeoutMs = 1000;

/// Where a database is, and through which of SQLite's virtual file systems it is reached.
struct DatabaseFile {
  std::string path;
  std::string vfs;  ///< Empty: SQLite's default.
};

/// A connection to a database file. One thread at a time; it is opened without SQLite's own mutex.
///
/// Errors (https://www.sqlite.org/rescode.html) become
///   RESOURCE_EXHAUSTED   the disk (or the quota) is full, or memory is
///   DATA_LOSS            the file is damaged, or no database at all
///   FAILED_PRECONDITION  the file or its directory cannot be opened or written
///   INTERNAL             a constraint or a misuse: an error of ours
///   UNAVAILABLE          anything else, I/O errors above all
/// with SQLite's words, its codes and the file.
class Database {
 public:
  enum class Mode {
    kReadOnly,
    kReadWrite,  ///< The file has to be there: one that is gone must not be replaced in passing.
    kCreate,     ///< It is made if it is missing.
  };

  static absl::StatusOr<std::unique_ptr<Database>> Open(const DatabaseFile& file, Mode mode);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  sqlite3* get() const { return connection_.get(); }
  const std::string& path() const { return path_; }

  /// Runs statements that answer nothing that is of interest, parted by semicolons.
  absl::Status Execute(const std::string& sql);
  /// The first column of the first row, as a number; 0 where there is none.
  absl::StatusOr<std::int64_t> QueryNumber(const std::string& sql);
  /// The first column of the first row, as text; "" where there is none.
  absl::StatusOr<std::string> QueryText(const std::string& sql);

  /// The error that the last call on this connection ended with.
  absl::Status LastError() const;

 private:
  struct Close {
    void operator()(sqlite3* connection) const { sqlite3_close(connection); }
  };

  explicit Database(std::string path) : path_(std::move(path)) {}

  const std::string path_;
  std::unique_ptr<sqlite3, Close> connection_;
};

/// A prepared statement, to be run many times. Belongs to the thread that uses its connection,
/// which must outlive it. Parameters and columns are counted as SQLite does: from 1 and from 0.
class Statement {
 public:
  Statement() = default;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  absl::Status Prepare(Database& database, std::string_view sql);

  void BindNumber(int parameter, std::uint64_t number) {
    Note(sqlite3_bind_int64(get(), parameter, static_cast<sqlite3_int64>(number)));
  }
  void BindTime(int parameter, std::int64_t time) {
    Note(sqlite3_bind_int64(get(), parameter, time));
  }
  /// The bytes of text and blob are not copied: they must stay until the statement was run.
  void BindText(int parameter, std::string_view text) {
    Note(sqlite3_bind_text64(get(), parameter, text.data(), text.size(), SQLITE_STATIC,
                             SQLITE_UTF8));
  }
  void BindBlob(int parameter, std::string_view blob) {
    Note(sqlite3_bind_blob64(get(), parameter, blob.data(), blob.size(), SQLITE_STATIC));
  }
  void BindNull(int parameter) { Note(sqlite3_bind_null(get(), parameter)); }

  /// Steps to the next row: true if there is one. Without one, or on an error, the statement is
  /// ready to be bound and run again; before that, Reset makes it so.
  absl::StatusOr<bool> Next();
  /// Runs to the end, whatever rows there are.
  absl::Status Run();
  void Reset() { sqlite3_reset(get()); }

  std::uint64_t Number(int column) const {
    return static_cast<std::uint64_t>(sqlite3_column_int64(get(), column));
  }
  std::int64_t Time(int column) const { return sqlite3_column_int64(get(), column); }
  bool IsNull(int column) const { return sqlite3_column_type(get(), column) == SQLITE_NULL; }
  /// Text or blob, with its whole length; valid until the next step or reset.
  std::string_view Bytes(int column) const {
    const void* const bytes = sqlite3_column_blob(get(), column);
    const int size = sqlite3_column_bytes(get(), column);
    return {static_cast<const char*>(bytes), bytes == nullptr ? 0 : static_cast<std::size_t>(size)};
  }
  std::string Text(int column) const { return std::string(Bytes(column)); }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };

  sqlite3_stmt* get() const { return statement_.get(); }
  void Note(int code) {
    if (code != SQLITE_OK) bind_code_ = code;
  }

  Database* database_ = nullptr;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bind_code_ = SQLITE_OK;  ///< A parameter that could not be bound fails the run.
};

/// Resets a statement at the end of a scope that may leave its rows early.
class ResetAtEnd {
 public:
  explicit ResetAtEnd(Statement& statement) : statement_(statement) {}
  ~ResetAtEnd() { statement_.Reset(); }
  ResetAtEnd(const ResetAtEnd&) = delete;
  ResetAtEnd& operator=(const ResetAtEnd&) = delete;

 private:
  Statement& statement_;
};

/// A transaction that is rolled back at the end of its scope unless it was committed. For the rare
/// ones; the writer handles its own.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) {}
  ~Transaction() {
    if (sqlite3_get_autocommit(database_.get()) == 0) (void)database_.Execute("ROLLBACK");
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  absl::Status Begin() { return database_.Execute("BEGIN IMMEDIATE"); }
  absl::Status Commit() { return database_.Execute("COMMIT"); }

 private:
  Database& database_;
};

}  // namespace txtchat::storage
