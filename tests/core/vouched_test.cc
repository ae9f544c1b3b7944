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
  EXPECT_EQ(gate.Try(bob, Join{gate.den}), StatusCode::kPermissionDenied);
  EXPECT_EQ(gate.Try(bob, Resume{{gate.den, 0, ""}}), StatusCode::kPermissionDenied);
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
