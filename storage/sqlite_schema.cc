#include "storage/sqlite_schema.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace txtchat::storage {
namespace {

// The events of a channel lie together, in order: a page of history is one walk, and appending
// touches one place for each channel. Small columns come first, so that walks which do not want the
// text never follow it into its overflow pages. bytes_total is the sum of the bytes of the
// channel's texts up to and with this event: what lies between two events is a subtraction away.
constexpr char kVersion1[] = R"sql(
CREATE TABLE meta(
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE users(
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  display_name TEXT NOT NULL,
  credential BLOB
) STRICT;
CREATE TABLE channels(
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  display_name TEXT NOT NULL,
  create_time_ms INTEGER NOT NULL,
  personal INTEGER NOT NULL,
  first_kept INTEGER NOT NULL
) STRICT;
CREATE TABLE memberships(
  channel INTEGER NOT NULL,
  user INTEGER NOT NULL,
  PRIMARY KEY(channel, user)
) STRICT, WITHOUT ROWID;
CREATE TABLE events(
  channel INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  time_ms INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  bytes_total INTEGER NOT NULL,
  sender INTEGER,
  client_message_id BLOB,
  user_id TEXT NOT NULL,
  user_name TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY(channel, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE sends(
  sender INTEGER NOT NULL,
  client_message_id BLOB NOT NULL,
  channel INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  PRIMARY KEY(sender, client_message_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE ended_channels(
  key INTEGER PRIMARY KEY
) STRICT;
CREATE TABLE ended_users(
  key INTEGER PRIMARY KEY
) STRICT;
)sql";

// Accounts, roles, moderation, erasing. An event of a kind that has an Act keeps that in the column
// of the text (storage/act_codec.h). `erasures` are those under way: how far each has come.
constexpr char kVersion2[] = R"sql(
ALTER TABLE users ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN login TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN password_hash BLOB NOT NULL DEFAULT x'';
ALTER TABLE users ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE channels RENAME COLUMN personal TO kind;
ALTER TABLE channels ADD COLUMN topic TEXT NOT NULL DEFAULT '';
ALTER TABLE channels ADD COLUMN direct_first INTEGER NOT NULL DEFAULT 0;
ALTER TABLE channels ADD COLUMN direct_second INTEGER NOT NULL DEFAULT 0;
ALTER TABLE memberships ADD COLUMN role INTEGER NOT NULL DEFAULT 0;
CREATE TABLE sanctions(
  channel INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  subject TEXT NOT NULL,
  subject_name TEXT NOT NULL,
  user INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  reason TEXT NOT NULL,
  by_user_id TEXT NOT NULL,
  time_ms INTEGER NOT NULL,
  PRIMARY KEY(channel, kind, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX sanctions_by_user ON sanctions(user);
CREATE TABLE tokens(
  hash BLOB PRIMARY KEY,
  id TEXT NOT NULL,
  user INTEGER NOT NULL,
  label TEXT NOT NULL,
  create_time_ms INTEGER NOT NULL,
  expire_time_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_by_user ON tokens(user);
CREATE TABLE invites(
  hash BLOB PRIMARY KEY,
  id TEXT NOT NULL,
  channel INTEGER NOT NULL,
  expire_time_ms INTEGER NOT NULL,
  uses_left INTEGER NOT NULL,
  by_user_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX invites_by_channel ON invites(channel);
CREATE TABLE erasures(
  user_id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  last_channel INTEGER NOT NULL,
  last_sequence INTEGER NOT NULL
) STRICT;
)sql";

constexpr std::array<const char*, 2> kMigrations = {kVersion1, kVersion2};

constexpr const char* kSmallTables[] = {"meta",           "users",       "channels",  "memberships",
                                        "ended_channels", "ended_users", "sanctions", "tokens",
                                        "invites",        "erasures"};

// Everything that the tables were made with, one after the other.
absl::StatusOr<std::string> SchemaText(Database& database) {
  return database.QueryText(
      "SELECT group_concat(type || ' ' || name || ': ' || coalesce(sql, ''), char(10)) FROM "
      "(SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY 1, "
      "2)");
}

absl::Status Damaged(const std::string& path, const std::string& what) {
  return absl::DataLossError(absl::StrCat(path, " is damaged: ", what, "; ", RepairAdvice(path)));
}

absl::Status AnotherApplications(const std::string& path) {
  return absl::FailedPreconditionError(
      absl::StrCat(path,
                   " is the database of another application; move it away, or choose another "
                   "directory for the data"));
}

std::uint32_t BigEndian32(const unsigned char* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
         std::uint32_t{bytes[2]} << 8 | bytes[3];
}

std::int64_t SizeOf(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? info.st_size : -1;
}

std::int64_t SizeThroughSqlite(Database& database, int file_control) {
  sqlite3_file* file = nullptr;
  sqlite3_int64 size = 0;
  if (sqlite3_file_control(database.get(), "main", file_control, &file) != SQLITE_OK ||
      file == nullptr || file->pMethods == nullptr ||
      file->pMethods->xFileSize(file, &size) != SQLITE_OK) {
    return 0;
  }
  return size;
}

// Pages beyond the end of the file must all be in the write-ahead log. SQLite itself looks only
// where there is no log, and would read them as zeros here.
absl::Status CheckPageCount(Database& database) {
  absl::StatusOr<std::int64_t> pages = database.QueryNumber("PRAGMA page_count");
  if (!pages.ok()) return pages.status();
  absl::StatusOr<std::int64_t> page_bytes = database.QueryNumber("PRAGMA page_size");
  if (!page_bytes.ok()) return page_bytes.status();
  const std::int64_t in_file = SizeThroughSqlite(database, SQLITE_FCNTL_FILE_POINTER) / *page_bytes;
  // https://www.sqlite.org/walformat.html
  const std::int64_t in_log =
      (SizeThroughSqlite(database, SQLITE_FCNTL_JOURNAL_POINTER) - 32) / (*page_bytes + 24);
  if (*pages <= in_file || *pages - in_file <= in_log) return absl::OkStatus();
  return Damaged(database.path(), absl::StrCat("it should have ", *pages, " pages and has ",
                                               in_file, "; its end is missing"));
}

}  // namespace

MigrationSteps Migrations() { return kMigrations; }

std::string RepairAdvice(const std::string& path) {
  return absl::StrCat("restore a backup, or move ", path, " and ", path,
                      "-wal away to begin anew; `sqlite3 ", path,
                      " .recover` may save what can still be read");
}

absl::Status CheckHeader(const std::string& path) {
  const std::int64_t size = SizeOf(path);
  if (size <= 0) {
    if (SizeOf(path + "-wal") <= 0) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat(path, size < 0 ? " is missing" : " is empty", " while ",
                                            path, "-wal is there; put the file back, or move ",
                                            path, "-wal away to begin anew"));
  }
  if (SizeOf(path + "-journal") > 0) return absl::OkStatus();

  std::array<unsigned char, 100> header{};
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const ssize_t got = fd < 0 ? -1 : read(fd, header.data(), header.size());
  const int error = errno;
  if (fd >= 0) close(fd);
  if (got < 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " cannot be read: ", std::strerror(error)));
  }
  if (got < static_cast<ssize_t>(header.size()) ||
      std::memcmp(header.data(), "SQLite format 3", 16) != 0) {
    return Damaged(path, "it does not begin as a SQLite database does");
  }
  if (BigEndian32(&header[68]) != kApplicationId) return AnotherApplications(path);
  return absl::OkStatus();
}

absl::Status Migrate(Database& database, MigrationSteps steps) {
  absl::StatusOr<std::int64_t> version = database.QueryNumber("PRAGMA user_version");
  if (!version.ok()) return version.status();
  absl::StatusOr<std::int64_t> tables = database.QueryNumber("SELECT count(*) FROM sqlite_schema");
  if (!tables.ok()) return tables.status();
  absl::StatusOr<std::int64_t> application = database.QueryNumber("PRAGMA application_id");
  if (!application.ok()) return application.status();
  const bool is_new = *version == 0 && *tables == 0 && *application == 0;
  if (!is_new && *application != kApplicationId) return AnotherApplications(database.path());
  const auto known = static_cast<std::int64_t>(steps.size());
  if (*version > known) {
    return absl::FailedPreconditionError(
        absl::StrCat(database.path(), " was written by a newer txtchatd (its version is ", *version,
                     ", this program knows up to ", known,
                     "); start that one, or restore the backup that was made before the upgrade"));
  }
  for (std::int64_t next = *version; next < known; ++next) {
    Transaction transaction(database);
    if (absl::Status s = transaction.Begin(); !s.ok()) return s;
    const std::string marks =
        absl::StrCat("PRAGMA application_id=", kApplicationId, "; PRAGMA user_version=", next + 1);
    if (absl::Status s = database.Execute(steps[static_cast<std::size_t>(next)]); !s.ok()) return s;
    if (absl::Status s = database.Execute(marks); !s.ok()) return s;
    if (absl::Status s = transaction.Commit(); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status CheckIntegrity(Database& database, MigrationSteps steps) {
  if (absl::Status s = CheckPageCount(database); !s.ok()) return s;

  absl::StatusOr<std::unique_ptr<Database>> model =
      Database::Open({":memory:", ""}, Database::Mode::kReadWrite);
  if (!model.ok()) return model.status();
  if (absl::Status s = Migrate(**model, steps); !s.ok()) return s;
  absl::StatusOr<std::string> expected = SchemaText(**model);
  if (!expected.ok()) return expected.status();
  absl::StatusOr<std::string> found = SchemaText(database);
  if (!found.ok()) return found.status();
  if (*found != *expected) {
    return Damaged(database.path(), "its tables are not those of its version");
  }

  for (const char* table : kSmallTables) {
    absl::StatusOr<std::string> verdict =
        database.QueryText(absl::StrCat("PRAGMA quick_check(", table, ")"));
    if (!verdict.ok()) return verdict.status();
    if (*verdict != "ok") return Damaged(database.path(), absl::StrCat(table, ": ", *verdict));
  }
  return absl::OkStatus();
}

}  // namespace txtchat::storage
