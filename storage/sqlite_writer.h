#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/message_store.h"
#include "storage/channel_index.h"
#include "storage/sqlite_handle.h"

namespace txtchat::storage {

/// The connection that writes, with its statements: carries changes out in a transaction that
/// begins with the first of them. Sequencer thread only.
///
/// After any error it must be closed and never used again, which also takes the transaction back:
/// whoever goes on with a connection whose fsync(2) has failed may be told OK by the next one
/// (docs/adr/0006-sqlite-store.md). Closing never writes.
class SqliteWriter {
 public:
  /// Opens a connection to a file that is in WAL mode. With `sync_commits` a commit is on the disk
  /// when it returns (synchronous=FULL), otherwise only in order (NORMAL).
  /// https://www.sqlite.org/pragma.html#pragma_synchronous
  /// `wal_bytes_kept`: the write-ahead log is cut to this when it begins anew.
  static absl::StatusOr<std::unique_ptr<SqliteWriter>> Open(const DatabaseFile& file,
                                                            bool sync_commits,
                                                            std::uint64_t wal_bytes_kept);
  SqliteWriter(const SqliteWriter&) = delete;
  SqliteWriter& operator=(const SqliteWriter&) = delete;

  /// Carries out a change, and drafts in `index` what it means for the channel.
  /// INTERNAL  the change cannot follow the ones before; otherwise as Database
  absl::Status Apply(const StoreChange& change, ChannelIndex& index);
  /// Whether a transaction has begun.
  bool has_changes() const { return sqlite3_get_autocommit(database_->get()) == 0; }
  /// Ends the transaction. On OK it is kept.
  absl::Status Commit();

  /// What the transaction so far, or the one that was just committed, means beside its rows.
  struct Aftermath {
    std::int64_t ended_delta = 0;     ///< Channels and users more that PurgeStep has to look after,
    std::int64_t erasures_delta = 0;  ///< and users whose messages it has to erase.
    bool dropped = false;  ///< Texts were deleted; those of a channel that goes on also `trimmed`.
    bool trimmed = false;
    bool erased = false;         ///< Something was erased,
    bool ended_erasing = false;  ///< and it was a message, or the last of a user.
    bool idle_purge = false;     ///< A PurgeStep found nothing to remove.
  };
  const Aftermath& aftermath() const { return aftermath_; }

  /// As MessageStore::FindSent.
  absl::StatusOr<EventPtr> FindSent(UserKey sender, const std::string& client_message_id,
                                    ChannelIndex& index);
  /// The event of a channel with this id; null if it is not kept.
  absl::StatusOr<EventPtr> FindEvent(ChannelKey channel, std::uint64_t sequence,
                                     const std::string& channel_id);

  /// How long the write-ahead log is after the last commit.
  std::uint64_t wal_pages() const { return wal_pages_; }
  /// Copies the log into the file (https://www.sqlite.org/c3ref/wal_checkpoint_v2.html). Answers
  /// whether it did all that the mode asks for: false if readers or another checkpoint stood in the
  /// way. `log_pages`: how long the log is, or -1.
  absl::StatusOr<bool> Checkpoint(int mode, int* log_pages = nullptr);

  /// Lets go of the pages that are kept in memory. Not within a transaction.
  void ForgetPages() { sqlite3_db_release_memory(database_->get()); }

  Database& database() { return *database_; }

 private:
  explicit SqliteWriter(std::unique_ptr<Database> database) : database_(std::move(database)) {}

  /// Each prepares the statements of its part.
  using StatementList = absl::Span<const std::pair<Statement*, const char*>>;
  absl::Status PrepareAll(StatementList statements);
  absl::Status PrepareEvents();
  absl::Status PrepareRows();
  absl::Status PreparePurge();
  absl::Status PrepareErasing();
  absl::Status Begin();

  /// A row of the table of events that is still to be inserted.
  struct EventRow {
    EventPtr event;
    ChannelKey channel = 0;
    UserKey sender = 0;
    std::uint64_t bytes_total = 0;
    std::string_view text;  ///< The event's, or one of `act_texts_`.
  };

  /// Events are inserted several at a time, which takes a fifth off what a row costs. Every other
  /// change of the transaction comes after InsertRows.
  absl::Status InsertRows();
  static void BindRow(Statement& statement, std::size_t place, const EventRow& row);

