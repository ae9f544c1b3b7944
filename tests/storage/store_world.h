// The small language in which the tests of the durable store speak: a directory of their own, a
// store in it that can be opened again, batches, and what is stored as lines of text.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "core/message_store.h"
#include "gtest/gtest.h"
#include "storage/sqlite_store.h"

namespace txtchat::storage {

/// An empty directory that goes with its owner.
class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  std::string operator/(std::string_view name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// For EXPECT_TRUE: whether it went well, and otherwise what the status says.
::testing::AssertionResult Ok(const absl::Status& status);

// --- Changes. A user's credential is `hash of ID`.

PutUser Member(UserKey key, const std::string& id);
/// A user without a credential, and its personal channel, with it inside.
StoreBatch Guest(UserKey user, ChannelKey channel, const std::string& id);
PutChannel NewChannel(ChannelKey key, const std::string& id, bool personal = false);
PutMembership Joins(ChannelKey channel, UserKey user);
DeleteMembership Leaves(ChannelKey channel, UserKey user);

/// A row of each kind, with something in every field.
UserRow Account(UserKey key, const std::string& id);
SanctionRow Ban(ChannelKey channel, UserKey user);
TokenRow TokenOf(UserKey user, const std::string& hash);
InviteRow InviteTo(ChannelKey channel, const std::string& hash);

/// As `PutUser 1`, `AppendEvent 5#1`.
std::string Describe(const StoreChange& change);
/// The descriptions, parted by commas.
std::string Describe(const StoreBatch& batch);
/// `1.hello 2+alice 3-alice 4~alice 5*alice`: the sequence, then a text, or who came, went, has
/// posted what was removed, or acted.
std::string Describe(const EventPage& page);

/// Every field.
std::string DescribeWhole(const Event& event);
/// Users, channels and memberships, each on a line: `user 1 alice (user1) hash of alice`,
/// `channel 7 news (about news) made 1700000000007 head 3`, `member 7/1`. What only accounts, roles
/// and so on have follows where it is there.
std::string Describe(const StoredState& state);

/// A store in a directory of its own, and the next sequence of each channel. Failures to open end
/// the test.
class StoreWorld {
 public:
  StoreWorld() {
    options.data_dir = directory / "data";
    options.empty_log_retry = absl::ZeroDuration();
  }

  /// Opens and loads; closes in peace before, if it is open.
  void Open();
  absl::Status TryOpen();
  void Close() { store.reset(); }

  /// Commits one change, or a batch. After an error sequences go on as if it had not been tried.
  absl::Status Commit(const StoreBatch& batch);

  AppendEvent Posts(ChannelKey channel, UserKey sender, const std::string& text,
                    const std::string& client_message_id = "");
  AppendEvent Comes(ChannelKey channel, UserKey user);
  AppendEvent Goes(ChannelKey channel, UserKey user);
  AppendEvent Acts(ChannelKey channel, UserKey user, EventKind kind, Act act);
  /// What the store holds there must be a message.
  EraseMessage Erases(ChannelKey channel, std::uint64_t sequence);

  /// All that is kept of the channel, oldest first.
  std::string Log(ChannelKey channel);
  std::string Page(const EventQuery& query);
  /// The text of what was sent, or `none`.
  std::string Sent(UserKey sender, const std::string& client_message_id);
  /// Runs PurgeSteps until nothing is left; answers how many.
  int Purge();
  /// What a query answers, asked beside the store.
  std::int64_t Count(const std::string& sql) const;

  std::string database() const { return options.data_dir + "/txtchat.db"; }

  TempDirectory directory;
  SqliteStoreOptions options;
  std::unique_ptr<SqliteStore> store;
  StoredState loaded;

 private:
  AppendEvent Append(ChannelKey channel, UserKey user, EventKind kind);

  std::map<ChannelKey, std::uint64_t> heads_;
  std::map<ChannelKey, std::uint64_t> committed_heads_;
};

/// Copies the files of a database as they are now: as if the process had been killed.
void CopyAsIfKilled(const std::string& from, const std::string& to);

}  // namespace txtchat::storage
