#include "storage/sqlite_handle.h"

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"

namespace txtchat::storage {
namespace {

absl::StatusCode StatusCodeOf(int code, int system_errno) {
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    case SQLITE_IOERR:
      // A file system that allocates late finds out only now.
      return system_errno == ENOSPC || system_errno == EDQUOT ? absl::StatusCode::kResourceExhausted
                                                              : absl::StatusCode::kUnavailable;
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return absl::StatusCode::kFailedPrecondition;
    case SQLITE_CONSTRAINT:
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
    case SQLITE_TOOBIG:
      return absl::StatusCode::kInternal;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const DatabaseFile& file, Mode mode) {
  // Nobody asks how much memory SQLite has, and counting takes a lock for each piece. Refused where
  // SQLite is in use already, which is fine.
  [[maybe_unused]] static const int uncounted = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  std::unique_ptr<Database> database(new Database(file.path));
  int flags = SQLITE_OPEN_NOMUTEX;
  flags |= mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (mode == Mode::kCreate) flags |= SQLITE_OPEN_CREATE;
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2(file.path.c_str(), &connection, flags,
                                   file.vfs.empty() ? nullptr : file.vfs.c_str());
  database->connection_.reset(connection);  // There is one even if it could not be opened.
  if (connection == nullptr) return absl::ResourceExhaustedError("no memory for a connection");
  sqlite3_extended_result_codes(connection, 1);
  sqlite3_busy_timeout(connection, kBusyTimeoutMs);
  if (code != SQLITE_OK) return database->LastError();
  // A file that somebody else has prepared must not run anything of its own here
  // (https://www.sqlite.org/security.html).
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  return database;
}

absl::Status Database::Execute(const std::string& sql) {
  if (sqlite3_exec(get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return LastError();
  return absl::OkStatus();
}

absl::StatusOr<std::int64_t> Database::QueryNumber(const std::string& sql) {
  Statement statement;
  if (absl::Status s = statement.Prepare(*this, sql); !s.ok()) return s;
  absl::StatusOr<bool> row = statement.Next();
  if (!row.ok()) return row.status();
  return *row ? statement.Time(0) : 0;
}

absl::StatusOr<std::string> Database::QueryText(const std::string& sql) {
  Statement statement;
  if (absl::Status s = statement.Prepare(*this, sql); !s.ok()) return s;
  absl::StatusOr<bool> row = statement.Next();
  if (!row.ok()) return row.status();
  return *row ? statement.Text(0) : std::string();
}

absl::Status Database::LastError() const {
  const int code = sqlite3_extended_errcode(get());
  const int system_errno = sqlite3_system_errno(get());
  std::string message = absl::StrCat(path_, ": ", sqlite3_errmsg(get()), " (SQLite code ", code);
  if (system_errno != 0 && (code & 0xff) != SQLITE_CONSTRAINT) {
    absl::StrAppend(&message, ", errno ", system_errno);
  }
  return absl::Status(StatusCodeOf(code, system_errno), absl::StrCat(message, ")"));
}

absl::Status Statement::Prepare(Database& database, std::string_view sql) {
  database_ = &database;
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(database.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  statement_.reset(statement);
  return code == SQLITE_OK ? absl::OkStatus() : database.LastError();
}

absl::StatusOr<bool> Statement::Next() {
  if (bind_code_ != SQLITE_OK) {
    const int code = std::exchange(bind_code_, SQLITE_OK);
    return absl::InternalError(
        absl::StrCat(database_->path(), ": cannot bind a parameter: ", sqlite3_errstr(code)));
  }
  const int code = sqlite3_step(get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    Reset();
    return false;
  }
  absl::Status error = database_->LastError();
  Reset();
  return error;
}

absl::Status Statement::Run() {
  for (;;) {
    absl::StatusOr<bool> row = Next();
    if (!row.ok()) return row.status();
    if (!*row) return absl::OkStatus();
  }
}

}  // namespace txtchat::storage
