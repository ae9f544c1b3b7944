// What holds when the disk fails, is full, or loses its power. The faults are simulated:
// tests/testing/fault_vfs.h.
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/sqlite_handle.h"
#include "storage/sqlite_store.h"
#include "tests/storage/store_world.h"
#include "tests/testing/fault_vfs.h"

namespace txtchat::storage {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using testing::Fault;
using testing::FaultKind;
using testing::FaultTarget;
using testing::FaultVfs;
using ::testing::HasSubstr;

constexpr ChannelKey kNews = 7;

/// A world whose disk can fail. Each of its messages has a text of its own, so that a log tells
/// which batches were kept.
class FaultyWorld : public StoreWorld {
 public:
  explicit FaultyWorld(const testing::FaultVfsOptions& vfs_options = {}) {
    auto registered = testing::RegisterFaultVfs("sqlite_fault_test", false, vfs_options);
    if (!registered.ok()) ADD_FAILURE() << registered.status();
    vfs = *std::move(registered);
    options.vfs = vfs->name();
    options.boot_id = "monday";
  }
  ~FaultyWorld() {
    vfs->ClearFault();
    Close();
  }

  /// Posts so many messages as one batch, and notes them in `kept` if that went well.
  absl::Status Post(int count = 1) {
    StoreBatch batch;
    std::string words;
    for (int i = 0; i < count; ++i) {
      const AppendEvent post = Posts(kNews, 1, absl::StrCat("m", ++messages_));
      batch.push_back(post);
      absl::StrAppend(&words, kept.empty() && words.empty() ? "" : " ", post.event->sequence, ".",
                      post.event->text);
    }
    absl::Status status = Commit(batch);
    if (status.ok()) {
      kept += words;
      possible.clear();
    } else {
      possible.push_back(kept + words);
    }
    return status;
  }
  void Begin() {
    Open();
    ASSERT_TRUE(Commit({Member(1, "alice"), NewChannel(kNews, "news"), Joins(kNews, 1)}).ok());
  }
  void CutPower() {
    vfs->DropUnsynced();
    Close();
  }
  std::string News() { return Log(kNews); }

  std::unique_ptr<FaultVfs> vfs;
  /// The log of all batches that were kept.
  std::string kept;
  /// And with one of those that were refused since.
  std::vector<std::string> possible;

 private:
  int messages_ = 0;
};

// --- A disk that fails.

TEST(SqliteFault, ABatchThatCouldNotBeSyncedIsRefusedAndNeverSeen) {
  FaultyWorld world;
  world.Begin();
  EXPECT_TRUE(Ok(world.Post()));
  world.vfs->SetFault({FaultKind::kSyncError, FaultTarget::kWal, /*once=*/true});
  const absl::Status refused = world.Post(50);
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr(world.database()));
  EXPECT_EQ(world.News(), world.kept);
  EXPECT_TRUE(Ok(world.Post())) << "the next one needs no help";
  EXPECT_TRUE(Ok(world.Post()));
  EXPECT_EQ(world.News(), world.kept);
  world.CutPower();
  world.Open();
  EXPECT_EQ(world.News(), world.kept);
}

TEST(SqliteFault, NothingIsKeptWhileTheDiskFailsAndServiceResumesWithIt) {
  for (const FaultKind kind :
       {FaultKind::kSyncError, FaultKind::kWriteError, FaultKind::kDiskFull}) {
    FaultyWorld world;
    world.Begin();
    EXPECT_TRUE(Ok(world.Post()));
    world.vfs->SetFault({kind});
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(world.Post(3).code(), kind == FaultKind::kDiskFull
                                          ? absl::StatusCode::kResourceExhausted
                                          : absl::StatusCode::kUnavailable);
      EXPECT_EQ(world.News(), world.kept) << "reading goes on";
      EXPECT_EQ(world.store->FirstKept(kNews), 1u);
    }
    world.vfs->ClearFault();
    EXPECT_TRUE(Ok(world.Post()));
    EXPECT_EQ(world.News(), world.kept);
    world.CutPower();
    world.Open();
    EXPECT_EQ(world.News(), world.kept);
  }
}

