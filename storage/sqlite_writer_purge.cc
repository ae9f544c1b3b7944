// What ended channels and users have left behind is removed in small steps.
#include <algorithm>
#include <limits>

#include "storage/sqlite_writer.h"

namespace txtchat::storage {
namespace {

// Rows that one PurgeStep removes.
constexpr std::uint64_t kPurgeRowsMax = 500;

constexpr auto kInt64Max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

}  // namespace

absl::Status SqliteWriter::PreparePurge() {
  return PrepareAll({
      {&first_ended_channel_, "SELECT key FROM ended_channels ORDER BY key LIMIT 1"},
      {&forget_ended_channel_, "DELETE FROM ended_channels WHERE key=?1"},
      {&first_ended_user_, "SELECT key FROM ended_users ORDER BY key LIMIT 1"},
      {&forget_ended_user_, "DELETE FROM ended_users WHERE key=?1"},
      {&select_sends_,
       "SELECT client_message_id FROM sends WHERE sender=?1 ORDER BY client_message_id LIMIT ?2"},
      {&delete_sends_, "DELETE FROM sends WHERE sender=?1 AND client_message_id<=?2"},
      {&note_idle_purge_,
       "INSERT INTO meta VALUES('idle_purges', '1') ON CONFLICT(key) DO UPDATE SET "
       "value=CAST(CAST(value AS INTEGER)+1 AS TEXT)"},
  });
}

absl::Status SqliteWriter::ApplyOne(const PurgeStep&, ChannelIndex&) {
  std::uint64_t budget = kPurgeRowsMax;
  if (absl::Status s = EraseOfUsers(&budget); !s.ok()) return s;
  if (absl::Status s = PurgeChannels(&budget); !s.ok()) return s;
  if (absl::Status s = PurgeUsers(&budget); !s.ok()) return s;
  if (budget < kPurgeRowsMax) return absl::OkStatus();
  aftermath_.idle_purge = true;
  // So that there is a commit that holds, after which the store may touch the log.
  return note_idle_purge_.Run();
}

absl::Status SqliteWriter::PurgeChannels(std::uint64_t* budget) {
  while (*budget > 0) {
    absl::StatusOr<bool> found = first_ended_channel_.Next();
    if (!found.ok()) return found.status();
    if (!*found) return absl::OkStatus();
    const ChannelKey channel = first_ended_channel_.Number(0);
    first_ended_channel_.Reset();
    absl::StatusOr<std::uint64_t> deleted = DeleteEvents(channel, kInt64Max, *budget);
    if (!deleted.ok()) return deleted.status();
    *budget -= *deleted;
    if (*budget == 0) return absl::OkStatus();  // There may be more.
    forget_ended_channel_.BindNumber(1, channel);
    if (absl::Status s = forget_ended_channel_.Run(); !s.ok()) return s;
    --aftermath_.ended_delta;
    --*budget;
  }
  return absl::OkStatus();
}

absl::Status SqliteWriter::PurgeUsers(std::uint64_t* budget) {
  while (*budget > 0) {
    absl::StatusOr<bool> found = first_ended_user_.Next();
    if (!found.ok()) return found.status();
    if (!*found) return absl::OkStatus();
    const UserKey user = first_ended_user_.Number(0);
    first_ended_user_.Reset();
    absl::StatusOr<std::uint64_t> deleted = DeleteSends(user, *budget);
    if (!deleted.ok()) return deleted.status();
    *budget -= *deleted;
    if (*budget == 0) return absl::OkStatus();
    forget_ended_user_.BindNumber(1, user);
    if (absl::Status s = forget_ended_user_.Run(); !s.ok()) return s;
    --aftermath_.ended_delta;
    --*budget;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::uint64_t> SqliteWriter::DeleteSends(UserKey sender, std::uint64_t sends_max) {
  select_sends_.BindNumber(1, sender);
  select_sends_.BindNumber(2, sends_max);
  std::uint64_t count = 0;
  std::string last;
  for (;;) {
    absl::StatusOr<bool> row = select_sends_.Next();
    if (!row.ok()) return row.status();
    if (!*row) break;
    ++count;
    last = select_sends_.Text(0);
  }
  if (count == 0) return 0;
  delete_sends_.BindNumber(1, sender);
  delete_sends_.BindBlob(2, last);
  if (absl::Status s = delete_sends_.Run(); !s.ok()) return s;
  return count;
}

}  // namespace txtchat::storage
