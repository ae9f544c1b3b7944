// Who is who: registration, sessions, presence, claims.
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/chat_harness.h"

namespace txtchat {
namespace {

using absl::StatusCode;
using testing::ChatHarness;

TEST(Register, MakesAPersonalChannelWithTheUsersId) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  EXPECT_EQ(chat.lane.SubscribedChannels(1), (std::vector<std::string>{"10.0.0.1:1000"}));
  EXPECT_EQ(chat.lane.Read(1, "10.0.0.1:1000"), "");
  ASSERT_TRUE(chat.Post(alice, "10.0.0.1:1000", "note to self").ok());
  EXPECT_EQ(chat.lane.Read(1, "10.0.0.1:1000"), "alice: note to self\n");
}

TEST(Register, AgainRenamesAndAnswersTheSameId) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const absl::StatusOr<Result> again =
      chat.Do(alice, Register{"10.0.0.1:1000", "alicia", "", {.id = 1, .lane = &chat.lane}});
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(std::get<Registered>(*again).user.id, "10.0.0.1:1000");
  ASSERT_TRUE(chat.Post(alice, "10.0.0.1:1000", "x").ok());
  EXPECT_EQ(chat.lane.Read(1, "10.0.0.1:1000"), "alicia: x\n");
  EXPECT_EQ(chat.engine().state().user_count(), 1u);
}

TEST(Register, AgainBringsBackThePersonalChannelThatWasLeft) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const std::string id = ChatHarness::AddressOf(1);
  const Register again{id, "alice", "", {.id = 1, .lane = &chat.lane}};
  ASSERT_TRUE(chat.Do(alice, Leave{id}).ok());
  EXPECT_EQ(chat.Do(alice, GetChannel{id}).status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(chat.Do(alice, again).ok());
  ASSERT_TRUE(chat.Post(alice, id, "made anew").ok());
  EXPECT_EQ(chat.lane.Read(1, id), "-alice\nalice: made anew\n");

  // Also when somebody else has kept it alive.
  const Actor bob = chat.LineGuest(2, "bob");
  ASSERT_TRUE(chat.JoinChannel(bob, id).ok());
  ASSERT_TRUE(chat.Do(alice, Leave{id}).ok());
  ASSERT_TRUE(chat.Do(alice, again).ok());
  ASSERT_TRUE(chat.Post(alice, id, "back").ok());
  EXPECT_EQ(chat.lane.Read(2, id), "+bob\n-alice\n+alice\nalice: back\n");
}

TEST(Register, RefusesABadNameAndLeavesNobodyBehind) {
  ChatHarness chat;
  const absl::StatusOr<Result> refused =
      chat.Do({.session = 1}, Register{"10.0.0.1:1000", "", "", {.id = 1, .lane = &chat.lane}});
  EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(chat.engine().state().user_count(), 0u);
  EXPECT_EQ(chat.Do({.session = 1}, WhoAmI{}).status().code(), StatusCode::kUnauthenticated);
}

TEST(Register, OfAnAddressThatIsTakenEndsTheFormerConnection) {
  ChatHarness chat;
  chat.LineGuest(1, "former");
  const Actor bob = chat.LineGuest(2, "bob");
  ASSERT_TRUE(chat.JoinChannel(bob, "10.0.0.1:1000").ok());
  const Actor later{.session = 3};
  ASSERT_TRUE(
      chat.Do(later, Register{"10.0.0.1:1000", "later", "", {.id = 3, .lane = &chat.lane}}).ok());
  EXPECT_EQ(chat.lane.EndOf(1).code(), StatusCode::kAborted);
  ASSERT_TRUE(chat.Post(later, "10.0.0.1:1000", "private").ok());
  EXPECT_EQ(chat.lane.Read(2, "10.0.0.1:1000"), "+bob\n-former\n-bob\n")
      << "whom the former user let in does not hear the later one";
  EXPECT_EQ(chat.lane.Read(3, "10.0.0.1:1000").find("private") == std::string::npos, false);
}

TEST(LineGuests, EndWithTheirConnection) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const Actor bob = chat.LineGuest(2, "bob");
  const std::string id = chat.Create(alice, "general");
  ASSERT_TRUE(chat.JoinChannel(bob, id).ok());
  ASSERT_TRUE(chat.Close(1).ok());
  EXPECT_EQ(chat.engine().state().user_count(), 1u);
  EXPECT_EQ(chat.lane.Read(2, id), "+bob\n-alice\n");
  EXPECT_EQ(chat.Do(bob, GetChannel{"10.0.0.1:1000"}).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(chat.Do(alice, WhoAmI{}).status().code(), StatusCode::kUnauthenticated);
  EXPECT_TRUE(chat.Close(1).ok()) << "closing twice is fine";
}

