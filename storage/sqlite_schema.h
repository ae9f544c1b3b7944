// What is in the database file: its tables, how older files become like it, and how to tell that a
// file is ours and whole.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "storage/sqlite_handle.h"

namespace txtchat::storage {

/// Stands in the header of every file of ours: "txtc" (https://www.sqlite.org/fileformat.html).
inline constexpr std::uint32_t kApplicationId = 0x74787463;

/// The SQL that leads from one version to the next. Step number n (from 0) makes version n + 1,
/// which PRAGMA user_version holds; the first makes the tables in an empty file. A step that was
/// released is never changed.
using MigrationSteps = absl::Span<const char* const>;

/// The steps of this program.
MigrationSteps Migrations();

/// Says what can be done about a file that is damaged.
std::string RepairAdvice(const std::string& path);

/// Looks at a file that no connection is open on yet, without changing anything: an absent or empty
/// file is fine. Nothing is done if it has a rollback journal, which SQLite has to apply first.
/// DATA_LOSS            it is no SQLite database, or only its -wal is there
/// FAILED_PRECONDITION  it is another application's, or it cannot be read
absl::Status CheckHeader(const std::string& path);

/// Takes the file through the steps that it has not seen, each in a transaction of its own.
/// FAILED_PRECONDITION  it is newer than the steps, or another application's
/// DATA_LOSS            it is damaged
/// Otherwise the error of a step, after which the file is as the step before has left it.
absl::Status Migrate(Database& database, MigrationSteps steps);

/// Checks what can be checked in a time that does not depend on how many messages there are: the
/// number of pages, the tables, and the rows of all tables but those of the messages.
/// DATA_LOSS with words that say what to do.
absl::Status CheckIntegrity(Database& database, MigrationSteps steps);

}  // namespace txtchat::storage
