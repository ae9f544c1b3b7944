// Readers beside the one who commits, and the write-ahead log that both use.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "storage/sqlite_handle.h"
#include "storage/sqlite_store.h"
#include "storage/wal_checkpointer.h"
#include "tests/storage/store_world.h"

namespace txtchat::storage {
namespace {

namespace fs = std::filesystem;

class SqliteThreadsTest : public ::testing::Test, protected StoreWorld {
 protected:
  std::uint64_t DatabaseBytes() const { return fs::file_size(database()); }
  std::uint64_t LogBytes() const { return fs::file_size(database() + "-wal"); }
  /// Four bytes of its header that change when it begins anew
  /// (https://www.sqlite.org/walformat.html).
  std::string LogNumber() const {
    std::string number(4, '\0');
    std::ifstream file(database() + "-wal", std::ios::binary);
    file.seekg(12);
    file.read(number.data(), 4);
    return number;
  }
};

TEST_F(SqliteThreadsTest, ReadersFindWhateverWasCommittedBeforeTheyAsked) {
  Open();
  ASSERT_TRUE(Ok(Commit({NewChannel(7, "news")})));
  std::atomic<std::uint64_t> committed = 0;
  std::atomic<bool> done = false;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {  // More than there are connections.
    readers.emplace_back([&, newest_first = i % 2 == 0] {
      while (!done) {
        const std::uint64_t head = committed;
        const std::uint64_t after = head > 5 ? head - 5 : 0;
        const auto page = store->Read({7, after, head, 10, 1000, newest_first});
        std::string sequences;
        std::string expected;
        for (std::uint64_t s = after + 1; s <= head; ++s) {
          expected = newest_first ? std::to_string(s) + " " + expected
                                  : expected + std::to_string(s) + " ";
        }
        if (page.ok()) {
          for (const EventPtr& event : *page) sequences += std::to_string(event->sequence) + " ";
        }
        if (sequences != expected) ++wrong;
        if (store->FirstKept(7) != 1) ++wrong;
      }
    });
  }
  for (int i = 0; i < 300; ++i) {
    StoreBatch batch;
    for (int k = 0; k < 10; ++k) batch.push_back(Posts(7, 1, "x"));
    EXPECT_TRUE(Ok(Commit(batch)));
    committed += 10;
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(SqliteThreadsTest, ReadersNeverMissAChannelThatLeavesTheNursery) {
  options.durability = Durability::kNormal;
  Open();
  std::atomic<ChannelKey> announced = 0;
  std::atomic<bool> done = false;
  std::atomic<int> missed = 0;
  std::thread reader([&] {
    while (!done) {
      const ChannelKey channel = announced;
      if (channel == 0) continue;
      const auto page = store->Read({channel, 0, 1, 9, 99});
      if (!page.ok() || page->size() != 1) ++missed;
      if (store->FirstKept(channel) != 1) ++missed;
    }
  });
  for (ChannelKey channel = 1; channel <= 300; ++channel) {
    StoreBatch arrives = Guest(channel, channel, std::to_string(channel));
    arrives.push_back(Comes(channel, channel));
    EXPECT_TRUE(Ok(Commit(arrives)));
    announced = channel;
    EXPECT_TRUE(Ok(Commit({Posts(channel, channel, "x")})));
  }
  done = true;
  reader.join();
  EXPECT_EQ(missed, 0);
}

TEST_F(SqliteThreadsTest, RetentionAndPurgeGoOnBesideReadersAndCommits) {
  options.durability = Durability::kNormal;
  Open();
  ASSERT_TRUE(Ok(Commit({NewChannel(7, "news"), NewChannel(8, "talk")})));
  std::atomic<bool> done = false;
  std::atomic<int> failures = 0;
  std::thread reader([&] {
    while (!done) {
      for (ChannelKey channel : {7, 8}) {
        if (!store->Read({channel, 0, UINT64_MAX, 50, 9999}).ok()) ++failures;
      }
      if (!store->ReadAuthored({.user_id = "u1", .scan_max = 50, .bytes_max = 99}).ok()) ++failures;
      if (!store->FindSurplus({.age_max_ms = 5000, .events_max = 50, .bytes_max = 40}, 9000, 9, 20)
               .ok()) {
        ++failures;
      }
    }
  });
  for (int i = 0; i < 300; ++i) {
    StoreBatch batch = {PurgeStep{}};
    const auto trims = store->FindSurplus({.events_max = 20}, 0, 9, 7);
    ASSERT_TRUE(trims.ok());
    for (const TrimChannel& trim : *trims) batch.push_back(trim);
    for (int k = 0; k < 5; ++k) batch.push_back(Posts(7, 1, "x", std::to_string(i * 5 + k)));
    ASSERT_TRUE(Ok(Commit(batch)));
    if (i % 10 != 0) continue;
    ASSERT_TRUE(Ok(Commit({Erases(7, 5 * static_cast<std::uint64_t>(i) + 5)})));
    if (i % 50 == 0) {
      ASSERT_TRUE(Ok(Commit({EraseUser{"u1", "nobody"}})));
    }
  }
  done = true;
  reader.join();
  EXPECT_EQ(failures, 0);
  EXPECT_GE(store->FirstKept(7), 1470u);
  Purge();
  EXPECT_FALSE(store->IsErasing());
}

// --- The log.

TEST_F(SqliteThreadsTest, ALogAtItsHardLimitBeginsAnewAlsoIfItIsJustBeingCopied) {
  options.wal_hard_bytes = 256 << 10;
  options.durability = Durability::kNormal;
  for (const std::uint64_t soft : {std::uint64_t{1} << 40, std::uint64_t{32} << 10}) {
    options.data_dir = directory / std::to_string(soft);
    options.wal_soft_bytes = soft;
    Open();
    ASSERT_TRUE(Ok(Commit({NewChannel(7, "news")})));
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(Ok(Commit({Posts(7, 1, std::string(20'000, 'x'))})));
      ASSERT_LE(LogBytes(), options.wal_hard_bytes + (64 << 10));
    }
    EXPECT_GT(DatabaseBytes(), std::uint64_t{200} * 20'000 - options.wal_hard_bytes);
  }
}

TEST_F(SqliteThreadsTest, ALogAtItsSoftLimitIsCopiedInTheBackgroundAndBeginsAnew) {
  options.wal_soft_bytes = 128 << 10;
  options.wal_hard_bytes = std::uint64_t{1} << 40;
  options.durability = Durability::kNormal;
  Open();
  ASSERT_TRUE(Ok(Commit({NewChannel(7, "news")})));
  const std::uint64_t before = DatabaseBytes();
  // As many commits as it takes: the deadline only ever means that it has failed.
  const absl::Time deadline = absl::Now() + absl::Minutes(2);
  const auto commit_until = [&](auto condition) {
    while (!condition()) {
      ASSERT_TRUE(Ok(Commit({Posts(7, 1, "x")})));
      ASSERT_LT(absl::Now(), deadline);
    }
  };
  commit_until([&] { return DatabaseBytes() > before; });
  const std::string number = LogNumber();
  commit_until([&] { return LogNumber() != number; });
}

TEST(WalCheckpointer, AsksTheWriterToFinishWhenLittleIsLeft) {
  const TempDirectory directory;
  const DatabaseFile file{directory / "some.db", ""};
  auto opened = Database::Open(file, Database::Mode::kCreate);
  ASSERT_TRUE(opened.ok());
  Database& database = **opened;
  ASSERT_TRUE(Ok(database.Execute(
      "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE pages(bytes)")));
  const auto log_pages = [&] { return fs::file_size(file.path + "-wal") / 4120; };
  const auto grow = [&](std::uint64_t to) {
    while (log_pages() < to) {
      ASSERT_TRUE(Ok(database.Execute("INSERT INTO pages VALUES(zeroblob(3000))")));
    }
  };
  WalCheckpointer checkpointer(file, 400);
  grow(300);
  using Advice = WalCheckpointer::Advice;
  EXPECT_EQ(checkpointer.Follow(log_pages()), Advice::kNothing)
      << "there is not enough to begin with";
  const std::uint64_t file_bytes = fs::file_size(file.path);
  grow(500);
  const absl::Time deadline = absl::Now() + absl::Minutes(2);
  while (checkpointer.Follow(log_pages()) != Advice::kFinish) ASSERT_LT(absl::Now(), deadline);
  EXPECT_GT(fs::file_size(file.path), file_bytes);
  EXPECT_EQ(checkpointer.Follow(log_pages()), Advice::kNothing) << "once";
  grow(510);
  EXPECT_EQ(checkpointer.Follow(log_pages()), Advice::kNothing);
  grow(540);
  EXPECT_EQ(checkpointer.Follow(log_pages()), Advice::kFinish)
      << "a reader may have been in the way";
  EXPECT_EQ(checkpointer.Follow(3), Advice::kNothing) << "the log has begun anew";
  EXPECT_EQ(checkpointer.Follow(100), Advice::kNothing);
}

}  // namespace
}  // namespace txtchat::storage
