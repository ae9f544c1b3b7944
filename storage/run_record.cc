#include "storage/run_record.h"

#include <fstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "storage/epoch.h"
#include "storage/sqlite_schema.h"

namespace txtchat::storage {
namespace {

absl::StatusOr<std::string> GetMeta(Database& database, const std::string& key) {
  return database.QueryText(absl::StrCat("SELECT value FROM meta WHERE key='", key, "'"));
}

absl::Status PutMeta(Database& database, std::string_view key, const std::string& value) {
  Statement put;
  absl::Status status = put.Prepare(database, "INSERT OR REPLACE INTO meta VALUES(?1,?2)");
  if (!status.ok()) return status;
  put.BindText(1, key);
  put.BindText(2, value);
  return put.Run();
}

bool IsEpoch(const std::string& text) {
  return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

constexpr char kYes[] = "yes";
constexpr char kNo[] = "no";

}  // namespace

std::string ReadBootId() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  return id;
}

absl::StatusOr<std::string> BeginRun(Database& database, Durability durability,
                                     const std::string& boot_id) {
  const std::string durability_name = durability == Durability::kFull ? "full" : "normal";
  Transaction transaction(database);
  if (absl::Status s = transaction.Begin(); !s.ok()) return s;
  absl::StatusOr<std::string> epoch = GetMeta(database, "epoch");
  if (!epoch.ok()) return epoch;
  absl::StatusOr<std::string> last_durability = GetMeta(database, "durability");
  if (!last_durability.ok()) return last_durability;
  absl::StatusOr<std::string> last_boot_id = GetMeta(database, "boot_id");
  if (!last_boot_id.ok()) return last_boot_id;
  absl::StatusOr<std::string> ended_in_peace = GetMeta(database, "ended_in_peace");
  if (!ended_in_peace.ok()) return ended_in_peace;

  const bool is_new = epoch->empty() && last_durability->empty();
  if (!is_new && !IsEpoch(*epoch)) {
    return absl::DataLossError(absl::StrCat(database.path(), " is damaged: it has no epoch; ",
                                            RepairAdvice(database.path())));
  }
  const bool same_boot = !boot_id.empty() && boot_id == *last_boot_id;
  const bool may_lack_commits = *last_durability != "full" && *ended_in_peace != kYes && !same_boot;
  if (is_new || may_lack_commits) {
    epoch = NewEpoch();
    if (!epoch.ok()) return epoch;
  }
  for (const auto& [key, value] :
       {std::pair{"epoch", *epoch}, std::pair{"durability", durability_name},
        std::pair{"boot_id", boot_id}, std::pair{"ended_in_peace", std::string(kNo)}}) {
    if (absl::Status s = PutMeta(database, key, value); !s.ok()) return s;
  }
  if (absl::Status s = transaction.Commit(); !s.ok()) return s;
  return epoch;
}

absl::Status NoteLoss(Database& database) { return PutMeta(database, "boot_id", ""); }

absl::Status EndRun(Database& database) { return PutMeta(database, "ended_in_peace", kYes); }

}  // namespace txtchat::storage
