// Texts and names that have to go though the events stay. Why so: docs/adr/0012-erasing.md.
#include <utility>

#include "storage/act_codec.h"
#include "storage/sqlite_writer.h"

namespace txtchat::storage {
namespace {

// What one step looks at, and what it changes, at the most: a look costs a hundredth of a change.
constexpr std::uint64_t kLooksMax = 5'000;
constexpr std::size_t kErasedRowsMax = 500;

static_assert(static_cast<int>(EventKind::kMessagePosted) == 0);
static_assert(static_cast<int>(EventKind::kMessageRemoved) == 3);
static_assert(IsAct(EventKind::kMessageDeleted) &&
              static_cast<int>(EventKind::kMessageDeleted) == 4);

}  // namespace

absl::Status SqliteWriter::PrepareErasing() {
  return PrepareAll({
      // The way to find a send again stays, so that a repeated one finds what has become of it.
      {&erase_message_,
       "UPDATE events SET kind=3, text='' WHERE channel=?1 AND sequence=?2 AND kind=0"},
      {&begin_erasure_, "INSERT OR REPLACE INTO erasures VALUES(?1,?2,0,0)"},
      {&first_erasure_,
       "SELECT user_id, name, last_channel, last_sequence FROM erasures ORDER BY rowid LIMIT 1"},
      {&move_erasure_, "UPDATE erasures SET last_channel=?2, last_sequence=?3 WHERE user_id=?1"},
      {&end_erasure_, "DELETE FROM erasures WHERE user_id=?1"},
      // The texts of messages are not loaded.
      {&select_to_erase_,
       "SELECT channel, sequence, kind, user_id, CASE WHEN kind>=4 THEN text ELSE '' END, sender, "
       "coalesce(client_message_id, x'') FROM events WHERE (channel, sequence) > (?1, ?2) ORDER BY "
       "channel, sequence LIMIT ?3"},
      // The words of the user's own choosing go, too: nobody asks for its sends any more.
      {&erase_row_,
       "UPDATE events SET kind=?3, user_name=coalesce(?4, user_name), text=?5, sender=NULL, "
       "client_message_id=NULL WHERE channel=?1 AND sequence=?2"},
  });
}

absl::Status SqliteWriter::ApplyOne(const EraseMessage& change, ChannelIndex&) {
  erase_message_.BindNumber(1, change.channel);
  erase_message_.BindNumber(2, change.tombstone->sequence);
  if (absl::Status s = erase_message_.Run(); !s.ok()) return s;
  if (sqlite3_changes(database_->get()) > 0) aftermath_.erased = aftermath_.ended_erasing = true;
  return absl::OkStatus();
}

absl::Status SqliteWriter::ApplyOne(const EraseUser& change, ChannelIndex&) {
  end_erasure_.BindText(1, change.user_id);
  if (absl::Status s = end_erasure_.Run(); !s.ok()) return s;
  const int again = sqlite3_changes(database_->get());
  begin_erasure_.BindText(1, change.user_id);
  begin_erasure_.BindText(2, change.name);
  if (absl::Status s = begin_erasure_.Run(); !s.ok()) return s;
  aftermath_.erasures_delta += 1 - again;
  return absl::OkStatus();
}

absl::Status SqliteWriter::EraseOfUsers(std::uint64_t* budget) {
  Erasure erasure;
  absl::StatusOr<bool> found = FindErasure(&erasure);
  if (!found.ok()) return found.status();
  if (!*found) return absl::OkStatus();
  std::vector<RowToErase> rows;
  absl::StatusOr<bool> done = CollectRowsToErase(&erasure, &rows);
  if (!done.ok()) return done.status();
  for (const RowToErase& row : rows) {
    if (absl::Status s = EraseRow(row, erasure.what); !s.ok()) return s;
  }
  // What has ended goes on leaving meanwhile, more slowly: neither must wait for the other.
  *budget /= 2;
  aftermath_.erased = true;
  if (*done) {
    --aftermath_.erasures_delta;
    aftermath_.ended_erasing = true;
    end_erasure_.BindText(1, erasure.what.user_id);
    return end_erasure_.Run();
  }
  move_erasure_.BindText(1, erasure.what.user_id);
  move_erasure_.BindNumber(2, erasure.last_channel);
  move_erasure_.BindNumber(3, erasure.last_sequence);
  return move_erasure_.Run();
}

absl::StatusOr<bool> SqliteWriter::FindErasure(Erasure* erasure) {
  const ResetAtEnd reset(first_erasure_);
  absl::StatusOr<bool> found = first_erasure_.Next();
  if (!found.ok() || !*found) return found;
  erasure->what = {.user_id = first_erasure_.Text(0), .name = first_erasure_.Text(1)};
  erasure->last_channel = first_erasure_.Number(2);
  erasure->last_sequence = first_erasure_.Number(3);
  return true;
}

absl::StatusOr<bool> SqliteWriter::CollectRowsToErase(Erasure* erasure,
                                                      std::vector<RowToErase>* rows) {
  select_to_erase_.BindNumber(1, erasure->last_channel);
  select_to_erase_.BindNumber(2, erasure->last_sequence);
  select_to_erase_.BindNumber(3, kLooksMax);
  const ResetAtEnd reset(select_to_erase_);
  const Statement& row = select_to_erase_;
  std::uint64_t looks = 0;
  for (; rows->size() < kErasedRowsMax; ++looks) {
    absl::StatusOr<bool> next = select_to_erase_.Next();
    if (!next.ok()) return next.status();
    if (!*next) return looks < kLooksMax;
    erasure->last_channel = row.Number(0);
    erasure->last_sequence = row.Number(1);
    RowToErase found{.channel = erasure->last_channel,
                     .sequence = erasure->last_sequence,
                     .kind = static_cast<EventKind>(row.Number(2)),
                     .is_authors = row.Bytes(3) == erasure->what.user_id};
    bool is_target = false;
    if (IsAct(found.kind)) {
      absl::StatusOr<Act> act = DecodeAct(row.Bytes(4));
      // A damaged one can be read by nobody; it must not keep the others from being erased.
      if (!act.ok()) continue;
      is_target = act->target_id == erasure->what.user_id;
      if (is_target) act->target_name = erasure->what.name;
      found.act_text = EncodeAct(*act);
    }
    if (found.is_authors) {
      found.sender = row.Number(5);
      found.client_message_id = row.Bytes(6);
    }
    if (found.is_authors || is_target) rows->push_back(std::move(found));
  }
  return false;
}

absl::Status SqliteWriter::EraseRow(const RowToErase& row, const EraseUser& what) {
  const EventKind kind =
      row.kind == EventKind::kMessagePosted ? EventKind::kMessageRemoved : row.kind;
  erase_row_.BindNumber(1, row.channel);
  erase_row_.BindNumber(2, row.sequence);
  erase_row_.BindNumber(3, static_cast<std::uint64_t>(kind));
  if (row.is_authors) {
    erase_row_.BindText(4, what.name);
  } else {
    erase_row_.BindNull(4);
  }
  erase_row_.BindText(5, row.act_text);
  if (absl::Status s = erase_row_.Run(); !s.ok() || row.client_message_id.empty()) return s;
  delete_send_.BindNumber(1, row.sender);
  delete_send_.BindBlob(2, row.client_message_id);
  delete_send_.BindNumber(3, row.channel);
  delete_send_.BindNumber(4, row.sequence);
  return delete_send_.Run();
}

}  // namespace txtchat::storage
