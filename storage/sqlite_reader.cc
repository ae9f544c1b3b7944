#include "storage/sqlite_reader.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/event_page.h"
#include "storage/event_row.h"

namespace txtchat::storage {
namespace {

constexpr int kCacheKiB = 4 * 1024;
constexpr auto kInt64Max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

std::string Select(bool newest_first, bool messages_only) {
  return absl::StrCat(
      "SELECT ", kEventColumns, " FROM events WHERE channel=?1 AND sequence>?2 AND sequence<=?3",
      messages_only ? " AND kind=0" : "", " ORDER BY sequence", newest_first ? " DESC" : "");
}
static_assert(static_cast<int>(EventKind::kMessagePosted) == 0);

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteReader>> SqliteReader::Open(const DatabaseFile& file) {
  absl::StatusOr<std::unique_ptr<Database>> database =
      Database::Open(file, Database::Mode::kReadOnly);
  if (!database.ok()) return database.status();
  const std::string settings = absl::StrCat("PRAGMA cache_size=-", kCacheKiB);
  if (absl::Status s = (*database)->Execute(settings); !s.ok()) return s;
  // Only a connection that has read once has opened the write-ahead log.
  absl::StatusOr<std::int64_t> pages = (*database)->QueryNumber("PRAGMA page_count");
  if (!pages.ok()) return pages.status();

  std::unique_ptr<SqliteReader> reader(new SqliteReader(*std::move(database)));
  const std::pair<Statement*, std::string> statements[] = {
      {&reader->read_forward_, Select(false, false)},
      {&reader->read_backward_, Select(true, false)},
      {&reader->read_messages_forward_, Select(false, true)},
      {&reader->read_messages_backward_, Select(true, true)},
      {&reader->walk_,
       "SELECT sequence, time_ms, bytes_total FROM events WHERE channel=?1 AND sequence>=?2 ORDER "
       "BY sequence LIMIT ?3"},
      // The texts of other users are not loaded: the columns are looked at in their order.
      {&reader->read_authored_,
       absl::StrCat("SELECT ", kEventColumns,
                    ", channel FROM events WHERE (channel, sequence) > (?1, ?2) ORDER BY channel, "
                    "sequence LIMIT ?3")},
  };
  for (const auto& [statement, sql] : statements) {
    if (absl::Status s = statement->Prepare(*reader->database_, sql); !s.ok()) return s;
  }
  return reader;
}

absl::StatusOr<EventPage> SqliteReader::Read(const EventQuery& query,
                                             const std::string& channel_id) {
  Statement& rows = query.messages_only
                        ? (query.newest_first ? read_messages_backward_ : read_messages_forward_)
                        : (query.newest_first ? read_backward_ : read_forward_);
  rows.BindNumber(1, query.channel);
  rows.BindNumber(2, std::min(query.after, kInt64Max));
  rows.BindNumber(3, std::min(query.up_to, kInt64Max));
  const ResetAtEnd reset(rows);
  EventPageBuilder page(query);
  for (;;) {
    absl::StatusOr<bool> row = rows.Next();
    if (!row.ok()) return row.status();
    if (!*row || !page.HasRoomFor(TextBytesOf(rows))) return page.Take();
    absl::StatusOr<EventPtr> event = EventOf(rows, channel_id);
    if (!event.ok()) return event.status();
    page.Add(*std::move(event));
  }
}

absl::StatusOr<AuthoredPage> SqliteReader::ReadAuthored(const AuthoredQuery& query,
                                                        ChannelIds ids) {
  const std::uint64_t looks_max = std::max<std::uint64_t>(query.scan_max, 1);
  read_authored_.BindNumber(1, std::min(query.after_channel, kInt64Max));
  read_authored_.BindNumber(2, std::min(query.after_sequence, kInt64Max));
  read_authored_.BindNumber(3, std::min(looks_max, kInt64Max));
  const ResetAtEnd reset(read_authored_);
  const Statement& row = read_authored_;
  AuthoredPage page{.last_channel = query.after_channel, .last_sequence = query.after_sequence};
  std::size_t bytes = 0;
  for (std::uint64_t looks = 0;; ++looks) {
    absl::StatusOr<bool> found = read_authored_.Next();
    if (!found.ok()) return found.status();
    if (!*found) {
      page.done = looks < looks_max;
      return page;
    }
    const ChannelKey channel = row.Number(kEventTextColumn + 1);
    if (IsAuthoredMessage(row, query.user_id)) {
      if (const std::shared_ptr<const std::string> id = ids(channel); id != nullptr) {
        bytes += AuthoredBytes(row.Bytes(kEventTextColumn).size(), row.Bytes(4).size());
        if (bytes > query.bytes_max && !page.messages.empty()) return page;
        absl::StatusOr<EventPtr> event = EventOf(row, *id);
        if (!event.ok()) return event.status();
        page.messages.push_back(*std::move(event));
      }
    }
    page.last_channel = channel;
    page.last_sequence = row.Number(0);
  }
}

absl::StatusOr<std::uint64_t> SqliteReader::FindBeginning(ChannelKey key,
                                                          const IndexedChannel& channel,
                                                          const RetentionPolicy& policy,
                                                          std::int64_t now_unix_ms,
                                                          std::uint64_t step_max) {
  const std::uint64_t first_by_count = policy.events_max != 0 && channel.count() > policy.events_max
                                           ? channel.head + 1 - policy.events_max
                                           : 0;
  std::uint64_t beginning = channel.first_kept;
  std::uint64_t bytes_before = channel.bytes_before;
  walk_.BindNumber(1, key);
  walk_.BindNumber(2, beginning);
  walk_.BindNumber(3, std::min(step_max, kInt64Max));
  const ResetAtEnd reset(walk_);
  for (;;) {
    absl::StatusOr<bool> row = walk_.Next();
    if (!row.ok()) return row.status();
    if (!*row) return beginning;
    // Newer events than the caller's view of the channel are not looked at.
    const std::uint64_t sequence = walk_.Number(0);
    const bool too_many = sequence < first_by_count;
    const bool too_large =
        policy.bytes_max != 0 && channel.bytes_total - bytes_before > policy.bytes_max;
    const bool too_old = policy.age_max_ms != 0 && walk_.Time(1) < now_unix_ms - policy.age_max_ms;
    if (sequence > channel.head || !(too_many || too_large || too_old)) return beginning;
    beginning = sequence + 1;
    bytes_before = walk_.Number(2);
  }
}

// --- The pool.

absl::Status SqliteReaderPool::Open() {
  {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(this, &SqliteReaderPool::IsSettled));
    if (state_ == State::kOpen) return absl::OkStatus();
    state_ = State::kBusy;
  }
  return OpenReaders();
}

absl::Status SqliteReaderPool::Reopen() { return OpenReaders(); }

// The state is kBusy: nobody else comes by.
absl::Status SqliteReaderPool::OpenReaders() {
  absl::Status status;
  std::vector<std::unique_ptr<SqliteReader>> opened;
  while (status.ok() && opened.size() < count_) {
    absl::StatusOr<std::unique_ptr<SqliteReader>> reader = SqliteReader::Open(file_);
    status = reader.status();
    if (reader.ok()) opened.push_back(*std::move(reader));
  }
  if (!status.ok()) opened.clear();
  absl::MutexLock lock(&mutex_);
  idle_ = std::move(opened);
  state_ = status.ok() ? State::kOpen : State::kClosed;
  return status;
}

absl::StatusOr<SqliteReaderPool::Lease> SqliteReaderPool::Borrow() {
  for (;;) {
    if (absl::Status s = Open(); !s.ok()) return s;
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(this, &SqliteReaderPool::HasIdleOrIsNotOpen));
    if (state_ != State::kOpen) continue;
    Lease lease(idle_.back().release(), GiveBack{this});
    idle_.pop_back();
    ++lent_;
    return lease;
  }
}

void SqliteReaderPool::TakeBack(SqliteReader* reader) {
  absl::MutexLock lock(&mutex_);
  idle_.emplace_back(reader);
  --lent_;
}

void SqliteReaderPool::CloseAll() {
  std::vector<std::unique_ptr<SqliteReader>> to_close;
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &SqliteReaderPool::IsSettled));
  state_ = State::kBusy;
  mutex_.Await(absl::Condition(this, &SqliteReaderPool::AllAreBack));
  to_close = std::move(idle_);  // Closed after the mutex is let go.
  idle_.clear();
}

}  // namespace txtchat::storage
