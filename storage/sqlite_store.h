#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/message_store.h"
#include "storage/channel_index.h"
#include "storage/data_directory.h"
#include "storage/guest_nursery.h"
#include "storage/run_record.h"
#include "storage/scrubbing_vfs.h"
#include "storage/sqlite_handle.h"
#include "storage/sqlite_reader.h"
#include "storage/sqlite_writer.h"
#include "storage/wal_checkpointer.h"

namespace txtchat::storage {

/// A plain value: copied at Open.
struct SqliteStoreOptions {
  std::string data_dir;
  Durability durability = Durability::kFull;
  std::size_t readers = 2;  ///< Pages that can be read at the same time.
  /// The write-ahead log: from here on it is copied into the file in the background,
  std::uint64_t wal_soft_bytes = std::uint64_t{16} << 20;
  /// and at this size by whoever commits, which then takes longer.
  std::uint64_t wal_hard_bytes = std::uint64_t{64} << 20;
  /// How long not to ask for another PurgeStep when readers kept the log from being emptied.
  absl::Duration empty_log_retry = absl::Seconds(1);

  // --- For tests.
  std::string vfs;      ///< Of SQLite; empty: its default.
  std::string boot_id;  ///< Empty: this machine's.
};

/// Keeps users, channels, memberships and events in a SQLite database, `txtchat.db` in the data
/// directory; what is not worth a disk is kept in memory (GuestNursery). Why it is as it is:
/// docs/adr/0006-sqlite-store.md.
///
/// A batch is one transaction. With full durability it is on the disk when Commit returns OK. When
/// a commit fails, nothing of it is seen, and the next one goes over a new connection: service
/// resumes by itself when the disk does. Should the process end before any commit has succeeded
/// again, one of the refused batches may be found stored. With normal durability a failing disk may
/// take what was committed last: then nothing more is accepted until the server is started again.
///
/// What was erased, or is no longer kept, is overwritten in the file by the commit that tells so,
/// and leaves the write-ahead log as soon as nobody reads there (docs/adr/0012-erasing.md).
///
/// Threads as MessageStore says; at most `readers` of Read, ReadAuthored and FindSurplus run at the
/// same time, and further ones wait. One process at a time has the directory.
class SqliteStore final : public MessageStore {
 public:
  /// Takes the directory, makes or opens the database, brings it to this program's version and
  /// checks it. Blocking; does not depend on how many events are stored.
  /// FAILED_PRECONDITION  the directory cannot be used or another server uses it; the file is newer
  ///                      or another application's
  /// DATA_LOSS            the file is damaged
  /// RESOURCE_EXHAUSTED   the disk is full
  /// UNAVAILABLE          the disk fails
  /// with words that say what to do.
  static absl::StatusOr<std::unique_ptr<SqliteStore>> Open(const SqliteStoreOptions& options);

  /// Notes that everything is there, copies the write-ahead log into the file and closes it. No
  /// call may be under way.
  ~SqliteStore() override;
  SqliteStore(const SqliteStore&) = delete;
  SqliteStore& operator=(const SqliteStore&) = delete;

  absl::StatusOr<StoredState> Load() override;
  /// RESOURCE_EXHAUSTED   the disk is full
  /// DATA_LOSS            the file is damaged
  /// INTERNAL             a change does not follow what is stored: an error of the caller
  /// FAILED_PRECONDITION  Load was not called
  /// UNAVAILABLE          anything else
  absl::Status Commit(const StoreBatch& batch) override;
  /// Both UNAVAILABLE, DATA_LOSS or RESOURCE_EXHAUSTED as Commit.
  absl::StatusOr<EventPtr> FindSent(UserKey sender, const std::string& client_message_id) override;
  absl::StatusOr<EventPtr> FindEvent(ChannelKey channel, std::uint64_t sequence) override;
  std::uint64_t FirstKept(ChannelKey channel) const override;
  /// These three
  /// DATA_LOSS    the file is damaged
  /// UNAVAILABLE  the disk fails
  absl::StatusOr<EventPage> Read(const EventQuery& query) override;
  absl::StatusOr<std::vector<TrimChannel>> FindSurplus(const RetentionPolicy& policy,
                                                       std::int64_t now_unix_ms,
                                                       std::size_t trims_max,
                                                       std::uint64_t step_max) override;
  absl::StatusOr<AuthoredPage> ReadAuthored(const AuthoredQuery& query) override;
  bool NeedsPurge() const override;
  bool IsErasing() const override { return erasures_.load(std::memory_order_relaxed) > 0; }

 private:
  SqliteStore(const SqliteStoreOptions& options, std::unique_ptr<DataDirectory> directory,
              std::unique_ptr<ScrubbingVfs> vfs);

  absl::Status OpenDatabase();
  /// Makes sure that there is a writer, and that readers are open beside it.
  absl::Status NeedWriter();
  absl::Status CheckThatNothingWasLost();
  absl::Status Apply(const StoreBatch& batch);
  absl::Status Write(const StoreChange& change);
  /// These only after a commit: the log must not end with a batch that was refused.
  void LookAfter(const SqliteWriter::Aftermath& aftermath);
  void KeepLogShort(bool empty_it);
  absl::Status EmptyLog();
  void CopyLogAgain();
  bool NoteEnd();

  const SqliteStoreOptions options_;
  const std::unique_ptr<DataDirectory> directory_;  ///< Locked until everything is closed.
  const std::unique_ptr<ScrubbingVfs> vfs_;         ///< So is this.
  const DatabaseFile file_;
  std::string epoch_;             ///< Constant once open.
  std::uint64_t soft_pages_ = 0;  ///< Constant once open; so hard_pages_.
  std::uint64_t hard_pages_ = 0;

  GuestNursery nursery_;
  ChannelIndex index_;
  std::atomic<std::int64_t> ended_ = 0;     ///< Channels and users left to PurgeStep,
  std::atomic<std::int64_t> erasures_ = 0;  ///< and users whose messages it has to erase.
  /// Whether frames in the log may hold what is gone.
  std::atomic<bool> log_has_remains_ = false;
  std::atomic<std::int64_t> empty_log_from_ns_ = 0;  ///< Not to be tried before (absl::Now).
  std::unique_ptr<SqliteReaderPool> readers_;
  std::unique_ptr<WalCheckpointer> checkpointer_;

  // The sequencer's.
  bool loaded_ = false;
  std::unique_ptr<SqliteWriter> writer_;  ///< Null after an error.
  absl::Status lost_;                     ///< Commits were lost: nothing more is accepted.
  std::uint64_t log_pages_ = 0;           ///< After the last commit.
  std::uint64_t writer_copies_at_ = 0;    ///< Pages of the log at which the writer copies it.
  bool remains_are_erased_ = false;       ///< Some of them were erased, and did not just end.
  bool trimmed_lately_ = false;           ///< Since the last PurgeStep that found nothing else.
  std::uint64_t expected_log_pages_ = 0;  ///< What a new index of the log has to show; 0: any.
  StoreBatch handed_back_;                ///< Of one change; kept for its memory.
};

}  // namespace txtchat::storage
