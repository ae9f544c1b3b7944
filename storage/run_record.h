// Which history a database holds, and how the last server that wrote to it has ended.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/sqlite_handle.h"

namespace txtchat::storage {

/// What a commit promises.
enum class Durability {
  kFull,    ///< It outlives a power cut.
  kNormal,  ///< It outlives the process; a power cut may take the newest commits.
};

/// This start of the machine, as Linux names it; empty if it does not tell.
std::string ReadBootId();

/// Notes that a server begins to write, and answers the epoch: 16 hexadecimal digits that name this
/// history. It is a new one if the database is new, and if the newest commits may be missing
/// without anybody noticing: the last server wrote with normal durability, did not end in peace,
/// and the machine has been started since. The connection must sync its commits: the note has to be
/// on the disk before anything else is written with less care. DATA_LOSS if what is noted cannot
/// be; otherwise as Database.
absl::StatusOr<std::string> BeginRun(Database& database, Durability durability,
                                     const std::string& boot_id);

/// Notes that commits were lost while the machine stayed up: the next run begins a new epoch.
absl::Status NoteLoss(Database& database);

/// Notes that the server has ended in peace: everything that it was told to keep is there. The
/// connection must sync its commits.
absl::Status EndRun(Database& database);

}  // namespace txtchat::storage
