// Users for whom somebody vouches.
#include <string>
#include <utility>
#include <variant>

#include "gtest/gtest.h"
#include "tests/testing/chat_harness.h"

namespace txtchat {
namespace {

using absl::StatusCode;
using testing::ChatHarness;

struct Gate {
  explicit Gate(Limits limits = {}) : chat(limits) {
    ann = chat.TokenGuest("ann");
    den = std::get<ChannelInfo>(*chat.Do(ann, CreateChannel{"den", ChannelKind::kPrivate})).id;
  }
  StatusCode Try(const Actor& actor, Command command) {
    return chat.Do(actor, std::move(command)).status().code();
  }

  ChatHarness chat;
  Actor ann;
  std::string den;
};

TEST(VouchedUser, BeginsWithItsFirstCommandWhateverThatIs) {
  Gate gate;
  const std::string open = gate.chat.Create(gate.ann, "open");
  EXPECT_EQ(gate.Try(gate.chat.VouchedFor("jwt:x:1", "bob"), Join{open}), StatusCode::kOk);
  EXPECT_EQ(gate.Try(gate.chat.VouchedFor("jwt:x:2", "cyd"), Send{"nowhere", "x"}),
            StatusCode::kNotFound);
  EXPECT_EQ(gate.chat.engine().state().account_count(), 2u);
  EXPECT_TRUE(gate.chat.Open(gate.chat.VouchedFor("jwt:x:3", "dan"), 3).ok());
  EXPECT_EQ(gate.chat.lane.SubscribedChannels(3).size(), 1u) << "its personal channel";
}

TEST(VouchedUser, IsTheSameWheneverTheSubjectIs) {
  Gate gate;
  const UserInfo bob = gate.chat.WhoIs(gate.chat.VouchedFor("jwt:x:1", "bob"));
  EXPECT_EQ(gate.chat.WhoIs(gate.chat.VouchedFor("jwt:x:1", "bob")).id, bob.id);
  EXPECT_EQ(gate.chat.WhoIs(gate.chat.VouchedFor("jwt:x:1", "")).display_name, "bob");
  const UserInfo robert = gate.chat.WhoIs(gate.chat.VouchedFor("jwt:x:1", "robert"));
  EXPECT_EQ(robert.id, bob.id);
  EXPECT_EQ(robert.display_name, "robert") << "a newer token names it anew";
  EXPECT_NE(gate.chat.WhoIs(gate.chat.VouchedFor("jwt:x:2", "bob")).id, bob.id);
  const UserInfo nameless = gate.chat.WhoIs(gate.chat.VouchedFor("jwt:x:3", ""));
  EXPECT_EQ(nameless.display_name, nameless.id);
  EXPECT_EQ(gate.Try(gate.chat.VouchedFor("jwt:x:4", "a$b"), WhoAmI{}),
            StatusCode::kInvalidArgument);
}

TEST(VouchedUser, IsNobodyWithoutWhoVouches) {
  Gate gate;
  const Actor bob = gate.chat.VouchedFor("jwt:x:1", "bob", 1'000);
  ASSERT_EQ(gate.Try(bob, WhoAmI{}), StatusCode::kOk);
  gate.chat.Pass(1'000);
  EXPECT_EQ(gate.Try(bob, WhoAmI{}), StatusCode::kUnauthenticated);
  EXPECT_EQ(gate.Try(gate.chat.VouchedFor("jwt:x:2", "cyd", 0), WhoAmI{}),
            StatusCode::kUnauthenticated);
  EXPECT_EQ(gate.chat.engine().state().account_count(), 1u);
}

TEST(VouchedUser, HasSessionsThatEndWithItsToken) {
  Gate gate;
  const Actor bob = gate.chat.VouchedFor("jwt:x:1", "bob", 10'000);
  const Actor later = gate.chat.VouchedFor("jwt:x:1", "bob", 20'000);
  ASSERT_TRUE(gate.chat.Open(bob, 1).ok());
  ASSERT_TRUE(gate.chat.Open(later, 2).ok());
  gate.chat.Pass(9'999);
  EXPECT_TRUE(gate.chat.lane.EndOf(1).ok());
  gate.chat.Pass(1);
  EXPECT_EQ(gate.chat.lane.EndOf(1).code(), StatusCode::kUnauthenticated);
  EXPECT_TRUE(gate.chat.lane.EndOf(2).ok());
  EXPECT_EQ(gate.Try(later, WhoAmI{}), StatusCode::kOk) << "the user stays";
}

TEST(VouchedUser, DoesNotChooseItsName) {
  Gate gate;
  ASSERT_TRUE(gate.chat.Open(gate.chat.VouchedFor("jwt:x:1", "bob"), 1).ok());
  const Command rename = Register{"", "robert", "", {.id = 1, .lane = &gate.chat.lane}};
  EXPECT_EQ(gate.Try({.session = 1}, rename), StatusCode::kFailedPrecondition);
  EXPECT_EQ(gate.Try(gate.chat.VouchedFor("jwt:x:2", "cyd"), Register{"id", "robert", "t", {}}),
            StatusCode::kFailedPrecondition)
      << "nor does it become a guest";
}

TEST(VouchedUser, OutlivesARestartWithItsMemberships) {
  Gate gate;
  const Actor bob = gate.chat.VouchedFor("jwt:x:1", "bob");
  const std::string id = gate.chat.WhoIs(bob).id;
  const std::string room = gate.chat.Create(bob, "room");
  gate.chat.Restart();
  EXPECT_EQ(gate.chat.WhoIs(bob).id, id);
  EXPECT_EQ(gate.Try(bob, SetTopic{room, "still the owner"}), StatusCode::kOk);
}

TEST(VouchedUser, IsTakenBackWithABatchThatIsRefused) {
  Gate gate;
  const Actor bob = gate.chat.VouchedFor("jwt:x:1", "bob");
  gate.chat.store.FailCommits(absl::UnavailableError("no disk"));
  EXPECT_EQ(gate.Try(bob, WhoAmI{}), StatusCode::kUnavailable);
  EXPECT_EQ(gate.chat.engine().state().account_count(), 0u);
  gate.chat.store.FailCommits(absl::OkStatus());
  ASSERT_EQ(gate.chat.WhoIs(bob).display_name, "bob");
  gate.chat.store.FailCommits(absl::UnavailableError("no disk"));
  EXPECT_EQ(gate.Try(gate.chat.VouchedFor("jwt:x:1", "robert"), WhoAmI{}),
            StatusCode::kUnavailable);
  gate.chat.store.FailCommits(absl::OkStatus());
  EXPECT_EQ(gate.chat.WhoIs(gate.chat.VouchedFor("jwt:x:1", "")).display_name, "bob");
}

TEST(VouchedUser, CanBeErased) {
  Gate gate;
  const Actor bob = gate.chat.VouchedFor("jwt:x:1", "bob");
  const std::string id = gate.chat.WhoIs(bob).id;
  ASSERT_EQ(gate.Try(bob, EraseUserData{}), StatusCode::kOk);
  EXPECT_EQ(gate.chat.keeping.erased_users(), std::vector<std::string>{id});
  EXPECT_NE(gate.chat.WhoIs(bob).id, id) << "who vouches for it makes it anew";
}

// --- What outlives an erasure.

/// bob, for whom somebody vouches, was in ann's den, and is held to something there.
struct Held : Gate {
  explicit Held(SanctionKind kind, std::int64_t duration_ms = 0, Limits limits = {})
      : Gate(limits) {
    bob = chat.VouchedFor("jwt:x:1", "bob", ChatHarness::kDayMs, {den});
    EXPECT_EQ(Try(bob, Join{den}), StatusCode::kOk);
    former_id = chat.WhoIs(bob).id;
    EXPECT_EQ(Try(ann, Sanction{den, kind, former_id, duration_ms, "spam"}), StatusCode::kOk);
  }
  std::vector<SanctionRow> Listed() {
    return std::get<SanctionList>(*chat.Do(ann, ListSanctions{den})).sanctions;
  }

  Actor bob;
  std::string former_id;
};

TEST(ErasedVouchedUser, ComesBackToItsBan) {
  Held held(SanctionKind::kBan);
  ASSERT_EQ(held.Try(held.bob, EraseUserData{}), StatusCode::kOk);
  EXPECT_NE(held.Try(held.bob, Join{held.den}), StatusCode::kOk);
  EXPECT_NE(held.chat.WhoIs(held.bob).id, held.former_id);
  ASSERT_EQ(held.Listed().size(), 1u);
  EXPECT_EQ(held.Listed()[0].subject, held.chat.WhoIs(held.bob).id);
  EXPECT_EQ(held.Listed()[0].subject_name, "bob");
  EXPECT_EQ(held.Listed()[0].reason, "spam");
}

TEST(ErasedVouchedUser, ComesBackToItsMuteHoweverOften) {
  Held held(SanctionKind::kMute);
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(held.Try(held.bob, EraseUserData{}), StatusCode::kOk);
    ASSERT_EQ(held.Try(held.bob, Join{held.den}), StatusCode::kOk);
    EXPECT_EQ(held.Try(held.bob, Send{held.den, "x"}), StatusCode::kPermissionDenied);
  }
  const Actor cyd = held.chat.VouchedFor("jwt:x:2", "bob", ChatHarness::kDayMs, {held.den});
  ASSERT_EQ(held.Try(cyd, Join{held.den}), StatusCode::kOk);
  EXPECT_EQ(held.Try(cyd, Send{held.den, "x"}), StatusCode::kOk) << "another subject";
}

TEST(ErasedVouchedUser, LeavesNeitherNameNorSubjectInItsBan) {
  Held held(SanctionKind::kBan);
  ASSERT_EQ(held.Try(held.bob, EraseUserData{}), StatusCode::kOk);
  const std::vector<SanctionRow> listed = held.Listed();
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].subject, "erased:68617368206f66206a77743a783a31");
  EXPECT_EQ(listed[0].subject_name, "(erased)");
  EXPECT_EQ(listed[0].user, 0u);
}

TEST(ErasedVouchedUser, IsHeldToItAfterRestarts) {
  Held held(SanctionKind::kMute);
  ASSERT_EQ(held.Try(held.bob, EraseUserData{}), StatusCode::kOk);
  held.chat.Restart();
  ASSERT_EQ(held.Try(held.bob, Join{held.den}), StatusCode::kOk);
  held.chat.Restart();
  EXPECT_EQ(held.Try(held.bob, Send{held.den, "x"}), StatusCode::kPermissionDenied);
}

TEST(ErasedVouchedUser, KeepsItsBanThroughRefusedBatches) {
  Held held(SanctionKind::kMute);
  held.chat.store.FailCommits(absl::UnavailableError("no disk"));
  EXPECT_EQ(held.Try(held.bob, EraseUserData{}), StatusCode::kUnavailable);
  held.chat.store.FailCommits(absl::OkStatus());
  EXPECT_EQ(held.Try(held.bob, Send{held.den, "x"}), StatusCode::kPermissionDenied);
  EXPECT_EQ(held.Listed()[0].subject, held.former_id);
  ASSERT_EQ(held.Try(held.bob, EraseUserData{}), StatusCode::kOk);
  held.chat.store.FailCommits(absl::UnavailableError("no disk"));
  EXPECT_EQ(held.Try(held.bob, WhoAmI{}), StatusCode::kUnavailable);
  held.chat.store.FailCommits(absl::OkStatus());
  EXPECT_EQ(held.Listed()[0].user, 0u);
  ASSERT_EQ(held.Try(held.bob, Join{held.den}), StatusCode::kOk);
  EXPECT_EQ(held.Try(held.bob, Send{held.den, "x"}), StatusCode::kPermissionDenied);
}

TEST(ErasedVouchedUser, IsFreeWhenItsBanHasEndedOrWasTakenBack) {
  Held ends(SanctionKind::kBan, 10'000);
  ASSERT_EQ(ends.Try(ends.bob, EraseUserData{}), StatusCode::kOk);
  ends.chat.Pass(10'000);
  EXPECT_EQ(ends.Try(ends.bob, Join{ends.den}), StatusCode::kOk);
  EXPECT_TRUE(ends.Listed().empty());

  Held pardoned(SanctionKind::kBan);
  ASSERT_EQ(pardoned.Try(pardoned.bob, EraseUserData{}), StatusCode::kOk);
  const Pardon pardon{pardoned.den, SanctionKind::kBan, pardoned.Listed()[0].subject};
  ASSERT_EQ(pardoned.Try(pardoned.ann, pardon), StatusCode::kOk);
  EXPECT_EQ(pardoned.Try(pardoned.bob, Join{pardoned.den}), StatusCode::kOk);
}

TEST(ErasedVouchedUser, CountsAmongTheBansOfTheChannel) {
  Limits limits;
  limits.sanctions_per_channel_max = 1;
  Held held(SanctionKind::kBan, 0, limits);
  ASSERT_EQ(held.Try(held.bob, EraseUserData{}), StatusCode::kOk);
  const Sanction another{held.den, SanctionKind::kBan, "192.0.2.1"};
  EXPECT_EQ(held.Try(held.ann, another), StatusCode::kResourceExhausted);
  held.chat.WhoIs(held.bob);
  EXPECT_EQ(held.Try(held.ann, another), StatusCode::kResourceExhausted);
  EXPECT_EQ(held.Listed().size(), 1u);
}

TEST(ErasedVouchedUser, WasVouchedForWhenItWasErased) {
  Held held(SanctionKind::kMute);
  ASSERT_TRUE(held.chat.Open(held.bob, 1).ok());
  EXPECT_EQ(held.Try({.session = 1}, EraseUserData{}), StatusCode::kFailedPrecondition);
  EXPECT_EQ(held.Listed()[0].subject, held.former_id);
}

TEST(ErasedVouchedUser, HasItsBansEndWithTheirChannel) {
  Held held(SanctionKind::kBan);
  ASSERT_EQ(held.Try(held.bob, EraseUserData{}), StatusCode::kOk);
  held.chat.store.FailCommits(absl::UnavailableError("no disk"));
  EXPECT_EQ(held.Try(held.ann, RemoveChannel{held.den}), StatusCode::kUnavailable);
  held.chat.store.FailCommits(absl::OkStatus());
  EXPECT_EQ(held.Listed().size(), 1u);
  ASSERT_EQ(held.Try(held.ann, RemoveChannel{held.den}), StatusCode::kOk);
  EXPECT_NE(held.chat.WhoIs(held.bob).id, "");
}

// --- Channels that a token names.

TEST(GrantedChannel, IsSeenAndJoined) {
  Gate gate;
  const Actor bob = gate.chat.VouchedFor("jwt:x:1", "bob", 60'000, {"other", gate.den});
  EXPECT_EQ(gate.Try(bob, GetChannel{gate.den}), StatusCode::kOk);
  EXPECT_EQ(gate.Try(bob, ListMembers{gate.den}), StatusCode::kPermissionDenied) << "not yet";
  ASSERT_EQ(gate.Try(bob, Join{gate.den}), StatusCode::kOk);
  ASSERT_EQ(gate.Try(bob, Leave{gate.den}), StatusCode::kOk);
  EXPECT_EQ(gate.Try(bob, Resume{{gate.den, 0, ""}}), StatusCode::kOk);
  const Actor without = gate.chat.VouchedFor("jwt:x:1", "bob");
  EXPECT_EQ(gate.Try(without, Send{gate.den, "a member stays one"}), StatusCode::kOk);
  ASSERT_EQ(gate.Try(without, Leave{gate.den}), StatusCode::kOk);
  EXPECT_EQ(gate.Try(without, Join{gate.den}), StatusCode::kNotFound);
}

TEST(GrantedChannel, KeepsItsBans) {
  Gate gate;
  const Actor bob = gate.chat.VouchedFor("jwt:x:1", "bob", 60'000, {gate.den});
  const std::string id = gate.chat.WhoIs(bob).id;
  ASSERT_EQ(gate.Try(bob, Join{gate.den}), StatusCode::kOk);
  ASSERT_EQ(gate.Try(gate.ann, Sanction{gate.den, SanctionKind::kBan, id}), StatusCode::kOk);
  for (const Command& command :
       {Command(Join{gate.den}), Command(Resume{{gate.den, 0, ""}}), Command(GetChannel{gate.den}),
        Command(ListMembers{gate.den}), Command(OpenHistory{gate.den}), Command(Leave{gate.den})}) {
    EXPECT_EQ(gate.Try(bob, command), StatusCode::kNotFound)
        << command.index() << ": to whom it keeps out it is not there";
  }
  ASSERT_EQ(gate.Try(gate.ann, Pardon{gate.den, SanctionKind::kBan, id}), StatusCode::kOk);
  EXPECT_EQ(gate.Try(bob, GetChannel{gate.den}), StatusCode::kOk);
}

TEST(GrantedChannel, IsNoDirectConversation) {
  Gate gate;
  const Actor cyd = gate.chat.TokenGuest("cyd");
  const auto direct = std::get<ChannelInfo>(*gate.chat.Do(gate.ann, OpenDirect{"user-cyd"}));
  const Actor bob = gate.chat.VouchedFor("jwt:x:1", "bob", 60'000, {direct.id});
  EXPECT_EQ(gate.Try(bob, Join{direct.id}), StatusCode::kNotFound);
}

}  // namespace
}  // namespace txtchat
