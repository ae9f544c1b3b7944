#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
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
  Statement walk_;
};

/// A few readers, lent to one thread each. They are opened with the pool and stay open as long as
/// it lives: with them stays the index of the write-ahead log, on which the store counts when it
/// throws its writer away (docs/adr/0006-sqlite-store.md). Thread-safe.
class SqliteReaderPool {
 public:
  static absl::StatusOr<std::unique_ptr<SqliteReaderPool>> Open(const DatabaseFile& file,
                                                                std::size_t count);
  SqliteReaderPool(const SqliteReaderPool&) = delete;
  SqliteReaderPool& operator=(const SqliteReaderPool&) = delete;

  /// A reader for as long as this lives; the constructor waits for one.
  class Lease {
   public:
    explicit Lease(SqliteReaderPool& pool) : pool_(pool), reader_(pool.Take()) {}
    ~Lease() { pool_.GiveBack(std::move(reader_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    SqliteReader* operator->() const { return reader_.get(); }

   private:
    SqliteReaderPool& pool_;
    std::unique_ptr<SqliteReader> reader_;
  };

 private:
  SqliteReaderPool() = default;
  std::unique_ptr<SqliteReader> Take();
  void GiveBack(std::unique_ptr<SqliteReader> reader);
  bool HasIdle() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !idle_.empty(); }

  absl::Mutex mutex_;
  std::vector<std::unique_ptr<SqliteReader>> idle_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace txtchat::storage
