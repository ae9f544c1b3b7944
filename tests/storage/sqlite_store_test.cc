#include "storage/sqlite_store.h"

#include <filesystem>
#include <string>

#include "gtest/gtest.h"
#include "tests/storage/store_world.h"

namespace txtchat::storage {
namespace {

constexpr UserKey kAlice = 1;
constexpr UserKey kBob = 2;
constexpr ChannelKey kNews = 7;
constexpr ChannelKey kTalk = 8;

/// Alice and Bob, and a channel with both.
class SqliteStoreTest : public ::testing::Test, protected StoreWorld {
 protected:
  void SetUp() override {
    Open();
    ASSERT_TRUE(Ok(Commit({Member(kAlice, "alice"), Member(kBob, "bob"), NewChannel(kNews, "news"),
                           Joins(kNews, kAlice), Comes(kNews, kAlice), Joins(kNews, kBob),
                           Comes(kNews, kBob)})));
  }
};

TEST_F(SqliteStoreTest, BeginsEmptyWithAnEpoch) {
  StoreWorld fresh;
  fresh.Open();
  EXPECT_EQ(fresh.loaded.epoch.size(), 16u);
  EXPECT_EQ(fresh.loaded.epoch.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_TRUE(fresh.loaded.users.empty());
  EXPECT_TRUE(fresh.loaded.channels.empty());
  EXPECT_EQ(fresh.loaded.last_user_key, 0u);
  EXPECT_EQ(fresh.store->FirstKept(kNews), 1u);
  EXPECT_EQ(fresh.Log(kNews), "");
  EXPECT_EQ(fresh.Sent(kAlice, "id"), "none");
  EXPECT_NE(fresh.loaded.epoch, loaded.epoch);
}

TEST_F(SqliteStoreTest, HasEverythingBackWhenOpenedAgain) {
  ASSERT_TRUE(Ok(Commit({Posts(kNews, kAlice, "hello"), RenameUser{kBob, "Robert"},
                         NewChannel(kTalk, "talk", /*personal=*/true), Joins(kTalk, kBob)})));
  const std::string epoch = loaded.epoch;
  Open();
  EXPECT_EQ(loaded.epoch, epoch);
  EXPECT_EQ(Describe(loaded),
            "user 1 alice (user1) hash of alice\n"
            "user 2 bob (Robert) hash of bob\n"
            "channel 7 news (about news) made 1700000000007 head 3\n"
            "personal 8 talk (about talk) made 1700000000008 head 0\n"
            "member 7/1\nmember 7/2\nmember 8/2\n");
  EXPECT_EQ(loaded.last_user_key, kBob);
  EXPECT_EQ(loaded.last_channel_key, kTalk);
  EXPECT_EQ(Log(kNews), "1+u1 2+u2 3.hello");
}

TEST_F(SqliteStoreTest, KeepsEveryFieldAndEveryByteOfAnEvent) {
  AppendEvent append = Posts(kNews, kAlice, "");
  Event event = *append.event;
  event.channel_id = "news";
  event.time_unix_ms = -5;
  event.user_id = "[::1]:50412";
  event.user_name = "J\xc3\xbcrgen";
  event.text = std::string("a\0b \xf0\x9f\x8e\x89 ", 10) + std::string(40'000, 'x');
  event.client_message_id = std::string("\0\xff\x80'\"", 5);
  append.event = std::make_shared<Event>(event);
  ASSERT_TRUE(Ok(Commit({append})));
  Open();
  const auto page = store->Read({kNews, 2, 3, 9, 99});
  ASSERT_TRUE(page.ok() && page->size() == 1);
  EXPECT_EQ(DescribeWhole(*(*page)[0]), DescribeWhole(event));
  const auto found = store->FindSent(kAlice, event.client_message_id);
  ASSERT_TRUE(found.ok() && *found != nullptr);
  EXPECT_EQ(DescribeWhole(**found), DescribeWhole(event));
}

TEST_F(SqliteStoreTest, ReadsPagesInBothDirectionsWithinTheirBounds) {
  for (int i = 3; i <= 8; ++i) {
    ASSERT_TRUE(
        Ok(Commit({i == 5 ? Comes(kNews, 5) : Posts(kNews, kAlice, std::string(10, 'a' + i))})));
  }
  const auto sequences = [&](EventQuery query) {
    query.channel = kNews;
    std::string line;
    const EventPage page = *store->Read(query);
    for (const EventPtr& event : page) line += std::to_string(event->sequence);
    return line;
  };
  EXPECT_EQ(sequences({0, 0, 99, 99, 999}), "12345678");
  EXPECT_EQ(sequences({0, 2, 6, 99, 999}), "3456");
  EXPECT_EQ(sequences({0, 2, 99, 3, 999}), "345");
  EXPECT_EQ(sequences({0, 2, 99, 99, 25}), "345") << "one without a text between";
  EXPECT_EQ(sequences({0, 2, 99, 99, 5}), "3") << "never less than one";
  EXPECT_EQ(sequences({0, 2, 99, 0, 0}), "3");
  EXPECT_EQ(sequences({0, 8, 99, 99, 999}), "");
  EXPECT_EQ(sequences({0, 5, 5, 99, 999}), "");
  EXPECT_EQ(sequences({0, 0, UINT64_MAX, 99, 999}), "12345678");
  EXPECT_EQ(sequences({0, UINT64_MAX, UINT64_MAX, 99, 999}), "");
  EXPECT_EQ(sequences({0, 0, 99, 99, 999, /*newest_first=*/true}), "87654321");
  EXPECT_EQ(sequences({0, 2, 7, 3, 999, true}), "765");
  EXPECT_EQ(sequences({0, 0, 99, 99, 25, true}), "87");
  EXPECT_EQ(sequences({0, 0, 99, 99, 999, false, /*messages_only=*/true}), "34678");
  EXPECT_EQ(sequences({0, 0, 99, 3, 999, true, true}), "876");
  EXPECT_EQ(sequences({0, 0, 2, 99, 999, false, true}), "");
  EXPECT_EQ(Log(kTalk), "") << "of an unknown channel";
}

TEST_F(SqliteStoreTest, FindsASendByItsClientMessageIdAsLongAsItIsKept) {
  ASSERT_TRUE(Ok(Commit({Posts(kNews, kAlice, "first", "id"), Posts(kNews, kBob, "other", "id"),
                         Posts(kNews, kAlice, "second", "id2")})));
  EXPECT_EQ(Sent(kAlice, "id"), "first");
  EXPECT_EQ(Sent(kBob, "id"), "other");
  EXPECT_EQ(Sent(kBob, "id2"), "none");
  Open();
  EXPECT_EQ(Sent(kAlice, "id"), "first");
  ASSERT_TRUE(Ok(Commit({TrimChannel{kNews, 4}})));
  EXPECT_EQ(Sent(kAlice, "id"), "none");
  EXPECT_EQ(Sent(kAlice, "id2"), "second");
  EXPECT_EQ(Count("SELECT count(*) FROM sends"), 2);
}

TEST_F(SqliteStoreTest, ForgetsASendWithItsChannelAndTakesItsIdAgain) {
  ASSERT_TRUE(Ok(Commit({Posts(kNews, kAlice, "first", "id"), NewChannel(kTalk, "talk")})));
  ASSERT_TRUE(Ok(Commit({Leaves(kNews, kAlice), Leaves(kNews, kBob), DeleteChannel{kNews}})));
  EXPECT_EQ(Sent(kAlice, "id"), "none") << "though the purge has not come by";
  ASSERT_TRUE(Ok(Commit({Posts(kTalk, kAlice, "again", "id")})));
  EXPECT_EQ(Sent(kAlice, "id"), "again");
  Purge();
  EXPECT_EQ(Sent(kAlice, "id"), "again");
  Open();
  EXPECT_EQ(Sent(kAlice, "id"), "again");
}

TEST_F(SqliteStoreTest, TrimsAChannelAndKnowsItsHeadEvenIfNothingIsLeft) {
  ASSERT_TRUE(Ok(Commit({Posts(kNews, kAlice, "three"), Posts(kNews, kAlice, "four")})));
  EXPECT_EQ(store->FirstKept(kNews), 1u);
  ASSERT_TRUE(Ok(Commit({TrimChannel{kNews, 4}})));
  EXPECT_EQ(store->FirstKept(kNews), 4u);
  EXPECT_EQ(Log(kNews), "4.four");
  ASSERT_TRUE(Ok(Commit({TrimChannel{kNews, 2}})));
  EXPECT_EQ(store->FirstKept(kNews), 4u) << "never back";
  ASSERT_TRUE(Ok(Commit({TrimChannel{kNews, 5}})));
  EXPECT_EQ(store->FirstKept(kNews), 5u);
  EXPECT_EQ(Log(kNews), "");
  Open();
  EXPECT_EQ(loaded.channels[0].head, 4u);
  EXPECT_EQ(store->FirstKept(kNews), 5u);
  ASSERT_TRUE(Ok(Commit({Posts(kNews, kAlice, "five")})));
  EXPECT_EQ(Log(kNews), "5.five");
  EXPECT_EQ(store->FirstKept(kNews), 5u);
}

TEST_F(SqliteStoreTest, ForgetsAnEndedChannelAtOnceAndItsEventsStepByStep) {
  StoreBatch many;
  for (int i = 0; i < 1200; ++i) {
    many.push_back(Posts(kNews, kAlice, "x", i % 3 == 0 ? std::to_string(i) : ""));
  }
  ASSERT_TRUE(Ok(Commit(many)));
  EXPECT_FALSE(store->NeedsPurge());
  ASSERT_TRUE(Ok(Commit({DeleteChannel{kNews}})));
  EXPECT_TRUE(store->NeedsPurge());
  EXPECT_EQ(Log(kNews), "");
  EXPECT_EQ(store->FirstKept(kNews), 1u);
  EXPECT_EQ(Count("SELECT count(*) FROM memberships"), 0);
  Open();
  EXPECT_TRUE(loaded.channels.empty());
  EXPECT_TRUE(loaded.memberships.empty());
  EXPECT_EQ(loaded.last_channel_key, kNews) << "its events are still there";
  EXPECT_TRUE(store->NeedsPurge());
  EXPECT_EQ(Purge(), 4) << "and one that empties the log";
  EXPECT_EQ(Count("SELECT count(*) FROM events"), 0);
  EXPECT_EQ(Count("SELECT count(*) FROM sends"), 0);
  EXPECT_EQ(Count("SELECT count(*) FROM ended_channels"), 0);
}

TEST_F(SqliteStoreTest, PurgesManySmallChannelsInOneStep) {
  for (ChannelKey channel = 100; channel < 150; ++channel) {
    ASSERT_TRUE(Ok(Commit({NewChannel(channel, "c"), Posts(channel, kAlice, "x"),
                           Posts(channel, kAlice, "y"), DeleteChannel{channel}})));
  }
  EXPECT_EQ(Purge(), 2);
  EXPECT_EQ(Count("SELECT count(*) FROM events WHERE channel >= 100"), 0);
}

TEST_F(SqliteStoreTest, ForgetsAnEndedUserAndItsSendsButNotItsMessages) {
  StoreBatch many;
  for (int i = 0; i < 700; ++i) many.push_back(Posts(kNews, kBob, "x", std::to_string(i)));
  ASSERT_TRUE(Ok(Commit(many)));
  ASSERT_TRUE(Ok(Commit({Leaves(kNews, kBob), DeleteUser{kBob}, DeleteUser{kAlice}})));
  EXPECT_TRUE(store->NeedsPurge());
  EXPECT_EQ(Count("SELECT count(*) FROM ended_users"), 1) << "Alice has sent nothing";
  Open();
  EXPECT_TRUE(loaded.users.empty());
  EXPECT_EQ(loaded.last_user_key, kBob);
  EXPECT_EQ(Purge(), 2);
  EXPECT_EQ(Count("SELECT count(*) FROM sends"), 0);
  EXPECT_EQ(Count("SELECT count(*) FROM events"), 702);
}

TEST_F(SqliteStoreTest, RefusesABatchAsAWholeIfAChangeCannotFollow) {
  const std::int64_t users = Count("SELECT count(*) FROM users");
  const auto event_at = [](ChannelKey channel, std::uint64_t sequence) -> StoreChange {
    auto event = std::make_shared<Event>();
    event->sequence = sequence;
    return AppendEvent{channel, kAlice, event};
  };
  for (const StoreChange& wrong :
       {event_at(kTalk, 1), event_at(kNews, 3), event_at(kNews, 5), event_at(kNews, 0),
        StoreChange(TrimChannel{kTalk, 3}), StoreChange(NewChannel(kNews, "again"))}) {
    const absl::Status status =
        Commit({Member(30, "eve"), Posts(kNews, kAlice, "good"), TrimChannel{kNews, 3}, wrong});
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status << " " << Describe(wrong);
    EXPECT_EQ(Log(kNews), "1+u1 2+u2");
    EXPECT_EQ(store->FirstKept(kNews), 1u);
    EXPECT_EQ(Count("SELECT count(*) FROM users"), users);
  }
  ASSERT_TRUE(Ok(Commit({Posts(kNews, kAlice, "three")})));
  EXPECT_EQ(Log(kNews), "1+u1 2+u2 3.three");
}

TEST_F(SqliteStoreTest, MustBeLoadedFirst) {
  Close();
  auto opened = SqliteStore::Open(options);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ((*opened)->Commit({PurgeStep{}}).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(SqliteStoreTest, WritesNothingForGuestsThatComeAndGo) {
  ASSERT_TRUE(Ok(Commit({Posts(kNews, kAlice, "x")})));
  const auto bytes = std::filesystem::file_size(database() + "-wal");
  const auto changed = std::filesystem::last_write_time(database() + "-wal");
  for (UserKey user = 100; user < 1100; ++user) {
    const ChannelKey channel = 1000 + user;
    const std::string id = "[::1]:" + std::to_string(user);
    ASSERT_TRUE(Ok(Commit(Guest(user, channel, id))));
    ASSERT_TRUE(Ok(Commit({Comes(channel, user)})));
    EXPECT_EQ(Log(channel), "1+u" + std::to_string(user));
    ASSERT_TRUE(Ok(Commit(
        {Goes(channel, user), Leaves(channel, user), DeleteChannel{channel}, DeleteUser{user}})));
    EXPECT_EQ(Log(channel), "");
  }
  EXPECT_EQ(std::filesystem::file_size(database() + "-wal"), bytes);
  EXPECT_EQ(std::filesystem::last_write_time(database() + "-wal"), changed);
  Open();
  EXPECT_EQ(loaded.last_user_key, kBob);
}

TEST_F(SqliteStoreTest, StoresAGuestAndItsChannelWhenTheyAreWorthIt) {
  ASSERT_TRUE(Ok(Commit(Guest(3, 30, "[::1]:5000"))));
  ASSERT_TRUE(Ok(Commit({Comes(30, 3)})));
  ASSERT_TRUE(Ok(Commit(Guest(4, 40, "[::1]:5001"))));
  ASSERT_TRUE(Ok(Commit({Comes(40, 4), Joins(kNews, 4), Comes(kNews, 4)})));
  ASSERT_TRUE(Ok(Commit({Posts(30, 3, "hello"), RenameUser{3, "Zoe"}})));
  EXPECT_EQ(Log(30), "1+u3 2.hello");
  EXPECT_EQ(Log(40), "1+u4");
  Open();
  // The second guest's own channel was nobody's business.
  EXPECT_EQ(Describe(loaded),
            "user 1 alice (user1) hash of alice\n"
            "user 2 bob (user2) hash of bob\n"
            "user 3 [::1]:5000 (Zoe) \n"
            "user 4 [::1]:5001 (user4) \n"
            "channel 7 news (about news) made 1700000000007 head 3\n"
            "personal 30 [::1]:5000 (about [::1]:5000) made 1700000000030 head 2\n"
            "member 7/1\nmember 7/2\nmember 7/4\nmember 30/3\n");
  EXPECT_EQ(Log(30), "1+u3 2.hello");
  EXPECT_EQ(Log(40), "");
}

TEST_F(SqliteStoreTest, TakesTheNurseryBackWithABatchThatIsRefused) {
  ASSERT_TRUE(Ok(Commit(Guest(3, 30, "[::1]:5000"))));
  ASSERT_TRUE(Ok(Commit({Comes(30, 3)})));
  const AppendEvent wrong{kTalk, kAlice, Posts(kNews, kAlice, "x").event};
  EXPECT_FALSE(Commit({Posts(30, 3, "hello"), RenameUser{3, "Zoe"}, wrong}).ok());
  EXPECT_EQ(Log(30), "1+u3");
  EXPECT_EQ(Count("SELECT count(*) FROM channels WHERE key=30"), 0);
  ASSERT_TRUE(Ok(Commit({Posts(30, 3, "again")})));
  EXPECT_EQ(Log(30), "1+u3 2.again");
  Open();
  EXPECT_EQ(loaded.users.back().display_name, "user3");
}

}  // namespace
}  // namespace txtchat::storage