TEST(SqliteFault, GuestsComeAndGoWhileTheDiskFails) {
  FaultyWorld world;
  world.Begin();
  world.vfs->SetFault({FaultKind::kWriteError});
  EXPECT_FALSE(world.Post().ok());
  EXPECT_TRUE(Ok(world.Commit(Guest(3, 30, "[::1]:5000"))));
  EXPECT_TRUE(Ok(world.Commit({world.Comes(30, 3)})));
  EXPECT_FALSE(world.Commit({RenameUser{3, "Zoe"}, world.Posts(30, 3, "hello")}).ok());
  EXPECT_EQ(world.Log(30), "1+u3") << "it is taken back to where it was";
  EXPECT_TRUE(Ok(world.Commit({Leaves(30, 3), DeleteChannel{30}, DeleteUser{3}})));
  EXPECT_EQ(world.Log(30), "");
}

TEST(SqliteFault, AGuestIsStoredWithTheBatchThatHolds) {
  FaultyWorld world;
  world.Begin();
  EXPECT_TRUE(Ok(world.Commit(Guest(3, 30, "[::1]:5000"))));
  EXPECT_TRUE(Ok(world.Commit({world.Comes(30, 3)})));
  world.vfs->SetFault({FaultKind::kSyncError, FaultTarget::kWal, /*once=*/true});
  EXPECT_FALSE(world.Commit({world.Posts(30, 3, "hello")}).ok());
  EXPECT_TRUE(Ok(world.Commit({world.Posts(30, 3, "again")})));
  EXPECT_EQ(world.Log(30), "1+u3 2.again");
  world.CutPower();
  world.Open();
  EXPECT_EQ(world.Log(30), "1+u3 2.again");
  EXPECT_EQ(world.loaded.users.size(), 2u);
}

