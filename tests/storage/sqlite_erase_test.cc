// What is erased or no longer kept is gone: for readers at once, and from the files as soon as
// nobody reads there.
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "storage/sqlite_handle.h"
#include "storage/sqlite_store.h"
#include "tests/storage/store_world.h"
#include "tests/testing/fault_vfs.h"

namespace txtchat::storage {
namespace {

constexpr UserKey kAlice = 1;
constexpr UserKey kBob = 2;
constexpr ChannelKey kNews = 7;
constexpr ChannelKey kTalk = 8;

/// So many bytes, each part of which names it.
std::string Secret(int number, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) absl::StrAppend(&text, "<secret ", number, ">");
  return text;
}

class ErasingTest : public ::testing::Test, protected StoreWorld {
 protected:
  void SetUp() override {
    Open();
    ASSERT_TRUE(Ok(Commit({Member(kAlice, "u1"), Member(kBob, "u2"), NewChannel(kNews, "news"),
                           NewChannel(kTalk, "talk")})));
  }
  /// The bytes of the database and of its log.
  std::string Files() const {
    std::stringstream bytes;
    for (const std::string& path : {database(), database() + "-wal"}) {
      if (std::filesystem::exists(path) && std::filesystem::file_size(path) > 0) {
        bytes << std::ifstream(path, std::ios::binary).rdbuf();
      }
    }
    return bytes.str();
  }
  bool InFiles(int secret) const {
    return absl::StrContains(Files(), absl::StrCat("<secret ", secret, ">"));
  }
  /// A connection beside the store that stays where it is.
  std::unique_ptr<Database> Reader() {
    auto reader = Database::Open({database(), options.vfs}, Database::Mode::kReadOnly);
    EXPECT_TRUE(reader.ok()) << reader.status();
    EXPECT_TRUE(Ok((*reader)->Execute("BEGIN; SELECT count(*) FROM events")));
    return *std::move(reader);
  }
  /// Goes on in what a killed process would have left.
  void KillAndOpen() {
    const std::string copy = directory / absl::StrCat("copy", ++copies_);
    CopyAsIfKilled(options.data_dir, copy);
    Close();
    options.data_dir = copy;
    Open();
  }
  std::string Authored(const std::string& user_id, std::size_t scan_max, std::size_t bytes_max) {
    std::string pages;
    AuthoredQuery query{.user_id = user_id, .scan_max = scan_max, .bytes_max = bytes_max};
    for (;;) {
      const absl::StatusOr<AuthoredPage> page = store->ReadAuthored(query);
      if (!page.ok()) return page.status().ToString();
      for (const EventPtr& event : page->messages) {
        absl::StrAppend(&pages, event->channel_id, "#", event->sequence, ".", event->text, " ");
      }
      if (page->done) return pages;
      pages += "| ";
      query.after_channel = page->last_channel;
      query.after_sequence = page->last_sequence;
    }
  }

 private:
  int copies_ = 0;
};

// --- One message.

TEST_F(ErasingTest, LeavesATombstoneThatIsFoundLikeTheMessage) {
  ASSERT_TRUE(Ok(Commit({Posts(kNews, kAlice, "one"), Posts(kNews, kAlice, "two", "id"),
                         Posts(kNews, kBob, "three")})));
  const EraseMessage erase = Erases(kNews, 2);
  ASSERT_TRUE(Ok(Commit({erase})));
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(Log(kNews), "1.one 2~u1 3.three");
    EXPECT_EQ(Page({kNews, 0, 9, 9, 99, false, /*messages_only=*/true}), "1.one 3.three");
    for (const auto& found : {store->FindSent(kAlice, "id"), store->FindEvent(kNews, 2)}) {
      ASSERT_TRUE(found.ok() && *found != nullptr);
      EXPECT_EQ(DescribeWhole(**found), DescribeWhole(*erase.tombstone));
    }
    EXPECT_EQ(store->FindSurplus({.bytes_max = 11}, 0, 9, 9)->size(), 0u);
    EXPECT_EQ(store->FindSurplus({.bytes_max = 10}, 0, 9, 9)->size(), 1u)
        << "what was erased counts as before";
    Open();
  }
}

