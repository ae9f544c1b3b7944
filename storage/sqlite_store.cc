#include "storage/sqlite_store.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "storage/sqlite_loader.h"
#include "storage/sqlite_schema.h"

namespace txtchat::storage {
namespace {

// SQLite's own words for damage do not say what to do.
absl::Status WithAdvice(absl::Status status, const std::string& path) {
  const std::string advice = RepairAdvice(path);
  if (!absl::IsDataLoss(status) || absl::StrContains(status.message(), "move ")) return status;
  return absl::DataLossError(absl::StrCat(status.message(), "; ", advice));
}

// What a running store answers: that a file cannot be opened now may be over in a while.
absl::Status AtRunTime(absl::Status status) {
  if (!absl::IsFailedPrecondition(status)) return status;
  return absl::UnavailableError(status.message());
}

}  // namespace

SqliteStore::SqliteStore(const SqliteStoreOptions& options,
                         std::unique_ptr<DataDirectory> directory,
                         std::unique_ptr<ScrubbingVfs> vfs)
    : options_(options),
      directory_(std::move(directory)),
      vfs_(std::move(vfs)),
      file_{directory_->database_path(), vfs_->name()} {}

absl::StatusOr<std::unique_ptr<SqliteStore>> SqliteStore::Open(const SqliteStoreOptions& options) {
  absl::StatusOr<std::unique_ptr<DataDirectory>> directory = DataDirectory::Take(options.data_dir);
  if (!directory.ok()) return directory.status();
  absl::StatusOr<std::unique_ptr<ScrubbingVfs>> vfs = ScrubbingVfs::Register(options.vfs);
  if (!vfs.ok()) return vfs.status();
  std::unique_ptr<SqliteStore> store(
      new SqliteStore(options, *std::move(directory), *std::move(vfs)));
  if (absl::Status s = store->OpenDatabase(); !s.ok()) {
    return WithAdvice(std::move(s), store->file_.path);
  }
  return store;
}

absl::Status SqliteStore::OpenDatabase() {
  if (absl::Status s = CheckHeader(file_.path); !s.ok()) return s;
  if (absl::Status s = directory_->MakeDatabaseFile(); !s.ok()) return s;
  absl::StatusOr<std::unique_ptr<Database>> opened =
      Database::Open(file_, Database::Mode::kReadWrite);
  if (!opened.ok()) return opened.status();
  Database& database = **opened;
  // A new file is made with a rollback journal, so that its tables and the marks in its header are
  // there at once or not at all.
  if (absl::Status s = database.Execute("PRAGMA synchronous=FULL"); !s.ok()) return s;
  if (absl::Status s = Migrate(database, Migrations()); !s.ok()) return s;
  if (absl::Status s = CheckIntegrity(database, Migrations()); !s.ok()) return s;
  if (absl::Status s = database.Execute("PRAGMA journal_mode=WAL"); !s.ok()) return s;

  const std::string boot_id = options_.boot_id.empty() ? ReadBootId() : options_.boot_id;
  absl::StatusOr<std::string> epoch = BeginRun(database, options_.durability, boot_id);
  if (!epoch.ok()) return epoch.status();
  epoch_ = *std::move(epoch);

  absl::StatusOr<std::int64_t> page_bytes = database.QueryNumber("PRAGMA page_size");
  if (!page_bytes.ok()) return page_bytes.status();
  const auto bytes = static_cast<std::uint64_t>(*page_bytes);
  soft_pages_ = std::max<std::uint64_t>(options_.wal_soft_bytes / bytes, 1);
  hard_pages_ = std::max<std::uint64_t>(options_.wal_hard_bytes / bytes, 1);
  writer_copies_at_ = hard_pages_;
  readers_ = std::make_unique<SqliteReaderPool>(file_, std::max<std::size_t>(options_.readers, 1));
  if (absl::Status s = NeedWriter(); !s.ok()) return s;
  // The last server may have been killed between erasing something and emptying the log.
  absl::StatusOr<bool> emptied = writer_->Checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
  if (!emptied.ok()) return emptied.status();
  log_has_remains_ = remains_are_erased_ = !*emptied;
  checkpointer_ = std::make_unique<WalCheckpointer>(file_, soft_pages_);
  return absl::OkStatus();
}

SqliteStore::~SqliteStore() {
  if (checkpointer_ == nullptr) return;  // It was never open.
  const bool noted = NoteEnd();
  checkpointer_.reset();
  readers_.reset();
  writer_.reset();
  if (!noted) return;
  // Whoever opens the log alone copies all of it when it closes it again, and removes it. What goes
  // wrong here is made up for when the file is opened the next time.
  absl::StatusOr<std::unique_ptr<Database>> last =
      Database::Open(file_, Database::Mode::kReadWrite);
  if (last.ok()) (void)(*last)->QueryNumber("PRAGMA page_count");
}

bool SqliteStore::NoteEnd() {
  const bool normal = options_.durability == Durability::kNormal;
  if (normal && (checkpointer_->has_failed() || !NeedWriter().ok())) return false;
  // With normal durability as well, this note and all before it are synced.
  absl::StatusOr<std::unique_ptr<SqliteWriter>> last =
      SqliteWriter::Open(file_, /*sync_commits=*/true, options_.wal_hard_bytes);
  return last.ok() && EndRun((*last)->database()).ok();
}

absl::Status SqliteStore::NeedWriter() {
  if (writer_ != nullptr) return absl::OkStatus();
  if (!lost_.ok()) return lost_;
  if (absl::Status s = readers_->Open(); !s.ok()) return s;
  absl::StatusOr<std::unique_ptr<SqliteWriter>> writer =
      SqliteWriter::Open(file_, options_.durability == Durability::kFull, options_.wal_hard_bytes);
  if (!writer.ok()) return writer.status();
  writer_ = *std::move(writer);
  if (absl::Status s = CheckThatNothingWasLost(); !s.ok()) {
    writer_.reset();
    return s;
  }
  if (checkpointer_ != nullptr) checkpointer_->LetGo();  // See CopyLogAgain.
  return absl::OkStatus();
}

// With full durability all commits were synced by the writer itself.
absl::Status SqliteStore::CheckThatNothingWasLost() {
  if (options_.durability == Durability::kFull || expected_log_pages_ == 0) return absl::OkStatus();
  int log_pages = -1;
  const absl::StatusOr<bool> copied = writer_->Checkpoint(SQLITE_CHECKPOINT_PASSIVE, &log_pages);
  if (!copied.ok()) return copied.status();
  if (log_pages < 0) return absl::UnavailableError(absl::StrCat(file_.path, " is busy"));
  if (static_cast<std::uint64_t>(log_pages) < expected_log_pages_) {
    (void)NoteLoss(writer_->database());
    lost_ = absl::DataLossError(
        absl::StrCat(file_.path,
                     " has lost its newest commits to a failing disk, which normal durability does "
                     "not exclude; start the server again: it goes on with what is left, and tells "
                     "clients that the history is another one"));
    return lost_;
  }
  expected_log_pages_ = 0;
  return absl::OkStatus();
}

absl::StatusOr<StoredState> SqliteStore::Load() {
  if (absl::Status s = NeedWriter(); !s.ok()) return AtRunTime(std::move(s));
  absl::StatusOr<LoadedState> loaded = LoadState(writer_->database());
  if (!loaded.ok()) return AtRunTime(WithAdvice(loaded.status(), file_.path));
  index_.Fill(std::move(loaded->index));
  ended_ = loaded->ended;
  erasures_ = loaded->erasures;
  loaded_ = true;
  loaded->state.epoch = epoch_;
  return std::move(loaded->state);
}

// --- Writing.

absl::Status SqliteStore::Commit(const StoreBatch& batch) {
  if (!loaded_) return absl::FailedPreconditionError("the store was not loaded");
  absl::Status status = Apply(batch);
  // What was kept in memory needs no transaction.
  const bool writes = status.ok() && writer_ != nullptr && writer_->has_changes();
  if (writes) status = writer_->Commit();
  if (!status.ok()) {
    // The transaction goes with the connection.
    writer_.reset();
    index_.RollBack();
    nursery_.RollBack();
    return AtRunTime(std::move(status));
  }
  // Readers look into the nursery first: what has left it must be found in the index by then.
  index_.Commit();
  nursery_.Commit();
  if (writes) LookAfter(writer_->aftermath());
  return absl::OkStatus();
}

absl::Status SqliteStore::Apply(const StoreBatch& batch) {
  for (const StoreChange& change : batch) {
    handed_back_.clear();
    const bool taken = nursery_.Take(change, &handed_back_);
    for (const StoreChange& other : handed_back_) {
      if (absl::Status s = Write(other); !s.ok()) return s;
    }
    if (taken) continue;
    if (absl::Status s = Write(change); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status SqliteStore::Write(const StoreChange& change) {
  if (absl::Status s = NeedWriter(); !s.ok()) return s;
  if (std::holds_alternative<PurgeStep>(change) && !writer_->has_changes() && !NeedsPurge()) {
    return absl::OkStatus();
  }
  return writer_->Apply(change, index_);
}

void SqliteStore::LookAfter(const SqliteWriter::Aftermath& aftermath) {
  ended_.fetch_add(aftermath.ended_delta, std::memory_order_relaxed);
  erasures_.fetch_add(aftermath.erasures_delta, std::memory_order_relaxed);
  if (aftermath.dropped || aftermath.erased) log_has_remains_ = true;
  if (aftermath.erased) remains_are_erased_ = true;
  if (aftermath.trimmed) trimmed_lately_ = true;
  // What was erased does not wait. Retention would have the log emptied all the time, and waits for
  // a moment at which it has nothing to do.
  bool empty_it = aftermath.ended_erasing;
  if (aftermath.idle_purge) {
    const bool is_busy = std::exchange(trimmed_lately_, false);
    empty_it = empty_it || remains_are_erased_ || !is_busy;
  }
  KeepLogShort(empty_it && log_has_remains_);
}

void SqliteStore::KeepLogShort(bool empty_it) {
  const std::uint64_t pages = writer_->wal_pages();
  if (pages < log_pages_) writer_copies_at_ = hard_pages_;  // It has begun anew.
  log_pages_ = pages;
  const WalCheckpointer::Advice advice = checkpointer_->Follow(pages);
  bool failed = advice == WalCheckpointer::Advice::kCopyAgain;
  if (!failed && empty_it) {
    failed = !EmptyLog().ok();
  } else if (!failed && pages >= writer_copies_at_) {
    checkpointer_->Hold();
    failed = !writer_->Checkpoint(SQLITE_CHECKPOINT_RESTART).ok();
    checkpointer_->LetGo();
    // If a reader has kept the log from beginning anew, not each commit tries again.
    writer_copies_at_ = pages + soft_pages_;
  } else if (advice == WalCheckpointer::Advice::kFinish) {
    failed = !writer_->Checkpoint(SQLITE_CHECKPOINT_PASSIVE).ok();
  }
  if (failed) CopyLogAgain();
}

absl::Status SqliteStore::EmptyLog() {
  checkpointer_->Hold();
  absl::StatusOr<bool> emptied = writer_->Checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
  checkpointer_->LetGo();
  if (!emptied.ok()) return emptied.status();
  if (*emptied) {
    // Or the next commit writes what SQLite has left in the pages that are in memory.
    writer_->ForgetPages();
    log_has_remains_ = remains_are_erased_ = false;
  } else {
    empty_log_from_ns_ = absl::ToUnixNanos(absl::Now() + options_.empty_log_retry);
  }
  return absl::OkStatus();
}

bool SqliteStore::NeedsPurge() const {
  if (ended_.load(std::memory_order_relaxed) > 0 || IsErasing()) return true;
  return log_has_remains_.load(std::memory_order_relaxed) &&
         absl::ToUnixNanos(absl::Now()) >= empty_log_from_ns_.load(std::memory_order_relaxed);
}

// A checkpoint that does not reach the end of the log counts as copied what it has not synced. When
// a later sync fails, those pages may be lost, and nobody would copy them again: unless the index
// of the log is made anew, which happens when no connection is open on it.
void SqliteStore::CopyLogAgain() {
  expected_log_pages_ = writer_->wal_pages();
  writer_copies_at_ = std::max(hard_pages_, expected_log_pages_ + soft_pages_);
  checkpointer_->Hold();
  readers_->CloseAll();
  writer_.reset();
  (void)readers_->Reopen();  // Or whoever needs them next tries again.
  // The checkpointer is let go when the next writer has looked what is left: two cannot copy at a
  // time, and a failure of its own meanwhile would be another loss.
}

// --- Reading.

absl::StatusOr<EventPtr> SqliteStore::FindSent(UserKey sender,
                                               const std::string& client_message_id) {
  // What is in the nursery has no client message id.
  if (absl::Status s = NeedWriter(); !s.ok()) return AtRunTime(std::move(s));
  absl::StatusOr<EventPtr> found = writer_->FindSent(sender, client_message_id, index_);
  if (!found.ok()) return AtRunTime(found.status());
  return found;
}

absl::StatusOr<EventPtr> SqliteStore::FindEvent(ChannelKey channel, std::uint64_t sequence) {
  if (sequence == 0) return nullptr;
  const EventQuery one{
      .channel = channel, .after = sequence - 1, .up_to = sequence, .events_max = 1};
  if (const std::optional<EventPage> page = nursery_.Read(one)) {
    return page->empty() ? nullptr : page->front();
  }
  const std::optional<IndexedChannel> stored = index_.Find(channel);
  if (!stored.has_value()) return nullptr;
  if (absl::Status s = NeedWriter(); !s.ok()) return AtRunTime(std::move(s));
  absl::StatusOr<EventPtr> found = writer_->FindEvent(channel, sequence, *stored->id);
  if (!found.ok()) return AtRunTime(WithAdvice(found.status(), file_.path));
  return found;
}

std::uint64_t SqliteStore::FirstKept(ChannelKey channel) const {
  if (const auto first = nursery_.FirstKept(channel); first.has_value()) return *first;
  const std::optional<IndexedChannel> stored = index_.Find(channel);
  return stored.has_value() ? stored->first_kept : 1;
}

absl::StatusOr<EventPage> SqliteStore::Read(const EventQuery& query) {
  if (std::optional<EventPage> page = nursery_.Read(query)) return *std::move(page);
  const std::optional<IndexedChannel> channel = index_.Find(query.channel);
  if (!channel.has_value()) return EventPage();
  absl::StatusOr<SqliteReaderPool::Lease> reader = readers_->Borrow();
  if (!reader.ok()) return AtRunTime(reader.status());
  absl::StatusOr<EventPage> page = (*reader)->Read(query, *channel->id);
  if (!page.ok()) return AtRunTime(WithAdvice(page.status(), file_.path));
  return page;
}

absl::StatusOr<AuthoredPage> SqliteStore::ReadAuthored(const AuthoredQuery& query) {
  // Nobody has posted anything in the nursery.
  absl::StatusOr<SqliteReaderPool::Lease> reader = readers_->Borrow();
  if (!reader.ok()) return AtRunTime(reader.status());
  absl::StatusOr<AuthoredPage> page =
      (*reader)->ReadAuthored(query, [this](ChannelKey key) -> std::shared_ptr<const std::string> {
        const std::optional<IndexedChannel> channel = index_.Find(key);
        return channel.has_value() ? channel->id : nullptr;
      });
  if (!page.ok()) return AtRunTime(WithAdvice(page.status(), file_.path));
  return page;
}

absl::StatusOr<std::vector<TrimChannel>> SqliteStore::FindSurplus(const RetentionPolicy& policy,
                                                                  std::int64_t now_unix_ms,
                                                                  std::size_t trims_max,
                                                                  std::uint64_t step_max) {
  std::vector<TrimChannel> trims;
  for (const auto& [key, channel] : index_.FindSurplus(policy, now_unix_ms, trims_max)) {
    absl::StatusOr<SqliteReaderPool::Lease> reader = readers_->Borrow();
    if (!reader.ok()) return AtRunTime(reader.status());
    absl::StatusOr<std::uint64_t> first_kept =
        (*reader)->FindBeginning(key, channel, policy, now_unix_ms, step_max);
    if (!first_kept.ok()) return AtRunTime(WithAdvice(first_kept.status(), file_.path));
    if (*first_kept > channel.first_kept) trims.push_back({key, *first_kept});
  }
  return trims;
}

}  // namespace txtchat::storage
