#include "storage/sqlite_writer.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/act_codec.h"
#include "storage/event_row.h"

namespace txtchat::storage {
namespace {

// Holds the pages that a batch changes; beyond, they go to the log before the commit.
constexpr int kCacheKiB = 16 * 1024;

// Events that one statement inserts where so many come together.
constexpr std::size_t kRowsAtOnce = 8;
constexpr std::size_t kRowColumns = 10;

// A row that cannot be inserted fails the whole batch, so SQLite need not be able to undo the rows
// before it: OR FAIL.
std::string InsertEvents(std::size_t rows) {
  std::string sql =
      "INSERT OR FAIL INTO events(channel, sequence, time_ms, kind, bytes_total, sender, "
      "client_message_id, user_id, user_name, text) VALUES";
  for (std::size_t row = 0; row < rows; ++row)
    sql += row == 0 ? "(?,?,?,?,?,?,?,?,?,?)" : ",(?,?,?,?,?,?,?,?,?,?)";
  return sql;
}

constexpr auto kInt64Max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

absl::Status OutOfOrder(const std::string& what, ChannelKey channel) {
  return absl::InternalError(absl::StrCat(what, " does not follow what is stored of channel ",
                                          channel, "; nothing of the batch was stored"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteWriter>> SqliteWriter::Open(const DatabaseFile& file,
                                                                 bool sync_commits,
                                                                 std::uint64_t wal_bytes_kept) {
  absl::StatusOr<std::unique_ptr<Database>> database =
      Database::Open(file, Database::Mode::kReadWrite);
  if (!database.ok()) return database.status();
  sqlite3* const connection = (*database)->get();
  // A connection that is thrown away after an error must not touch the file once more.
  sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  const std::string settings = absl::StrCat(
      "PRAGMA journal_mode=WAL;"
      "PRAGMA wal_autocheckpoint=0;"
      "PRAGMA journal_size_limit=",
      wal_bytes_kept, ";PRAGMA synchronous=", sync_commits ? "FULL" : "NORMAL",
      ";PRAGMA foreign_keys=OFF;"
      // What is deleted or erased is overwritten. FAST would leave out the pages that become free:
      // the texts that are longer than a page.
      "PRAGMA secure_delete=ON;"
      "PRAGMA temp_store=MEMORY;"
      "PRAGMA cache_size=-",
      kCacheKiB);
  if (absl::Status s = (*database)->Execute(settings); !s.ok()) return s;

  std::unique_ptr<SqliteWriter> writer(new SqliteWriter(*std::move(database)));
  for (const auto prepare : {&SqliteWriter::PrepareEvents, &SqliteWriter::PrepareRows,
                             &SqliteWriter::PreparePurge, &SqliteWriter::PrepareErasing}) {
    if (absl::Status s = (*writer.*prepare)(); !s.ok()) return s;
  }
  sqlite3_wal_hook(
      connection,
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<SqliteWriter*>(self)->wal_pages_ = static_cast<std::uint64_t>(pages);
        return SQLITE_OK;
      },
      writer.get());
  return writer;
}

absl::Status SqliteWriter::PrepareAll(StatementList statements) {
  for (const auto& [statement, sql] : statements) {
    if (absl::Status s = statement->Prepare(*database_, sql); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status SqliteWriter::PrepareEvents() {
  const std::string find_sent = absl::StrCat("SELECT ", kEventColumns,
                                             ", channel FROM events WHERE (channel, sequence) = "
                                             "(SELECT channel, sequence FROM sends WHERE "
                                             "sender=?1 AND client_message_id=?2)");
  const std::string find_event =
      absl::StrCat("SELECT ", kEventColumns, " FROM events WHERE channel=?1 AND sequence=?2");
  const std::string append_event = InsertEvents(1);
  const std::string append_events = InsertEvents(kRowsAtOnce);
  return PrepareAll({
      {&begin_, "BEGIN IMMEDIATE"},
      {&commit_, "COMMIT"},
      {&append_event_, append_event.c_str()},
      {&append_events_, append_events.c_str()},
      // What an ended channel has left behind may still be there under the same id.
      {&put_send_, "INSERT OR REPLACE INTO sends VALUES(?1,?2,?3,?4)"},
      {&delete_send_,
       "DELETE FROM sends WHERE sender=?1 AND client_message_id=?2 AND channel=?3 AND sequence=?4"},
      {&find_sent_, find_sent.c_str()},
      {&find_event_, find_event.c_str()},
      {&trim_channel_, "UPDATE channels SET first_kept=?2 WHERE key=?1"},
      {&select_oldest_,
       "SELECT sequence, sender, client_message_id FROM events WHERE channel=?1 AND sequence<?2 "
       "ORDER BY sequence LIMIT ?3"},
      {&select_kept_from_,
       "SELECT sequence, bytes_total, time_ms FROM events WHERE channel=?1 AND sequence IN (?2, "
       "?2-1) ORDER BY sequence"},
      {&delete_events_, "DELETE FROM events WHERE channel=?1 AND sequence<=?2"},
  });
}

// --- The transaction.

absl::Status SqliteWriter::Begin() {
  aftermath_ = {};
  rows_.clear();
  act_texts_.clear();
  return begin_.Run();
}

absl::Status SqliteWriter::Apply(const StoreChange& change, ChannelIndex& index) {
  if (!has_changes()) {
    if (absl::Status s = Begin(); !s.ok()) return s;
  }
  if (!std::holds_alternative<AppendEvent>(change)) {
    if (absl::Status s = InsertRows(); !s.ok()) return s;
  }
  return std::visit([&](const auto& one) { return ApplyOne(one, index); }, change);
}

absl::Status SqliteWriter::Commit() {
  if (absl::Status s = InsertRows(); !s.ok()) return s;
  return commit_.Run();
}

absl::StatusOr<bool> SqliteWriter::Checkpoint(int mode, int* log_pages) {
  // A reader that stays in the past must not make everybody wait: another time will do.
  sqlite3_busy_timeout(database_->get(), 0);
  const int code = sqlite3_wal_checkpoint_v2(database_->get(), nullptr, mode, log_pages, nullptr);
  sqlite3_busy_timeout(database_->get(), kBusyTimeoutMs);
  if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY) return database_->LastError();
  return code == SQLITE_OK;
}

// --- Events.

absl::Status SqliteWriter::ApplyOne(const AppendEvent& change, ChannelIndex& index) {
  const Event& event = *change.event;
  IndexedChannel* const channel = index.Draft(change.channel);
  if (channel == nullptr || event.sequence != channel->head + 1) {
    return OutOfOrder(absl::StrCat("event ", event.sequence), change.channel);
  }
  const bool can_be_repeated = !event.client_message_id.empty();
  std::string_view text = event.text;
  if (event.act != nullptr) text = act_texts_.emplace_back(EncodeAct(*event.act));
  const std::uint64_t bytes_total = channel->bytes_total + text.size();
  rows_.push_back({change.event, change.channel, change.sender, bytes_total, text});
  if (rows_.size() == kRowsAtOnce) {
    if (absl::Status s = InsertRows(); !s.ok()) return s;
  }
  if (channel->count() == 0) channel->oldest_time_ms = event.time_unix_ms;
  channel->head = event.sequence;
  channel->bytes_total = bytes_total;
  if (!can_be_repeated) return absl::OkStatus();
  put_send_.BindNumber(1, change.sender);
  put_send_.BindBlob(2, event.client_message_id);
  put_send_.BindNumber(3, change.channel);
  put_send_.BindNumber(4, event.sequence);
  return put_send_.Run();
}

absl::Status SqliteWriter::InsertRows() {
  absl::Status status;
  if (rows_.size() == kRowsAtOnce) {
    for (std::size_t i = 0; i < kRowsAtOnce; ++i) BindRow(append_events_, i, rows_[i]);
    status = append_events_.Run();
  } else {
    for (const EventRow& row : rows_) {
      BindRow(append_event_, 0, row);
      status = append_event_.Run();
      if (!status.ok()) break;
    }
  }
  rows_.clear();
  act_texts_.clear();
  return status;
}

void SqliteWriter::BindRow(Statement& statement, std::size_t place, const EventRow& row) {
  const Event& event = *row.event;
  const int before = static_cast<int>(place * kRowColumns);
  statement.BindNumber(before + 1, row.channel);
  statement.BindNumber(before + 2, event.sequence);
  statement.BindTime(before + 3, event.time_unix_ms);
  statement.BindNumber(before + 4, static_cast<std::uint64_t>(event.kind));
  statement.BindNumber(before + 5, row.bytes_total);
  if (event.client_message_id.empty()) {
    statement.BindNull(before + 6);
    statement.BindNull(before + 7);
  } else {
    statement.BindNumber(before + 6, row.sender);
    statement.BindBlob(before + 7, event.client_message_id);
  }
  statement.BindText(before + 8, event.user_id);
  statement.BindText(before + 9, event.user_name);
  statement.BindText(before + 10, row.text);
}

absl::StatusOr<EventPtr> SqliteWriter::FindSent(UserKey sender,
                                                const std::string& client_message_id,
                                                ChannelIndex& index) {
  find_sent_.BindNumber(1, sender);
  find_sent_.BindBlob(2, client_message_id);
  const ResetAtEnd reset(find_sent_);
  absl::StatusOr<bool> found = find_sent_.Next();
  if (!found.ok()) return found.status();
  if (!*found) return nullptr;
  const std::optional<IndexedChannel> channel = index.Find(find_sent_.Number(kEventTextColumn + 1));
  if (!channel.has_value()) return nullptr;  // It has ended, and only waits to be removed.
  return EventOf(find_sent_, *channel->id);
}

absl::StatusOr<EventPtr> SqliteWriter::FindEvent(ChannelKey channel, std::uint64_t sequence,
                                                 const std::string& channel_id) {
  find_event_.BindNumber(1, channel);
  find_event_.BindNumber(2, std::min(sequence, kInt64Max));
  const ResetAtEnd reset(find_event_);
  absl::StatusOr<bool> found = find_event_.Next();
  if (!found.ok()) return found.status();
  if (!*found) return nullptr;
  return EventOf(find_event_, channel_id);
}

absl::StatusOr<std::uint64_t> SqliteWriter::DeleteEvents(ChannelKey channel, std::uint64_t before,
                                                         std::uint64_t events_max) {
  select_oldest_.BindNumber(1, channel);
  select_oldest_.BindNumber(2, before);
  select_oldest_.BindNumber(3, events_max);
  const ResetAtEnd reset(select_oldest_);
  std::uint64_t count = 0;
  std::uint64_t last = 0;
  for (;;) {
    absl::StatusOr<bool> row = select_oldest_.Next();
    if (!row.ok()) return row.status();
    if (!*row) break;
    ++count;
    last = select_oldest_.Number(0);
    if (select_oldest_.IsNull(1)) continue;
    delete_send_.BindNumber(1, select_oldest_.Number(1));
    delete_send_.BindBlob(2, select_oldest_.Bytes(2));
    delete_send_.BindNumber(3, channel);
    delete_send_.BindNumber(4, last);
    if (absl::Status s = delete_send_.Run(); !s.ok()) return s;
  }
  if (count == 0) return 0;
  aftermath_.dropped = true;
  delete_events_.BindNumber(1, channel);
  delete_events_.BindNumber(2, last);
  if (absl::Status s = delete_events_.Run(); !s.ok()) return s;
  return count;
}

absl::Status SqliteWriter::ApplyOne(const TrimChannel& change, ChannelIndex& index) {
  IndexedChannel* const channel = index.Draft(change.channel);
  if (channel == nullptr) return OutOfOrder("a trim", change.channel);
  if (change.first_kept <= channel->first_kept) return absl::OkStatus();
  // Found before it goes: what the texts before the new beginning sum up to.
  std::uint64_t bytes_before = channel->bytes_total;
  std::int64_t oldest_time_ms = 0;
  select_kept_from_.BindNumber(1, change.channel);
  select_kept_from_.BindNumber(2, change.first_kept);
  for (;;) {
    absl::StatusOr<bool> row = select_kept_from_.Next();
    if (!row.ok()) return row.status();
    if (!*row) break;
    if (select_kept_from_.Number(0) < change.first_kept) {
      bytes_before = select_kept_from_.Number(1);
    } else {
      oldest_time_ms = select_kept_from_.Time(2);
    }
  }
  absl::StatusOr<std::uint64_t> deleted =
      DeleteEvents(change.channel, change.first_kept, kInt64Max);
  if (!deleted.ok()) return deleted.status();
  if (*deleted > 0) aftermath_.trimmed = true;
  trim_channel_.BindNumber(1, change.channel);
  trim_channel_.BindNumber(2, change.first_kept);
  if (absl::Status s = trim_channel_.Run(); !s.ok()) return s;
  channel->first_kept = change.first_kept;
  channel->head = std::max(channel->head, change.first_kept - 1);
  channel->bytes_before = bytes_before;
  channel->oldest_time_ms = oldest_time_ms;
  return absl::OkStatus();
}

}  // namespace txtchat::storage
