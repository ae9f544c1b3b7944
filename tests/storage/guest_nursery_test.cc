#include "storage/guest_nursery.h"

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/storage/store_world.h"

namespace txtchat::storage {
namespace {

/// A nursery, and what it leaves to the store.
struct NurseryWorld {
  /// Takes the changes, and answers what the store would be told: what is handed back, and the
  /// changes themselves if they are the store's.
  std::string Take(const StoreBatch& batch) {
    StoreBatch stores;
    for (const StoreChange& change : batch) {
      if (!nursery.Take(change, &stores)) stores.push_back(change);
    }
    return Describe(stores);
  }
  std::string Keep(const StoreBatch& batch) {
    std::string told = Take(batch);
    nursery.Commit();
    return told;
  }
  AppendEvent Event(ChannelKey channel, std::uint64_t sequence,
                    EventKind kind = EventKind::kMemberJoined, const std::string& client_id = "") {
    auto event = std::make_shared<txtchat::Event>();
    event->sequence = sequence;
    event->kind = kind;
    event->user_id = "a";
    event->client_message_id = client_id;
    return {channel, 1, event};
  }
  std::string Log(ChannelKey channel) {
    const std::optional<EventPage> page =
        nursery.Read({.channel = channel, .up_to = UINT64_MAX, .events_max = 99, .bytes_max = 999});
    return page.has_value() ? Describe(*page) : "elsewhere";
  }