  absl::Status ApplyOne(const AppendEvent& change, ChannelIndex& index);
  absl::Status ApplyOne(const PutUser& change, ChannelIndex& index);
  absl::Status ApplyOne(const RenameUser& change, ChannelIndex& index);
  absl::Status ApplyOne(const DeleteUser& change, ChannelIndex& index);
  absl::Status ApplyOne(const PutChannel& change, ChannelIndex& index);
  absl::Status ApplyOne(const DescribeChannel& change, ChannelIndex& index);
  absl::Status ApplyOne(const DeleteChannel& change, ChannelIndex& index);
  absl::Status ApplyOne(const PutMembership& change, ChannelIndex& index);
  absl::Status ApplyOne(const DeleteMembership& change, ChannelIndex& index);
  absl::Status ApplyOne(const PutSanction& change, ChannelIndex& index);
  absl::Status ApplyOne(const DeleteSanction& change, ChannelIndex& index);
  absl::Status ApplyOne(const PutToken& change, ChannelIndex& index);
  absl::Status ApplyOne(const DeleteToken& change, ChannelIndex& index);
  absl::Status ApplyOne(const PutInvite& change, ChannelIndex& index);
  absl::Status ApplyOne(const DeleteInvite& change, ChannelIndex& index);
  absl::Status ApplyOne(const EraseMessage& change, ChannelIndex& index);
  absl::Status ApplyOne(const EraseUser& change, ChannelIndex& index);
  absl::Status ApplyOne(const TrimChannel& change, ChannelIndex& index);
  absl::Status ApplyOne(const PurgeStep& change, ChannelIndex& index);

  /// Deletes the oldest events of a channel, below `before` and at most `events_max`, and their
  /// sends. Answers how many.
  absl::StatusOr<std::uint64_t> DeleteEvents(ChannelKey channel, std::uint64_t before,
                                             std::uint64_t events_max);
  absl::StatusOr<std::uint64_t> DeleteSends(UserKey sender, std::uint64_t sends_max);
  absl::Status PurgeChannels(std::uint64_t* budget);
  absl::Status PurgeUsers(std::uint64_t* budget);

  /// An erasure under way, and the rows of the next step that it concerns.
  struct Erasure {
    EraseUser what;
    ChannelKey last_channel = 0;
    std::uint64_t last_sequence = 0;
  };
  struct RowToErase {
    ChannelKey channel = 0;
    std::uint64_t sequence = 0;
    EventKind kind = EventKind::kMessagePosted;
    bool is_authors = false;
    std::string act_text;
    /// What a send of the author's is found by; empty if it is none.
    UserKey sender = 0;
    std::string client_message_id;
  };
  absl::Status EraseOfUsers(std::uint64_t* budget);
  absl::StatusOr<bool> FindErasure(Erasure* erasure);
  /// Walks on; moves `erasure` on, and answers whether the end was reached.
  absl::StatusOr<bool> CollectRowsToErase(Erasure* erasure, std::vector<RowToErase>* rows);
  absl::Status EraseRow(const RowToErase& row, const EraseUser& what);

  const std::unique_ptr<Database> database_;
  std::uint64_t wal_pages_ = 0;
  Aftermath aftermath_;
  std::vector<EventRow> rows_;
  std::deque<std::string> act_texts_;  ///< Of rows_.

  Statement begin_, commit_;
  Statement append_event_, append_events_, put_send_, delete_send_, find_sent_, find_event_;
  Statement put_user_, rename_user_, delete_user_, end_user_;
  Statement put_channel_, describe_channel_, delete_channel_, end_channel_, trim_channel_;
  Statement put_membership_, delete_membership_, delete_memberships_;
  Statement put_sanction_, delete_sanction_, delete_channel_sanctions_, delete_user_sanctions_;
  Statement put_token_, delete_token_, delete_user_tokens_;
  Statement put_invite_, delete_invite_, delete_channel_invites_;
  Statement select_oldest_, select_kept_from_, delete_events_;
  Statement first_ended_channel_, forget_ended_channel_;
  Statement first_ended_user_, forget_ended_user_, select_sends_, delete_sends_, note_idle_purge_;
  Statement erase_message_, begin_erasure_, first_erasure_, move_erasure_, end_erasure_;
  Statement select_to_erase_, erase_row_;
};

}  // namespace txtchat::storage