TEST(LineGuests, LeaveTheirPersonalChannelToWhoeverIsInIt) {
  ChatHarness chat;
  chat.LineGuest(1, "alice");
  const Actor bob = chat.LineGuest(2, "bob");
  ASSERT_TRUE(chat.JoinChannel(bob, "10.0.0.1:1000").ok());
  ASSERT_TRUE(chat.Close(1).ok());
  EXPECT_TRUE(chat.Post(bob, "10.0.0.1:1000", "anyone?").ok());
  ASSERT_TRUE(chat.Do(bob, Leave{"10.0.0.1:1000"}).ok());
  EXPECT_EQ(chat.Do(bob, GetChannel{"10.0.0.1:1000"}).status().code(), StatusCode::kNotFound);
}

TEST(Claims, OfOthersAreRefusedAndOfNobodyAreIgnored) {
  ChatHarness chat;
  Actor alice = chat.LineGuest(1, "alice");
  chat.LineGuest(2, "bob");
  const auto code_of = [&](const std::string& claimed, bool is_address) {
    Actor claiming = alice;
    claiming.claimed_user_id = claimed;
    claiming.claim_is_address = is_address;
    return chat.Do(claiming, WhoAmI{}).status().code();
  };
  EXPECT_EQ(code_of("", false), StatusCode::kOk);
  EXPECT_EQ(code_of("10.0.0.1:1000", true), StatusCode::kOk);
  EXPECT_EQ(code_of("192.168.7.7:1234", true), StatusCode::kOk) << "its own side of a NAT";
  EXPECT_EQ(code_of("10.0.0.2:1000", true), StatusCode::kPermissionDenied);
  EXPECT_EQ(code_of("bob", false), StatusCode::kInvalidArgument);
}

TEST(Tokens, AreTheIdentity) {
  ChatHarness chat;
  const Actor alice = chat.TokenGuest("alice");
  const absl::StatusOr<Result> me = chat.Do(alice, WhoAmI{});
  ASSERT_TRUE(me.ok());
  EXPECT_EQ(std::get<Registered>(*me).user.id, "user-alice");
  EXPECT_EQ(chat.Do({.credential = "forged"}, WhoAmI{}).status().code(),
            StatusCode::kUnauthenticated);
  EXPECT_EQ(chat.Do({}, WhoAmI{}).status().code(), StatusCode::kUnauthenticated);
}

TEST(TokenGuests, EndAfterTheGracePeriodSinceTheirLastCall) {
  ChatHarness chat;
  const Actor alice = chat.TokenGuest("alice");
  chat.Pass(chat.limits.guest_grace_ms - 1);
  ASSERT_TRUE(chat.Do(alice, WhoAmI{}).ok());
  chat.Pass(chat.limits.guest_grace_ms - 1);
  EXPECT_EQ(chat.engine().state().user_count(), 1u);
  chat.Pass(1);
  EXPECT_EQ(chat.engine().state().user_count(), 0u);
  EXPECT_EQ(chat.engine().state().channel_count(), 0u);
  EXPECT_EQ(chat.Do(alice, WhoAmI{}).status().code(), StatusCode::kUnauthenticated);
}

TEST(TokenGuests, LiveWhileTheyHaveASessionAndTheGracePeriodAfterIt) {
  ChatHarness chat;
  const Actor alice = chat.TokenGuest("alice");
  ASSERT_TRUE(chat.Open(alice, 1).ok());
  chat.Pass(10 * chat.limits.guest_grace_ms);
  EXPECT_EQ(chat.engine().state().user_count(), 1u);
  ASSERT_TRUE(chat.Close(1).ok());
  chat.Pass(chat.limits.guest_grace_ms - 1);
  EXPECT_EQ(chat.engine().state().user_count(), 1u);
  chat.Pass(1);
  EXPECT_EQ(chat.engine().state().user_count(), 0u);
}

TEST(Sessions, FollowLaterJoinsAndLeaves) {
  ChatHarness chat;
  const Actor alice = chat.TokenGuest("alice");
  const Actor bob = chat.LineGuest(9, "bob");
  const std::string id = chat.Create(bob, "general");
  ASSERT_TRUE(chat.Open(alice, 1).ok());
  EXPECT_EQ(chat.lane.SubscribedChannels(1), (std::vector<std::string>{"user-alice"}));
  ASSERT_TRUE(chat.JoinChannel(alice, id).ok());
  ASSERT_TRUE(chat.Post(bob, id, "welcome").ok());
  ASSERT_TRUE(chat.Do(alice, Leave{id}).ok());
  ASSERT_TRUE(chat.Post(bob, id, "bye").ok());
  EXPECT_EQ(chat.lane.Read(1, id), "+alice\nbob: welcome\n-alice\n");
}