TEST_F(ErasingTest, DoesNothingToWhatIsNotKeptOrIsNoMessage) {
  ASSERT_TRUE(Ok(Commit({Posts(kNews, kAlice, "one"), Comes(kNews, kBob)})));
  const auto erase_at = [](ChannelKey channel, std::uint64_t sequence) -> StoreChange {
    auto tombstone = std::make_shared<Event>();
    tombstone->sequence = sequence;
    tombstone->kind = EventKind::kMessageRemoved;
    return EraseMessage{channel, tombstone};
  };
  ASSERT_TRUE(Ok(Commit({erase_at(kNews, 2), erase_at(kNews, 3), erase_at(99, 1)})));
  EXPECT_EQ(Log(kNews), "1.one 2+u2");
  EXPECT_FALSE(store->NeedsPurge());
}

TEST_F(ErasingTest, TakesTheTextOutOfBothFilesWithTheCommit) {
  for (const std::size_t bytes : {std::size_t{100}, std::size_t{30} << 10}) {
    for (const bool copied : {false, true}) {
      const int secret = static_cast<int>(bytes) + (copied ? 1 : 0);
      const AppendEvent post = Posts(kNews, kAlice, Secret(secret, bytes));
      ASSERT_TRUE(Ok(Commit({post, Posts(kNews, kAlice, "after it")})));
      if (copied) Open();
      ASSERT_TRUE(InFiles(secret));
      ASSERT_TRUE(Ok(Commit({Erases(kNews, post.event->sequence)})));
      EXPECT_FALSE(InFiles(secret)) << bytes << " bytes, in the file: " << copied;
      EXPECT_FALSE(store->NeedsPurge());
    }
  }
}

