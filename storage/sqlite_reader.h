#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "core/message_store.h"
#include "storage/channel_index.h"
#include "storage/sqlite_handle.h"

namespace txtchat::storage {

/// A read-only connection with its statements. One thread at a time; each call sees everything that
/// was committed before it began. Errors as Database.
class SqliteReader {
 public:
  static absl::StatusOr<std::unique_ptr<SqliteReader>> Open(const DatabaseFile& file);
  SqliteReader(const SqliteReader&) = delete;
  SqliteReader& operator=(const SqliteReader&) = delete;

  /// As MessageStore::Read, of a channel with this id.
  absl::StatusOr<EventPage> Read(const EventQuery& query, const std::string& channel_id);

  /// As MessageStore::ReadAuthored. `ids` answers the id of a channel, null if it has ended.
  using ChannelIds = absl::FunctionRef<std::shared_ptr<const std::string>(ChannelKey)>;
  absl::StatusOr<AuthoredPage> ReadAuthored(const AuthoredQuery& query, ChannelIds ids);

  /// Where the channel should begin so that it keeps no more than the policy allows, at most
  /// `step_max` events after where it begins now.
  absl::StatusOr<std::uint64_t> FindBeginning(ChannelKey key, const IndexedChannel& channel,
                                              const RetentionPolicy& policy,
                                              std::int64_t now_unix_ms, std::uint64_t step_max);

 private:
  explicit SqliteReader(std::unique_ptr<Database> database) : database_(std::move(database)) {}

  const std::unique_ptr<Database> database_;
  Statement read_forward_, read_backward_;
  Statement read_messages_forward_, read_messages_backward_;
  Statement walk_, read_authored_;
};

/// A few readers, lent to one thread each. Thread-safe; the mutex is held for memory work only.
///
/// As long as one of them is open, so is the index of the write-ahead log, on which the store
/// counts when it throws its writer away; and it goes only when all of them are closed, on which it
/// counts when the log has to be copied again (docs/adr/0006-sqlite-store.md).
class SqliteReaderPool {
 public:
  SqliteReaderPool(const DatabaseFile& file, std::size_t count) : file_(file), count_(count) {}
  SqliteReaderPool(const SqliteReaderPool&) = delete;
  SqliteReaderPool& operator=(const SqliteReaderPool&) = delete;

  struct GiveBack {
    SqliteReaderPool* pool = nullptr;
    void operator()(SqliteReader* reader) const { pool->TakeBack(reader); }
  };
  /// A reader for as long as this lives.
  using Lease = std::unique_ptr<SqliteReader, GiveBack>;

  /// Opens the readers, unless they are open.
  absl::Status Open();
  /// Waits for a reader. Opens them if that has failed before.
  absl::StatusOr<Lease> Borrow();

  /// Waits until all have been given back, and closes them. Whoever wants one waits until Reopen.
  void CloseAll();
  /// After CloseAll. If it fails, Open and Borrow try again.
  absl::Status Reopen();

 private:
  enum class State { kClosed, kBusy, kOpen };

  absl::Status OpenReaders();
  void TakeBack(SqliteReader* reader);
  bool IsSettled() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return state_ != State::kBusy; }
  bool AllAreBack() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return lent_ == 0; }
  bool HasIdleOrIsNotOpen() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return !idle_.empty() || state_ != State::kOpen;
  }

  const DatabaseFile file_;
  const std::size_t count_;
  absl::Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kClosed;  ///< kBusy: one thread opens or closes.
  std::vector<std::unique_ptr<SqliteReader>> idle_ ABSL_GUARDED_BY(mutex_);
  std::size_t lent_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace txtchat::storage