TEST(Sessions, BeginAtTheHeadNotBefore) {
  ChatHarness chat;
  const Actor alice = chat.TokenGuest("alice");
  const std::string id = chat.Create(alice, "general");
  ASSERT_TRUE(chat.Post(alice, id, "before").ok());
  ASSERT_TRUE(chat.Open(alice, 1).ok());
  ASSERT_TRUE(chat.Post(alice, id, "after").ok());
  EXPECT_EQ(chat.lane.Read(1, id), "alice: after\n");
}

TEST(Sessions, WithChosenChannelsFollowOnlyThose) {
  ChatHarness chat;
  const Actor alice = chat.TokenGuest("alice");
  const std::string one = chat.Create(alice, "one");
  const std::string two = chat.Create(alice, "two");
  ASSERT_TRUE(chat.Open(alice, 1, {two}).ok());
  ASSERT_TRUE(chat.Post(alice, one, "1").ok());
  ASSERT_TRUE(chat.Post(alice, two, "2").ok());
  ASSERT_TRUE(chat.Do(alice, Leave{two}).ok());
  ASSERT_TRUE(chat.JoinChannel(alice, two).ok());
  EXPECT_EQ(chat.lane.Read(1),
            (std::map<std::string, std::string>{{two, "alice: 2\n-alice\n+alice\n"}}));
}

TEST(Sessions, ContinueAChosenChannelAfterRejoining) {
  ChatHarness chat;
  const Actor alice = chat.TokenGuest("alice");
  const std::string id = chat.Create(alice, "one");
  ASSERT_TRUE(chat.Open(alice, 1, {id}).ok());
  ASSERT_TRUE(chat.Do(alice, Leave{id}).ok());
  EXPECT_EQ(chat.lane.Read(1, id), "-alice\n");
  ASSERT_TRUE(chat.JoinChannel(alice, id).ok());
  EXPECT_EQ(chat.lane.Read(1, id), "+alice\n");
}

TEST(Sessions, AreNotGivenWhatHappenedWhileTheirUserWasAway) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const Actor bob = chat.LineGuest(2, "bob");
  const std::string id = chat.Create(alice, "general");
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(chat.JoinChannel(bob, id).ok());
    ASSERT_TRUE(chat.Post(alice, id, "heard").ok());
    ASSERT_TRUE(chat.Do(bob, Leave{id}).ok());
    ASSERT_TRUE(chat.Post(alice, id, "unheard").ok());
  }
  const std::string once = "+bob\nalice: heard\n-bob\n";
  EXPECT_EQ(chat.lane.Read(2, id), once + once + once) << "although it never read in between";
  EXPECT_TRUE(chat.lane.SubscribedChannels(2).size() == 1u);
}

TEST(Sessions, AreRefusedForChannelsThatAreUnknownOrNotJoined) {
  ChatHarness chat;
  const Actor alice = chat.TokenGuest("alice");
  const Actor bob = chat.TokenGuest("bob");
  const std::string id = chat.Create(bob, "his");
  EXPECT_EQ(chat.Open(alice, 1, {"nowhere"}).code(), StatusCode::kNotFound);
  EXPECT_EQ(chat.Open(alice, 1, {id}).code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(chat.engine().state().session_count(), 0u);
}

TEST(Sessions, OfOneUserAreBounded) {
  Limits limits;
  limits.sessions_per_user_max = 2;
  ChatHarness chat(limits);
  const Actor alice = chat.TokenGuest("alice");
  ASSERT_TRUE(chat.Open(alice, 1).ok());
  ASSERT_TRUE(chat.Open(alice, 2).ok());
  EXPECT_EQ(chat.Open(alice, 3).code(), StatusCode::kResourceExhausted);
  ASSERT_TRUE(chat.Close(1).ok());
  EXPECT_TRUE(chat.Open(alice, 3).ok());
}

TEST(Sessions, CanChangeTheirFormatWithoutLosingAnything) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const std::string id = chat.Create(alice, "general");
  ASSERT_TRUE(chat.Post(alice, id, "before").ok());
  ASSERT_TRUE(chat.Do(alice, SetFormat{WireFormat::kClassicLine}).ok());
  ASSERT_TRUE(chat.Post(alice, id, "between").ok());
  ASSERT_TRUE(chat.Do(alice, SetFormat{WireFormat::kProto}).ok());
  ASSERT_TRUE(chat.Post(alice, id, "after").ok());
  EXPECT_EQ(chat.lane.Read(1, id), "alice: before\nalice: between\nalice: after\n");
  ASSERT_TRUE(chat.Close(1).ok());
}

TEST(Lanes, AreWokenOnceForABatchHoweverManyEventsItHas) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const std::string id = chat.Create(alice, "general");
  const int before = chat.lane.wakes();
  for (int i = 0; i < 50; ++i) chat.Queue(alice, Send{id, "x", "", false});
  chat.RunBatch();
  EXPECT_EQ(chat.lane.wakes(), before + 1);
}

}  // namespace
}  // namespace txtchat