TEST(SqliteFault, ALookUpFailsAndSucceedsWithTheDisk) {
  FaultyWorld world;
  world.Begin();
  EXPECT_TRUE(Ok(world.Commit({world.Posts(kNews, 1, std::string(100'000, 'x'), "id")})));
  world.Open();  // With cold caches.
  world.vfs->SetFault({FaultKind::kReadError});
  EXPECT_EQ(world.store->Read({kNews, 0, 9, 9, 9}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(world.store->FindSent(1, "id").status().code(), absl::StatusCode::kUnavailable);
  world.vfs->ClearFault();
  EXPECT_EQ(world.Sent(1, "id").size(), 100'000u);
  EXPECT_EQ(world.store->Read({kNews, 0, 9, 9, 9})->size(), 1u);
}

TEST(SqliteFault, CommitsHoldThoughTheLogCannotBeCopiedIntoTheFile) {
  FaultyWorld world;
  world.options.wal_soft_bytes = 32 << 10;
  world.options.wal_hard_bytes = 64 << 10;
  world.Begin();
  world.vfs->SetFault({FaultKind::kSyncError, FaultTarget::kDatabase});
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(Ok(world.Post()));
  world.vfs->SetFault({FaultKind::kDiskFull, FaultTarget::kDatabase});
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(Ok(world.Post()));
  EXPECT_GT(world.vfs->faults_raised(), 0u);
  world.vfs->ClearFault();
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(Ok(world.Post()));
  EXPECT_EQ(world.News(), world.kept);
  world.CutPower();
  world.Open();
  EXPECT_EQ(world.News(), world.kept);
}

TEST(SqliteFault, PagesThatWereCopiedButNotSyncedAreCopiedAgainWhenASyncFails) {
  FaultyWorld world;
  world.options.wal_soft_bytes = 256 << 10;
  world.options.wal_hard_bytes = 256 << 10;
  world.Begin();
  EXPECT_TRUE(Ok(world.Post(50)));
  {
    // With a reader in the past, a checkpoint copies up to there and leaves the sync to the next.
    auto reader = Database::Open({world.database(), world.options.vfs}, Database::Mode::kReadOnly);
    auto copier = Database::Open({world.database(), world.options.vfs}, Database::Mode::kReadWrite);
    ASSERT_TRUE(reader.ok() && copier.ok());
    ASSERT_TRUE(Ok((*reader)->Execute("BEGIN; SELECT count(*) FROM events")));
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(Ok(world.Post()));
    const auto syncs = world.vfs->syncs().database;
    ASSERT_TRUE(Ok((*copier)->Execute("PRAGMA wal_checkpoint(PASSIVE)")));
    ASSERT_EQ(world.vfs->syncs().database, syncs);
  }
  world.vfs->SetFault({FaultKind::kSyncError, FaultTarget::kDatabase, /*once=*/true});
  while (world.vfs->faults_raised() == 0) ASSERT_TRUE(Ok(world.Post()));
  const auto syncs = world.vfs->syncs().database;
  while (world.vfs->syncs().database < syncs + 3) {
    ASSERT_TRUE(Ok(world.Post()));
    ASSERT_EQ(world.News(), world.kept);
  }
  world.CutPower();
  world.Open();
  EXPECT_EQ(world.News(), world.kept);
}

TEST(SqliteFault, NothingMoreIsAcceptedWhenAFailingDiskTookCommitsOfNormalDurability) {
  FaultyWorld world;
  world.options.durability = Durability::kNormal;
  world.options.wal_soft_bytes = 256 << 10;
  world.options.wal_hard_bytes = 256 << 10;
  world.Begin();
  const std::string epoch = world.loaded.epoch;
  world.vfs->SetFault({FaultKind::kSyncError, FaultTarget::kWal, /*once=*/true});
  while (world.vfs->faults_raised() == 0) ASSERT_TRUE(Ok(world.Post()));
  // In the background; until that is told, a few more are taken.
  int posts = 0;
  while (world.Post().ok()) ASSERT_LT(++posts, 10'000);
  for (int i = 0; i < 3; ++i) {
    const absl::Status status = world.Post();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("start the server again"));
  }
  EXPECT_TRUE(Ok(world.Commit(Guest(3, 30, "[::1]:5000"))));
  world.Open();
  EXPECT_NE(world.loaded.epoch, epoch);
  const std::string log = world.News();
  EXPECT_EQ(world.kept.substr(0, log.size()), log);
}

TEST(SqliteFault, OpensWhenTheDiskIsWellAgainWhereverItFailedBefore) {
  for (const FaultKind kind : {FaultKind::kSyncError, FaultKind::kWriteError, FaultKind::kReadError,
                               FaultKind::kDiskFull}) {
    for (std::uint32_t skip = 0;; ++skip) {
      FaultyWorld world;
      world.vfs->SetFault({kind, FaultTarget::kAll, /*once=*/true, skip});
      const absl::Status status = world.TryOpen();
      if (!status.ok()) {
        EXPECT_THAT(status.code(),
                    AnyOf(absl::StatusCode::kUnavailable, absl::StatusCode::kResourceExhausted))
            << status;
      }
      const bool reached = world.vfs->faults_raised() > 0;
      world.vfs->ClearFault();
      world.CutPower();
      world.Open();
      EXPECT_TRUE(Ok(world.Commit({Member(1, "alice"), NewChannel(kNews, "news")})));
      EXPECT_TRUE(Ok(world.Post()));
      EXPECT_EQ(world.News(), world.kept);
      if (!reached) break;
      ASSERT_LT(skip, 200u);
    }
  }
}

TEST(SqliteFault, ClosingOnABrokenDiskLosesNothing) {
  for (const FaultKind kind : {FaultKind::kSyncError, FaultKind::kWriteError}) {
    for (std::uint32_t skip = 0; skip < 12; ++skip) {
      FaultyWorld world;
      world.Begin();
      EXPECT_TRUE(Ok(world.Post(5)));
      world.vfs->SetFault({kind, FaultTarget::kAll, /*once=*/false, skip});
      world.Close();
      world.CutPower();
      world.vfs->ClearFault();
      world.Open();
      EXPECT_EQ(world.News(), world.kept) << skip;
    }
  }
}

// --- Power cuts.

class PowerCut : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  void SetUp() override { std::cout << "seed " << GetParam() << "\n"; }
  testing::FaultVfsOptions Disk() const {
    // Without survivors, and with disks that keep some of what was never synced.
    return {.survive_probability = 0.25 * static_cast<double>(GetParam() % 4), .seed = GetParam()};
  }
};

TEST_P(PowerCut, WithFullDurabilityTakesNothingThatWasAcknowledged) {
  FaultyWorld world(Disk());
  world.options.wal_soft_bytes = 32 << 10;
  world.options.wal_hard_bytes = 64 << 10;
  world.Begin();
  const std::string epoch = world.loaded.epoch;
  std::mt19937_64 random(GetParam());
  for (int i = 0; i < 60; ++i) {
    EXPECT_TRUE(Ok(world.Post(static_cast<int>(random() % 8 + 1))));
    if (random() % 2 == 0) continue;
    world.CutPower();
    world.options.boot_id = absl::StrCat("boot ", i);
    world.Open();
    ASSERT_EQ(world.News(), world.kept) << i;
    ASSERT_EQ(world.loaded.epoch, epoch);
    ASSERT_EQ(world.loaded.users.size(), 1u);
  }
}

TEST_P(PowerCut, WithNormalDurabilityTakesTheNewestOnlyAndTheEpochTells) {
  FaultyWorld world(Disk());
  world.options.durability = Durability::kNormal;
  world.options.wal_soft_bytes = 32 << 10;
  world.options.wal_hard_bytes = 64 << 10;
  std::mt19937_64 random(GetParam());
  int lost = 0;
  world.Begin();
  for (int i = 0; i < 40; ++i) {
    for (std::uint64_t k = random() % 20; k > 0; --k) EXPECT_TRUE(Ok(world.Post(3)));
    const std::string epoch = world.loaded.epoch;
    world.CutPower();
    world.options.boot_id = absl::StrCat("boot ", i);
    world.Open();
    EXPECT_NE(world.loaded.epoch, epoch);
    if (world.loaded.channels.empty()) {  // Even its making was among the newest.
      EXPECT_TRUE(Ok(world.Commit({NewChannel(kNews, "news")})));
    }
    const std::string log = world.News();
    ASSERT_EQ(world.kept.substr(0, log.size()), log);
    if (log != world.kept) ++lost;
    world.kept = log;
  }
  EXPECT_GT(lost, 0) << "or else this is no test";
}

TEST_P(PowerCut, AndFaultsAtAnyMomentLeaveWhatWasAcknowledged) {
  FaultyWorld world(Disk());
  world.options.wal_soft_bytes = 32 << 10;
  world.options.wal_hard_bytes = 64 << 10;
  world.Begin();
  std::mt19937_64 random(GetParam());
  int refused = 0;
  for (int i = 0; i < 150; ++i) {
    if (random() % 2 == 0) {
      constexpr FaultKind kKinds[] = {FaultKind::kSyncError, FaultKind::kWriteError,
                                      FaultKind::kDiskFull};
      constexpr FaultTarget kTargets[] = {FaultTarget::kAll, FaultTarget::kDatabase,
                                          FaultTarget::kWal};
      world.vfs->SetFault({kKinds[random() % 3], kTargets[random() % 3],
                           /*once=*/random() % 3 != 0, static_cast<std::uint32_t>(random() % 5)});
    }
    const bool kept = world.Post(static_cast<int>(random() % 20 + 1)).ok();
    if (!kept) ++refused;
    world.vfs->ClearFault();
    ASSERT_EQ(world.News(), world.kept) << i;
    if (random() % 8 != 0) continue;
    world.CutPower();
    world.Open();
    // One of the batches that were refused last may have reached the disk all the same. Whoever
    // sent it was told to try again, and is found by the client message id.
    world.possible.push_back(world.kept);
    world.kept = world.News();
    ASSERT_THAT(world.possible, Contains(world.kept)) << i;
    world.possible.clear();
  }
  EXPECT_GT(refused, 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, PowerCut, ::testing::Range<std::uint64_t>(1, 9));

}  // namespace
}  // namespace txtchat::storage