  GuestNursery nursery;
};

constexpr ChannelKey kOwn = 10;     // The guest's personal channel.
constexpr ChannelKey kStored = 20;  // One that the nursery has never heard of.

TEST(GuestNursery, KeepsAGuestAndItsChannelToItselfUntilTheyEnd) {
  NurseryWorld world;
  EXPECT_EQ(world.Keep(Guest(1, kOwn, "[::1]:5000")), "");
  EXPECT_EQ(world.Keep({world.Event(kOwn, 1), RenameUser{1, "new"}}), "");
  EXPECT_EQ(world.Log(kOwn), "1+a");
  EXPECT_EQ(world.Keep({world.Event(kOwn, 2, EventKind::kMemberLeft), Leaves(kOwn, 1),
                        DeleteChannel{kOwn}, DeleteUser{1}}),
            "");
  EXPECT_EQ(world.Log(kOwn), "elsewhere");
  EXPECT_TRUE(world.nursery.empty());
}

TEST(GuestNursery, LeavesEverythingElseToTheStore) {
  NurseryWorld world;
  EXPECT_EQ(world.Keep({Member(2, "bob"), NewChannel(kStored, "bob", /*personal=*/true),
                        Joins(kStored, 2), world.Event(kStored, 1), RenameUser{2, "new"},
                        TrimChannel{kStored, 2}, Leaves(kStored, 2), DeleteChannel{kStored},
                        DeleteUser{2}, PurgeStep{}}),
            "PutUser 2, PutChannel 20, PutMembership 20/2, AppendEvent 20#1, RenameUser 2, "
            "TrimChannel 20 to 2, DeleteMembership 20/2, DeleteChannel 20, DeleteUser 2, "
            "PurgeStep");
  EXPECT_TRUE(world.nursery.empty());
  EXPECT_EQ(world.Log(kStored), "elsewhere");
}

TEST(GuestNursery, StoresAGuestThatJoinsAStoredChannelButNotItsOwnChannel) {
  NurseryWorld world;
  world.Keep(Guest(1, kOwn, "a"));
  EXPECT_EQ(world.Keep({Joins(kStored, 1)}), "PutUser 1, PutMembership 20/1");
  EXPECT_EQ(world.Keep({RenameUser{1, "new"}}), "RenameUser 1") << "it is the store's now";
  EXPECT_EQ(world.Keep({world.Event(kOwn, 1)}), "");
  EXPECT_EQ(world.Log(kOwn), "1+a");
}

TEST(GuestNursery, StoresTheNameThatAGuestHasByThen) {
  NurseryWorld world;
  world.Keep(Guest(1, kOwn, "a"));
  world.Keep({RenameUser{1, "renamed"}});
  StoreBatch handed_back;
  world.nursery.Take(Joins(kStored, 1), &handed_back);
  ASSERT_EQ(handed_back.size(), 1u);
  EXPECT_EQ(std::get<PutUser>(handed_back[0]).user.display_name, "renamed");
}

TEST(GuestNursery, StoresAChannelWithAllThatBelongsToItWhenAMessageIsPosted) {
  NurseryWorld world;
  world.Keep(Guest(1, kOwn, "a"));
  world.Keep(Guest(2, 11, "b"));
  world.Keep({world.Event(kOwn, 1), Joins(kOwn, 2), world.Event(kOwn, 2)});
  EXPECT_EQ(world.Keep({world.Event(kOwn, 3, EventKind::kMessagePosted)}),
            "PutChannel 10, PutUser 1, PutMembership 10/1, PutUser 2, PutMembership 10/2, "
            "AppendEvent 10#1, AppendEvent 10#2, AppendEvent 10#3");
  EXPECT_EQ(world.Log(kOwn), "elsewhere");
  EXPECT_EQ(world.Keep({Joins(11, 1)}), "PutChannel 11, PutMembership 11/2, PutMembership 11/1")
      << "a stored user, guest or not, makes a channel worth storing; its owner is stored already";
}

TEST(GuestNursery, StoresAChannelThatAStoredUserJoins) {
  NurseryWorld world;
  world.Keep(Guest(1, kOwn, "a"));
  EXPECT_EQ(world.Keep({Joins(kOwn, 2), world.Event(kOwn, 1)}),
            "PutChannel 10, PutUser 1, PutMembership 10/1, PutMembership 10/2, AppendEvent 10#1");
}

TEST(GuestNursery, StoresAChannelWithItsSixteenthEvent) {
  NurseryWorld world;
  world.Keep(Guest(1, kOwn, "a"));
  for (std::uint64_t i = 1; i < GuestNursery::kEventsMax; ++i) {
    EXPECT_EQ(world.Keep({world.Event(kOwn, i)}), "") << i;
  }
  const std::string told = world.Keep({world.Event(kOwn, GuestNursery::kEventsMax)});
  EXPECT_EQ(told.substr(0, 45), "PutChannel 10, PutUser 1, PutMembership 10/1,");
  EXPECT_EQ(told.substr(told.size() - 17), "AppendEvent 10#16") << told;
}

TEST(GuestNursery, StoresWhoeverSendsWithAClientMessageId) {
  NurseryWorld world;
  world.Keep(Guest(1, kOwn, "a"));
  EXPECT_EQ(world.Keep({world.Event(kStored, 1, EventKind::kMessagePosted, "id")}),
            "PutUser 1, AppendEvent 20#1");
  EXPECT_EQ(world.Keep({DeleteUser{1}}), "DeleteUser 1");
}

TEST(GuestNursery, KeepsRolesAndHandsThemBack) {
  NurseryWorld world;
  world.Keep(Guest(1, kOwn, "a"));
  world.Keep(Guest(2, 11, "b"));
  EXPECT_EQ(world.Keep({PutMembership{{kOwn, 1, Role::kOwner}}, Joins(kOwn, 2),
                        PutMembership{{kOwn, 2, Role::kModerator}}}),
            "");
  world.Take({PutMembership{{kOwn, 1, Role::kMember}}, Leaves(kOwn, 2)});
  world.nursery.RollBack();
  EXPECT_EQ(world.Keep({world.Event(kOwn, 1, EventKind::kMessagePosted)}),
            "PutChannel 10, PutUser 1, PutMembership 10/1 role 2, PutUser 2, PutMembership 10/2 "
            "role 1, AppendEvent 10#1");
}

TEST(GuestNursery, StoresAChannelThatIsModeratedOrDescribed) {
  const std::string channel = "PutChannel 10, PutUser 1, PutMembership 10/1, ";
  auto tombstone = std::make_shared<txtchat::Event>();
  tombstone->sequence = 1;
  const std::vector<std::pair<StoreChange, std::string>> changes = {
      {DescribeChannel{kOwn, "name", "topic"}, "DescribeChannel 10"},
      {PutSanction{Ban(kOwn, 9)}, "PutSanction 10/u9"},
      {PutInvite{InviteTo(kOwn, "i")}, "PutInvite i"},
      {EraseMessage{kOwn, tombstone}, "EraseMessage 10#1"},
      {NurseryWorld().Event(kOwn, 1, EventKind::kTopicChanged), "AppendEvent 10#1"},
  };
  for (const auto& [change, told] : changes) {
    NurseryWorld world;
    world.Keep(Guest(1, kOwn, "a"));
    EXPECT_EQ(world.Take({change}), channel + told);
    world.nursery.RollBack();
    EXPECT_EQ(world.Keep({change}), channel + told) << "after it was taken back";
    EXPECT_TRUE(world.nursery.empty());
  }
}

TEST(GuestNursery, StoresAGuestThatIsGivenATokenOrASanction) {
  NurseryWorld world;
  world.Keep(Guest(1, kOwn, "a"));
  world.Keep(Guest(2, 11, "b"));
  EXPECT_EQ(world.Keep({PutToken{TokenOf(1, "t")}}), "PutUser 1, PutToken t");
  EXPECT_EQ(world.Keep({PutSanction{Ban(kStored, 2)}}), "PutUser 2, PutSanction 20/u2");
  EXPECT_EQ(world.Log(kOwn), "");
  EXPECT_EQ(world.Keep({PutSanction{Ban(kStored, 0)}, DeleteToken{"t"}, DeleteInvite{"i"},
                        DeleteSanction{kStored, SanctionKind::kBan, "u2"}}),
            "PutSanction 20/u0, DeleteToken t, DeleteInvite i, DeleteSanction 20/u2");
}

TEST(GuestNursery, StoresAGuestThatComesToStayWithTheChannelsThatItIsIn) {
  for (const bool was_stored : {false, true}) {
    NurseryWorld world;
    world.Keep(Guest(1, kOwn, "a"));
    world.Keep(Guest(2, 11, "b"));
    world.Keep(Guest(3, 12, "c"));
    world.Keep({Joins(11, 1)});
    if (was_stored) world.Keep({Joins(kStored, 1)});
    const std::string told = was_stored
                                 ? "PutChannel 10, PutMembership 10/1, PutChannel 11, "
                                   "PutMembership 11/1, PutUser 2, PutMembership 11/2, PutUser 1"
                                 : "PutChannel 10, PutUser 1, PutMembership 10/1, PutChannel 11, "
                                   "PutMembership 11/1, PutUser 2, PutMembership 11/2, PutUser 1";
    EXPECT_EQ(world.Take({PutUser{Account(1, "a")}}), told);
    world.nursery.RollBack();
    EXPECT_EQ(world.Keep({PutUser{Account(1, "a")}}), told);
    EXPECT_EQ(world.Log(12), "") << "others stay";
    EXPECT_EQ(world.Keep({PutUser{Account(4, "d")}}), "PutUser 4");
  }
}

TEST(GuestNursery, StoresTheChannelsThatTellOfAUserToBeErased) {
  NurseryWorld world;
  world.Keep(Guest(1, kOwn, "a"));
  world.Keep(Guest(2, 11, "b"));
  world.Keep({world.Event(kOwn, 1)});
  EXPECT_EQ(world.Keep({EraseUser{"a", "gone"}}),
            "PutChannel 10, PutUser 1, PutMembership 10/1, AppendEvent 10#1, EraseUser a");
  EXPECT_EQ(world.Log(11), "");
}

TEST(GuestNursery, TrimsWhatItHolds) {
  NurseryWorld world;
  world.Keep(Guest(1, kOwn, "a"));
  world.Keep({world.Event(kOwn, 1), world.Event(kOwn, 2), world.Event(kOwn, 3)});
  EXPECT_EQ(world.Keep({TrimChannel{kOwn, 3}}), "");
  EXPECT_EQ(world.Log(kOwn), "3+a");
  EXPECT_EQ(world.nursery.FirstKept(kOwn), 3u);
  EXPECT_EQ(world.Keep({TrimChannel{kOwn, 4}}), "");
  EXPECT_EQ(world.Log(kOwn), "");
  EXPECT_EQ(world.nursery.FirstKept(kOwn), 4u);
  EXPECT_EQ(world.Keep({world.Event(kOwn, 4), Joins(kOwn, 2)}),
            "PutChannel 10, TrimChannel 10 to 4, PutUser 1, PutMembership 10/1, AppendEvent 10#4, "
            "PutMembership 10/2");
}

TEST(GuestNursery, AnswersPagesAsAStoreDoes) {
  NurseryWorld world;
  world.Keep(Guest(1, kOwn, "a"));
  for (std::uint64_t i = 1; i <= 5; ++i) world.Keep({world.Event(kOwn, i)});
  const auto read = [&](const EventQuery& query) { return Describe(*world.nursery.Read(query)); };
  EXPECT_EQ(read({kOwn, 1, 4, 99, 99}), "2+a 3+a 4+a");
  EXPECT_EQ(read({kOwn, 1, 4, 2, 99}), "2+a 3+a");
  EXPECT_EQ(read({kOwn, 1, 4, 2, 99, /*newest_first=*/true}), "4+a 3+a");
  EXPECT_EQ(read({kOwn, 0, 99, 99, 99, false, /*messages_only=*/true}), "");
  EXPECT_FALSE(world.nursery.Read({kStored, 0, 99, 99, 99}).has_value());
}

TEST(GuestNursery, ShowsNothingBeforeTheBatchIsKept) {
  NurseryWorld world;
  world.Take(Guest(1, kOwn, "a"));
  EXPECT_EQ(world.Log(kOwn), "elsewhere");
  world.nursery.Commit();
  EXPECT_EQ(world.Log(kOwn), "");
  world.Take({world.Event(kOwn, 1)});
  EXPECT_EQ(world.Log(kOwn), "");
  world.nursery.Commit();
  world.Take({world.Event(kOwn, 2, EventKind::kMessagePosted)});
  EXPECT_EQ(world.Log(kOwn), "1+a") << "the store does not hold it yet";
  world.nursery.Commit();
  EXPECT_EQ(world.Log(kOwn), "elsewhere");
}

TEST(GuestNursery, TakesBackEveryKindOfChange) {
  const auto changes = [](NurseryWorld& world) -> std::vector<StoreBatch> {
    return {
        {world.Event(kOwn, 2)},
        {world.Event(kOwn, 2, EventKind::kMessagePosted)},
        {Joins(kOwn, 2)},
        {Joins(kOwn, 3)},
        {Joins(kStored, 1)},
        {Leaves(kOwn, 1)},
        {RenameUser{1, "new"}},
        {TrimChannel{kOwn, 2}},
        {Leaves(kOwn, 1), DeleteChannel{kOwn}, DeleteUser{1}},
        {Member(1, "a")},
        Guest(4, 40, "d"),
    };
  };
  // What the nursery holds shows in what it hands back for one last message.
  const auto all = [](NurseryWorld& world) {
    StoreBatch stores;
    world.nursery.Take(world.Event(kOwn, 2, EventKind::kMessagePosted), &stores);
    std::string names;
    for (const StoreChange& change : stores) {
      if (const auto* user = std::get_if<PutUser>(&change)) names += user->user.display_name;
    }
    return Describe(stores) + " " + names;
  };
  const auto begin = [](NurseryWorld& world) {
    world.Keep(Guest(1, kOwn, "a"));
    world.Keep(Guest(2, 11, "b"));
    world.Keep({world.Event(kOwn, 1)});
  };
  NurseryWorld untouched;
  begin(untouched);
  const std::string expected = all(untouched);
  for (std::size_t i = 0; i < changes(untouched).size(); ++i) {
    NurseryWorld world;
    begin(world);
    world.Take(changes(world)[i]);
    world.nursery.RollBack();
    EXPECT_EQ(world.Log(kOwn), "1+a") << Describe(changes(world)[i]);
    EXPECT_EQ(all(world), expected) << Describe(changes(world)[i]);
  }
  // And all of them at once.
  NurseryWorld world;
  begin(world);
  world.Take(Guest(4, 40, "d"));
  world.Take({RenameUser{1, "new"}, Joins(kOwn, 2), world.Event(kOwn, 2), TrimChannel{kOwn, 2},
              Joins(kStored, 2), world.Event(kOwn, 3, EventKind::kMessagePosted), DeleteUser{4}});
  world.nursery.RollBack();
  EXPECT_EQ(world.Log(kOwn), "1+a");
  EXPECT_EQ(all(world), expected);
}

TEST(GuestNursery, AReaderNeverMissesAChannelThatMovesToTheStore) {
  // The store of this test: channels that it holds.
  std::atomic<std::uint64_t> stored_up_to = 0;
  std::atomic<std::uint64_t> announced = 0;
  std::atomic<bool> done = false;
  NurseryWorld world;
  std::uint64_t missed = 0;
  std::thread reader([&] {
    while (!done) {
      const std::uint64_t channel = announced;
      const bool here = world.nursery.Read({channel, 0, 99, 99, 99}).has_value();
      if (channel != 0 && !here && stored_up_to < channel) ++missed;
    }
  });
  for (std::uint64_t channel = 1; channel <= 2000; ++channel) {
    world.Keep(Guest(channel, channel, std::to_string(channel)));
    announced = channel;
    world.Take({world.Event(channel, 1, EventKind::kMessagePosted)});
    stored_up_to = channel;
    world.nursery.Commit();
  }
  done = true;
  reader.join();
  EXPECT_EQ(missed, 0u);
}

}  // namespace
}  // namespace txtchat::storage
