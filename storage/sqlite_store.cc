#include "storage/sqlite_store.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
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
                         std::unique_ptr<DataDirectory> directory)
    : options_(options),
      directory_(std::move(directory)),
      file_{directory_->database_path(), options.vfs} {}

absl::StatusOr<std::unique_ptr<SqliteStore>> SqliteStore::Open(const SqliteStoreOptions& options) {
  absl::StatusOr<std::unique_ptr<DataDirectory>> directory = DataDirectory::Take(options.data_dir);
  if (!directory.ok()) return directory.status();
  std::unique_ptr<SqliteStore> store(new SqliteStore(options, *std::move(directory)));
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
  absl::StatusOr<std::unique_ptr<SqliteReaderPool>> readers =
      SqliteReaderPool::Open(file_, std::max<std::size_t>(options_.readers, 1));
  if (!readers.ok()) return readers.status();
  readers_ = *std::move(readers);
  if (absl::Status s = NeedWriter(); !s.ok()) return s;
  const auto bytes = static_cast<std::uint64_t>(*page_bytes);
  hard_pages_ = std::max<std::uint64_t>(options_.wal_hard_bytes / bytes, 1);
  checkpointer_ = std::make_unique<WalCheckpointer>(
      file_, std::max<std::uint64_t>(options_.wal_soft_bytes / bytes, 1));
  return absl::OkStatus();
}

SqliteStore::~SqliteStore() {
  checkpointer_.reset();
  // Without readers it was never open.
  if (readers_ == nullptr) return;
  // With normal durability as well, this note and all before it are synced. What cannot be done now
  // is done when the file is opened again.
  absl::StatusOr<std::unique_ptr<SqliteWriter>> last =
      SqliteWriter::Open(file_, /*sync_commits=*/true, options_.wal_hard_bytes);
  writer_.reset();
  if (!last.ok()) return;
  if (!EndRun((*last)->database()).ok()) return;
  if (!(*last)->Checkpoint(SQLITE_CHECKPOINT_TRUNCATE).ok()) return;
  // The last connection to close removes the empty log, if it may.
  readers_.reset();
  sqlite3_db_config((*last)->database().get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
}

absl::Status SqliteStore::NeedWriter() {
  if (writer_ != nullptr) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<SqliteWriter>> writer =
      SqliteWriter::Open(file_, options_.durability == Durability::kFull, options_.wal_hard_bytes);
  if (!writer.ok()) return writer.status();
  writer_ = *std::move(writer);
  return absl::OkStatus();
}

absl::StatusOr<StoredState> SqliteStore::Load() {
  if (absl::Status s = NeedWriter(); !s.ok()) return AtRunTime(std::move(s));
  absl::StatusOr<LoadedState> loaded = LoadState(writer_->database());
  if (!loaded.ok()) return AtRunTime(WithAdvice(loaded.status(), file_.path));
  index_.Fill(std::move(loaded->index));
  ended_ = loaded->ended;
  loaded_ = true;
  loaded->state.epoch = epoch_;
  return std::move(loaded->state);
}

// --- Writing.

absl::Status SqliteStore::Commit(const StoreBatch& batch) {
  if (!loaded_) return absl::FailedPreconditionError("the store was not loaded");
  const absl::Status status = Apply(batch);
  if (!status.ok()) {
    // The transaction goes with the connection.
    writer_.reset();
    index_.RollBack();
    nursery_.RollBack();
    return AtRunTime(status);
  }
  // Readers look into the nursery first: what has left it must be found in the index by then.
  index_.Commit();
  nursery_.Commit();
  KeepLogShort();
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
  // What was kept in memory needs no transaction.
  if (writer_ == nullptr || !writer_->has_changes()) return absl::OkStatus();
  if (absl::Status s = writer_->Commit(); !s.ok()) return s;
  ended_.fetch_add(writer_->ended_delta(), std::memory_order_relaxed);
  return absl::OkStatus();
}

absl::Status SqliteStore::Write(const StoreChange& change) {
  if (absl::Status s = NeedWriter(); !s.ok()) return s;
  if (std::holds_alternative<PurgeStep>(change) && !writer_->has_changes() && !NeedsPurge()) {
    return absl::OkStatus();
  }
  return writer_->Apply(change, index_);
}

void SqliteStore::KeepLogShort() {
  if (writer_ == nullptr) return;
  const std::uint64_t pages = writer_->wal_pages();
  const bool finish = checkpointer_->Follow(pages);
  absl::Status status;
  if (pages >= hard_pages_) {
    checkpointer_->Hold();
    status = writer_->Checkpoint(SQLITE_CHECKPOINT_RESTART);
    checkpointer_->LetGo();
  } else if (finish) {
    status = writer_->Checkpoint(SQLITE_CHECKPOINT_PASSIVE);
  }
  // The batch holds all the same; but this connection may have failed to sync.
  if (!status.ok()) writer_.reset();
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

std::uint64_t SqliteStore::FirstKept(ChannelKey channel) const {
  if (const auto first = nursery_.FirstKept(channel); first.has_value()) return *first;
  const std::optional<IndexedChannel> stored = index_.Find(channel);
  return stored.has_value() ? stored->first_kept : 1;
}

absl::StatusOr<EventPage> SqliteStore::Read(const EventQuery& query) {
  if (std::optional<EventPage> page = nursery_.Read(query)) return *std::move(page);
  const std::optional<IndexedChannel> channel = index_.Find(query.channel);
  if (!channel.has_value()) return EventPage();
  const SqliteReaderPool::Lease reader(*readers_);
  absl::StatusOr<EventPage> page = reader->Read(query, *channel->id);
  if (!page.ok()) return AtRunTime(WithAdvice(page.status(), file_.path));
  return page;
}

absl::StatusOr<std::vector<TrimChannel>> SqliteStore::FindSurplus(const RetentionPolicy& policy,
                                                                  std::int64_t now_unix_ms,
                                                                  std::size_t trims_max,
                                                                  std::uint64_t step_max) {
  std::vector<TrimChannel> trims;
  for (const auto& [key, channel] : index_.FindSurplus(policy, now_unix_ms, trims_max)) {
    const SqliteReaderPool::Lease reader(*readers_);
    absl::StatusOr<std::uint64_t> first_kept =
        reader->FindBeginning(key, channel, policy, now_unix_ms, step_max);
    if (!first_kept.ok()) return AtRunTime(WithAdvice(first_kept.status(), file_.path));
    if (*first_kept > channel.first_kept) trims.push_back({key, *first_kept});
  }
  return trims;
}

}  // namespace txtchat::storage