TEST_F(ErasingTest, WaitsForAReaderThatStandsInTheWay) {
  ASSERT_TRUE(
      Ok(Commit({Posts(kNews, kAlice, Secret(1, 100)), Posts(kNews, kAlice, Secret(2, 30'000))})));
  std::unique_ptr<Database> reader = Reader();
  ASSERT_TRUE(Ok(Commit({Erases(kNews, 1), Erases(kNews, 2)})));
  EXPECT_EQ(Log(kNews), "1~u1 2~u1") << "nobody new reads it";
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(InFiles(1));
    EXPECT_TRUE(InFiles(2));
    EXPECT_TRUE(store->NeedsPurge());
    ASSERT_TRUE(Ok(Commit({PurgeStep{}})));
    ASSERT_TRUE(Ok(Commit({Posts(kTalk, kAlice, "life goes on")})));
  }
  reader.reset();
  EXPECT_EQ(Purge(), 1);
  EXPECT_FALSE(InFiles(1));
  EXPECT_FALSE(InFiles(2));
  EXPECT_EQ(Log(kTalk), "1.life goes on 2.life goes on 3.life goes on");
}

TEST_F(ErasingTest, AsksAgainOnlyAfterAWhileIfItCouldNot) {
  options.empty_log_retry = absl::Hours(1);
  Open();
  ASSERT_TRUE(Ok(Commit({Posts(kNews, kAlice, "one"), Posts(kNews, kAlice, "two")})));
  const std::unique_ptr<Database> reader = Reader();
  ASSERT_TRUE(Ok(Commit({Erases(kNews, 1)})));
  EXPECT_FALSE(store->NeedsPurge());
}

TEST_F(ErasingTest, OpeningTakesOutWhatAKilledServerHasLeft) {
  ASSERT_TRUE(
      Ok(Commit({Posts(kNews, kAlice, Secret(1, 100)), Posts(kNews, kAlice, Secret(2, 30'000))})));
  const std::unique_ptr<Database> reader = Reader();
  ASSERT_TRUE(Ok(Commit({Erases(kNews, 1), Erases(kNews, 2)})));
  ASSERT_TRUE(InFiles(1) && InFiles(2));
  KillAndOpen();
  EXPECT_FALSE(InFiles(1));
  EXPECT_FALSE(InFiles(2));
  EXPECT_EQ(Log(kNews), "1~u1 2~u1");
  EXPECT_FALSE(store->NeedsPurge());
}

TEST_F(ErasingTest, ARefusedBatchErasesNothing) {
  ASSERT_TRUE(Ok(Commit({Posts(kNews, kAlice, "one")})));
  EXPECT_FALSE(Commit({Erases(kNews, 1), EraseUser{"u1", "gone"}, TrimChannel{99, 2}}).ok());
  EXPECT_EQ(Log(kNews), "1.one");
  EXPECT_FALSE(store->IsErasing());
  EXPECT_FALSE(store->NeedsPurge());
}

// --- What retention and the end of channels leave.

TEST_F(ErasingTest, TrimmedTextsLeaveTheFilesWhenThereIsNothingElseToDo) {
  ASSERT_TRUE(Ok(Commit({Posts(kNews, kAlice, Secret(1, 100)),
                         Posts(kNews, kAlice, Secret(2, 30'000)), Posts(kNews, kAlice, "kept")})));
  ASSERT_TRUE(Ok(Commit({TrimChannel{kNews, 2}})));
  ASSERT_TRUE(Ok(Commit({PurgeStep{}})));
  EXPECT_TRUE(InFiles(1)) << "retention was at work since the last step";
  ASSERT_TRUE(Ok(Commit({TrimChannel{kNews, 3}})));
  EXPECT_EQ(Purge(), 2);
  EXPECT_FALSE(InFiles(1));
  EXPECT_FALSE(InFiles(2));
  EXPECT_EQ(Log(kNews), "3.kept");
}

TEST_F(ErasingTest, TheTextsOfAnEndedChannelLeaveTheFiles) {
  ASSERT_TRUE(Ok(Commit({Posts(kNews, kAlice, Secret(1, 100)),
                         Posts(kNews, kAlice, Secret(2, 30'000)), DeleteChannel{kNews}})));
  EXPECT_EQ(Purge(), 2);
  EXPECT_FALSE(InFiles(1));
  EXPECT_FALSE(InFiles(2));
}

// secure_delete alone leaves copies where SQLite has moved rows: this is what ScrubbingVfs is for.
TEST_F(ErasingTest, NoCopyOfWhatIsGoneIsLeftWhereSqliteHasMovedIt) {
  options.durability = Durability::kNormal;
  Open();
  std::mt19937 random(3);
  std::set<int> gone;
  std::map<std::pair<ChannelKey, std::uint64_t>, int> kept;
  int next = 1;
  StoreBatch channels;
  for (ChannelKey channel = 100; channel < 110; ++channel) {
    channels.push_back(NewChannel(channel, absl::StrCat("c", channel)));
  }
  ASSERT_TRUE(Ok(Commit(channels)));
  for (int round = 0; round < 60; ++round) {
    StoreBatch batch;
    for (std::uint32_t i = 0; i < 50; ++i) {
      const ChannelKey channel = 100 + random() % 10;
      const std::size_t bytes = random() % 20 == 0 ? random() % 9000 : random() % 900;
      const AppendEvent post = Posts(channel, kAlice, Secret(next, bytes + 1));
      kept[{channel, post.event->sequence}] = next++;
      batch.push_back(post);
    }
    ASSERT_TRUE(Ok(Commit(batch)));
    StoreBatch erases;
    for (int i = 0; i < 10; ++i) {
      const auto erased =
          std::next(kept.begin(), static_cast<std::ptrdiff_t>(random() % kept.size()));
      erases.push_back(Erases(erased->first.first, erased->first.second));
      gone.insert(erased->second);
      kept.erase(erased);
    }
    ASSERT_TRUE(Ok(Commit(erases)));
  }
  const std::string files = Files();
  for (const int secret : gone) {
    EXPECT_FALSE(absl::StrContains(files, absl::StrCat("<secret ", secret, ">"))) << secret;
  }
  EXPECT_EQ(Count("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check<>'ok'"), 0);
}

// --- A user.

TEST_F(ErasingTest, ErasesAUserStepByStepInEveryChannel) {
  StoreBatch batch = {Comes(kNews, kAlice), Comes(kTalk, kBob)};
  for (int i = 0; i < 1300; ++i) batch.push_back(Posts(kNews, kAlice, Secret(1, 40)));
  batch.push_back(Posts(kTalk, kAlice, Secret(2, 30'000), "<alice's id>"));
  batch.push_back(Posts(kTalk, kBob, "Bob's"));
  batch.push_back(Acts(kTalk, kAlice, EventKind::kMemberKicked,
                       {.target_id = "u2", .target_name = "user2", .text = "reason"}));
  batch.push_back(Acts(kTalk, kBob, EventKind::kRoleChanged,
                       {.target_id = "u1", .target_name = "user1", .role = Role::kOwner}));
  batch.push_back(Goes(kTalk, kAlice));
  ASSERT_TRUE(Ok(Commit(batch)));
  ASSERT_TRUE(Ok(Commit({EraseUser{"u1", "somebody"}, DeleteUser{kAlice}})));
  EXPECT_TRUE(store->IsErasing());
  ASSERT_TRUE(Ok(Commit({PurgeStep{}})));
  EXPECT_EQ(Page({kNews, 0, 2, 9, 999}), "1+u1 2~u1");
  EXPECT_TRUE(absl::StrContains(Page({kNews, 1300, 1301, 9, 999}), "<secret 1>"))
      << "a step is small";
  KillAndOpen();
  EXPECT_TRUE(store->IsErasing());
  EXPECT_TRUE(store->NeedsPurge());
  Purge();
  EXPECT_FALSE(store->IsErasing());
  EXPECT_EQ(Count("SELECT count(*) FROM events WHERE kind=0"), 1);
  EXPECT_EQ(Count("SELECT count(*) FROM events WHERE user_name='user1'"), 0);
  std::string log;
  const EventPage talk = *store->Read({kTalk, 0, 99, 99, 999});
  for (const EventPtr& event : talk) {
    log += DescribeWhole(*event) + "\n";
  }
  EXPECT_EQ(log,
            "talk#1 at 1000 kind 1 by u2 (user2) []: \n"
            "talk#2 at 2000 kind 3 by u1 (somebody) []: \n"
            "talk#3 at 3000 kind 0 by u2 (user2) []: Bob's\n"
            "talk#4 at 4000 kind 5 by u1 (somebody) []: on u2 (user2) #0 until 0 role 0: reason\n"
            "talk#5 at 5000 kind 10 by u2 (user2) []: on u1 (somebody) #0 until 0 role 2: \n"
            "talk#6 at 6000 kind 2 by u1 (somebody) []: \n");
  EXPECT_FALSE(InFiles(1));
  EXPECT_FALSE(InFiles(2));
  EXPECT_FALSE(absl::StrContains(Files(), "user1"));
  EXPECT_FALSE(absl::StrContains(Files(), "alice's id"));
}

TEST_F(ErasingTest, ErasesWhatAUserHasCalledItsSends) {
  ASSERT_TRUE(Ok(Commit({Posts(kNews, kAlice, "one", "<alice's id 1>"),
                         Posts(kNews, kAlice, "two", "<alice's id 2>"),
                         Posts(kNews, kBob, "three", "<bob's id>")})));
  ASSERT_TRUE(Ok(Commit({Erases(kNews, 1)})));
  ASSERT_TRUE((*store->FindSent(kAlice, "<alice's id 1>")) != nullptr) << "to find it by";
  ASSERT_TRUE(absl::StrContains(Files(), "<alice's id 1>"));
  ASSERT_TRUE(Ok(Commit({EraseUser{"u1", "x"}})));
  Purge();
  EXPECT_FALSE(absl::StrContains(Files(), "<alice's id"));
  EXPECT_EQ(Count("SELECT count(*) FROM sends"), 1) << "though she is still there";
  EXPECT_EQ((*store->FindEvent(kNews, 1))->client_message_id, "");
  EXPECT_EQ((*store->FindSent(kBob, "<bob's id>"))->client_message_id, "<bob's id>");
  ASSERT_TRUE(Ok(Commit({TrimChannel{kNews, 3}})));
  EXPECT_EQ(Log(kNews), "3.three");
}

TEST_F(ErasingTest, ErasesOneUserAfterTheOtherAndOneWithoutEvents) {
  ASSERT_TRUE(
      Ok(Commit({Posts(kNews, kAlice, "a"), Posts(kNews, kBob, "b"), Posts(kNews, 3, "c")})));
  ASSERT_TRUE(Ok(Commit({EraseUser{"u1", "x"}, EraseUser{"u2", "y"}, EraseUser{"u2", "z"},
                         EraseUser{"nobody", "n"}})));
  EXPECT_EQ(Purge(), 3);
  EXPECT_EQ(Log(kNews), "1~u1 2~u2 3.c");
  EXPECT_EQ(Count("SELECT count(*) FROM events WHERE user_name='z'"), 1);
  Open();
  EXPECT_FALSE(store->IsErasing());
}

TEST_F(ErasingTest, ErasesAGuestThatOnlyTheNurseryHasHeardOf) {
  ASSERT_TRUE(Ok(Commit(Guest(3, 30, "u3"))));
  ASSERT_TRUE(Ok(Commit({Comes(30, 3), EraseUser{"u3", "nobody"}})));
  Purge();
  EXPECT_EQ((*store->FindEvent(30, 1))->user_name, "nobody");
}

TEST_F(ErasingTest, ErasesAUserOfWhomReadersHaveAPage) {
  ASSERT_TRUE(Ok(Commit({Posts(kNews, kAlice, Secret(1, 100))})));
  std::unique_ptr<Database> reader = Reader();
  ASSERT_TRUE(Ok(Commit({EraseUser{"u1", "x"}})));
  ASSERT_TRUE(Ok(Commit({PurgeStep{}})));
  EXPECT_FALSE(store->IsErasing());
  EXPECT_TRUE(store->NeedsPurge()) << "it is still in the log";
  EXPECT_TRUE(InFiles(1));
  reader.reset();
  Purge();
  EXPECT_FALSE(InFiles(1));
}

// --- What a user has posted.

TEST_F(ErasingTest, ReadsWhatAUserHasPostedInSmallPages) {
  ASSERT_TRUE(
      Ok(Commit({Posts(kTalk, kAlice, "t1"), Comes(kNews, kAlice), Posts(kNews, kAlice, "n2"),
                 Posts(kNews, kBob, "n3"), Posts(kNews, kAlice, "n4"), Posts(kTalk, kAlice, "t2"),
                 Posts(kNews, kAlice, "n5")})));
  ASSERT_TRUE(Ok(Commit({Erases(kNews, 4)})));
  EXPECT_EQ(Authored("u1", 99, 99'999), "news#2.n2 news#5.n5 talk#1.t1 talk#2.t2 ");
  EXPECT_EQ(Authored("u1", 3, 99'999), "news#2.n2 | news#5.n5 talk#1.t1 | talk#2.t2 ");
  EXPECT_EQ(Authored("u1", 99, 600), "news#2.n2 news#5.n5 | talk#1.t1 talk#2.t2 ");
  EXPECT_EQ(Authored("u1", 99, 0), "news#2.n2 | news#5.n5 | talk#1.t1 | talk#2.t2 ");
  EXPECT_EQ(Authored("u2", 99, 99'999), "news#3.n3 ");
  EXPECT_EQ(Authored("u3", 1, 99), "| | | | | | | ");
  ASSERT_TRUE(Ok(Commit({DeleteChannel{kNews}})));
  EXPECT_EQ(Authored("u1", 99, 99'999), "talk#1.t1 talk#2.t2 ");
}

// --- A disk that fails.

TEST(ErasingFault, AnErasureHoldsThoughTheLogCouldNotBeEmptied) {
  for (const testing::FaultKind kind :
       {testing::FaultKind::kSyncError, testing::FaultKind::kWriteError,
        testing::FaultKind::kDiskFull}) {
    for (const testing::FaultTarget target :
         {testing::FaultTarget::kDatabase, testing::FaultTarget::kWal}) {
      auto vfs = testing::RegisterFaultVfs("sqlite_erase_test", false, {});
      ASSERT_TRUE(vfs.ok()) << vfs.status();
      StoreWorld world;
      world.options.vfs = (*vfs)->name();
      world.Open();
      ASSERT_TRUE(Ok(world.Commit({NewChannel(kNews, "news"), world.Posts(kNews, kAlice, "one"),
                                   world.Posts(kNews, kAlice, "two")})));
      // The commit itself writes and syncs the log, and goes well.
      const std::uint32_t skip = target == testing::FaultTarget::kDatabase ? 0
                                 : kind == testing::FaultKind::kSyncError  ? 1
                                                                           : 100;
      (*vfs)->SetFault({kind, target, /*once=*/true, skip});
      ASSERT_TRUE(Ok(world.Commit({world.Erases(kNews, 1)})));
      const bool failed = (*vfs)->faults_raised() > 0;
      (*vfs)->ClearFault();
      EXPECT_EQ(world.store->NeedsPurge(), failed);
      EXPECT_EQ(world.Log(kNews), "1~u1 2.two");
      world.Purge();
      EXPECT_FALSE(world.store->NeedsPurge());
      (*vfs)->DropUnsynced();
      world.Close();
      world.Open();
      EXPECT_EQ(world.Log(kNews), "1~u1 2.two");
      world.Close();
    }
  }
}

}  // namespace
}  // namespace txtchat::storage
