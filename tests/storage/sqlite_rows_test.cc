// The rows of accounts, roles and moderation, acts among the events, and single events.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "storage/sqlite_handle.h"
#include "storage/sqlite_store.h"
#include "tests/storage/store_world.h"

namespace txtchat::storage {
namespace {

constexpr UserKey kAlice = 1;
constexpr UserKey kBob = 2;
constexpr ChannelKey kNews = 7;
constexpr ChannelKey kTalk = 8;

/// Alice and Bob, and a channel with both.
class SqliteRowsTest : public ::testing::Test, protected StoreWorld {
 protected:
  void SetUp() override {
    Open();
    ASSERT_TRUE(Ok(Commit({Member(kAlice, "alice"), Member(kBob, "bob"), NewChannel(kNews, "news"),
                           Joins(kNews, kAlice), Comes(kNews, kAlice), Joins(kNews, kBob),
                           Comes(kNews, kBob)})));
  }
};

TEST_F(SqliteRowsTest, HasAccountsRolesAndModerationBackWhenOpenedAgain) {
  PutChannel direct = NewChannel(kTalk, "talk");
  direct.channel.kind = ChannelKind::kDirect;
  direct.channel.topic = "of both";
  direct.channel.direct_first = kAlice;
  direct.channel.direct_second = kBob;
  SanctionRow address = Ban(kNews, 0);
  address.kind = SanctionKind::kMute;
  address.subject = "10.0.0.0/8";
  ASSERT_TRUE(Ok(Commit(
      {PutUser{Account(3, "u3")}, PutUser{Account(kBob, "bob")}, direct,
       DescribeChannel{kNews, "News", "what is new"}, PutMembership{{kNews, kAlice, Role::kOwner}},
       PutMembership{{kTalk, kBob, Role::kModerator}}, PutSanction{Ban(kNews, 3)},
       PutSanction{address}, PutToken{TokenOf(3, "t1")},
       PutToken{TokenOf(3, std::string("\0\xff", 2))}, PutInvite{InviteTo(kNews, "i1")}})));
  Open();
  const std::string rows =
      "user 1 alice (user1) hash of alice\n"
      "user 2 bob (user2)  kind 1 login of bob password of bob subject of bob\n"
      "user 3 u3 (user3)  kind 1 login of u3 password of u3 subject of u3\n"
      "channel 7 news (News) made 1700000000007 head 2 topic what is new\n"
      "channel 8 talk (about talk) made 1700000000008 head 0 kind 3 of 1 and 2 topic of both\n"
      "member 7/1 role 2\nmember 7/2\nmember 8/2 role 1\n"
      "sanction 7/u3 kind 0 (user3) user 3 until 1800000000000 for spam by u1 at 1700000000000\n"
      "sanction 7/10.0.0.0/8 kind 1 (user0) user 0 until 1800000000000 for spam by u1 at "
      "1700000000000\n";
  EXPECT_EQ(
      Describe(loaded),
      absl::StrCat(rows, "token ", std::string("\0\xff", 2), " id of ", std::string("\0\xff", 2),
                   " of 3 (phone) from 1700000000000 to 1800000000000\n"
                   "token t1 id of t1 of 3 (phone) from 1700000000000 to 1800000000000\n"
                   "invite i1 id of i1 to 7 until 1800000000000 uses 4000000000 by u1\n"));
}

TEST_F(SqliteRowsTest, ReplacesAndForgetsWhatBelongsToUsersAndChannels) {
  SanctionRow longer = Ban(kNews, kBob);
  longer.until_unix_ms = 0;
  InviteRow used = InviteTo(kNews, "i1");
  used.uses_left = 1;
  ASSERT_TRUE(Ok(Commit({PutSanction{Ban(kNews, kBob)}, PutSanction{longer},
                         PutToken{TokenOf(kBob, "t1")}, PutToken{TokenOf(kBob, "t2")},
                         PutToken{TokenOf(kAlice, "t3")}, PutInvite{InviteTo(kNews, "i1")},
                         PutInvite{used}, PutInvite{InviteTo(kNews, "i2")}})));
  ASSERT_TRUE(Ok(Commit(
      {DeleteToken{"t1"}, DeleteInvite{"i2"}, DeleteSanction{kNews, SanctionKind::kMute, "u2"}})));
  Open();
  ASSERT_EQ(loaded.sanctions.size(), 1u);
  EXPECT_EQ(loaded.sanctions[0].until_unix_ms, 0);
  ASSERT_EQ(loaded.invites.size(), 1u);
  EXPECT_EQ(loaded.invites[0].uses_left, 1u);
  EXPECT_EQ(loaded.tokens.size(), 2u);
  ASSERT_TRUE(Ok(Commit({Leaves(kNews, kBob), DeleteUser{kBob}})));
  Open();
  EXPECT_TRUE(loaded.sanctions.empty());
  ASSERT_EQ(loaded.tokens.size(), 1u);
  EXPECT_EQ(loaded.tokens[0].hash, "t3");
  ASSERT_TRUE(Ok(Commit({PutSanction{Ban(kNews, kAlice)}, DeleteChannel{kNews}})));
  Open();
  EXPECT_TRUE(loaded.sanctions.empty());
  EXPECT_TRUE(loaded.invites.empty());
}

TEST_F(SqliteRowsTest, KeepsActsWithTheirSizeAndFindsThemAgain) {
  const std::string hostile("1,0,0,0,0,0:'\0\xff", 15);
  const AppendEvent act = Acts(kNews, kAlice, EventKind::kBanned,
                               {.target_id = hostile,
                                .target_name = "B\xc3\xb6se",
                                .text = std::string(20'000, 'r'),
                                .target_sequence = 2,
                                .until_unix_ms = -1,
                                .role = Role::kModerator});
  ASSERT_TRUE(Ok(Commit({act, Acts(kNews, kAlice, EventKind::kTopicChanged, {.text = "new"}),
                         Posts(kNews, kAlice, "0123456789")})));
  for (int round = 0; round < 2; ++round) {
    const absl::StatusOr<EventPtr> found = store->FindEvent(kNews, 3);
    ASSERT_TRUE(found.ok() && *found != nullptr);
    ASSERT_NE((*found)->act, nullptr);
    EXPECT_EQ(*(*found)->act, *act.event->act);
    EXPECT_EQ((*found)->text, "");
    EXPECT_EQ(Log(kNews), "1+u1 2+u2 3*u1 4*u1 5.0123456789");
    // The encoded acts count; what is left after the first one is the second and the message.
    EXPECT_EQ(store->FindSurplus({.bytes_max = 20'100}, 0, 9, 9)->size(), 0u);
    EXPECT_EQ((*store->FindSurplus({.bytes_max = 20'000}, 0, 9, 9))[0].first_kept, 4u);
    Open();
  }
  ASSERT_TRUE(Ok(Commit({TrimChannel{kNews, 4}})));
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(store->FindSurplus({.bytes_max = 25}, 0, 9, 9)->size(), 0u);
    EXPECT_EQ((*store->FindSurplus({.bytes_max = 20}, 0, 9, 9))[0].first_kept, 5u);
    Open();
  }
}

TEST_F(SqliteRowsTest, ReportsAnActThatCannotBeReadAsDamage) {
  ASSERT_TRUE(Ok(Commit({Acts(kNews, kAlice, EventKind::kBanned, {.target_id = "u2"})})));
  Close();
  {
    auto beside = Database::Open({database(), ""}, Database::Mode::kReadWrite);
    ASSERT_TRUE(beside.ok());
    ASSERT_TRUE(Ok((*beside)->Execute("UPDATE events SET text='gibberish' WHERE sequence=3")));
  }
  Open();
  EXPECT_EQ(store->Read({kNews, 2, 3, 9, 9}).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(store->FindEvent(kNews, 3).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(SqliteRowsTest, FindsAnEventWhereverItIs) {
  StoreBatch guest = Guest(3, 30, "[::1]:5000");
  guest.push_back(Comes(30, 3));
  ASSERT_TRUE(Ok(Commit(guest)));
  const auto found = [&](ChannelKey channel, std::uint64_t sequence) {
    const absl::StatusOr<EventPtr> event = store->FindEvent(channel, sequence);
    if (!event.ok()) return event.status().ToString();
    return *event == nullptr ? "none" : Describe(EventPage{*event});
  };
  EXPECT_EQ(found(kNews, 2), "2+u2");
  EXPECT_EQ(found(30, 1), "1+u3") << "in the nursery";
  for (const std::uint64_t sequence : {std::uint64_t{0}, std::uint64_t{3}, UINT64_MAX}) {
    EXPECT_EQ(found(kNews, sequence), "none");
    EXPECT_EQ(found(30, sequence), "none");
  }
  EXPECT_EQ(found(kTalk, 1), "none");
  ASSERT_TRUE(Ok(Commit({TrimChannel{kNews, 2}})));
  EXPECT_EQ(found(kNews, 1), "none");
  ASSERT_TRUE(Ok(Commit({DeleteChannel{kNews}})));
  EXPECT_EQ(found(kNews, 2), "none") << "though the purge has not come by";
}

}  // namespace
}  // namespace txtchat::storage
