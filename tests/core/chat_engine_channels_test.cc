// Channels, memberships and messages, as the core decides them.
#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/chat_harness.h"

namespace txtchat {
namespace {

using absl::StatusCode;
using testing::ChatHarness;

TEST(Channels, HaveRandomIdsOfTenHexDigits) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const std::string id = chat.Create(alice, "general");
  EXPECT_EQ(id.size(), 10u);
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(chat.Create(alice, "general"), id);
}

TEST(Channels, GetAnotherIdWhenTheFirstIsTaken) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  std::vector<Envelope> batch(2);
  for (Envelope& envelope : batch) {
    envelope.command = CreateChannel{"same entropy"};
    envelope.actor = alice;
    envelope.entropy = 0xABCDEF0123456789;
  }
  chat.engine().Process(batch, 0);
  EXPECT_EQ(chat.engine().state().listed_channels().size(), 2u);
}

TEST(Channels, NumberTheirEventsFromOneWithoutHoles) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const std::string id = chat.Create(alice, "general");
  for (std::uint64_t expected = 2; expected <= 4; ++expected) {
    const absl::StatusOr<Result> posted = chat.Do(alice, Send{id, "x", "", false});
    ASSERT_TRUE(posted.ok());
    EXPECT_EQ(std::get<Posted>(*posted).event->sequence, expected);
  }
}

TEST(Channels, DeliverToEveryMemberTheSenderIncluded) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const Actor bob = chat.LineGuest(2, "bob");
  const std::string id = chat.Create(alice, "general");
  ASSERT_TRUE(chat.JoinChannel(bob, id).ok());
  ASSERT_TRUE(chat.Post(alice, id, "hello").ok());
  EXPECT_EQ(chat.lane.Read(1, id), "+bob\nalice: hello\n") << "not her own joining: she created it";
  EXPECT_EQ(chat.lane.Read(2, id), "+bob\nalice: hello\n");
}

TEST(Channels, ShowTheCreatorsJoiningToSessionsThatWantIt) {
  ChatHarness chat;
  const Actor alice = chat.TokenGuest("alice");
  ASSERT_TRUE(chat.Open(alice, 1).ok());
  const std::string id = chat.Create(alice, "general");
  EXPECT_EQ(chat.lane.Read(1, id), "+alice\n");
}

TEST(Join, IsAnsweredAgainToAMemberWithoutAnEvent) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const Actor bob = chat.LineGuest(2, "bob");
  const std::string id = chat.Create(alice, "general");
  ASSERT_TRUE(chat.JoinChannel(bob, id).ok());
  const absl::StatusOr<Result> again = chat.Do(bob, Join{id});
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(std::get<Joined>(*again).already_member);
  EXPECT_EQ(chat.lane.Read(1, id), "+bob\n");
}

TEST(Join, FindsAnotherUsersPersonalChannel) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const Actor bob = chat.LineGuest(2, "bob");
  ASSERT_TRUE(chat.JoinChannel(bob, ChatHarness::AddressOf(1)).ok());
  ASSERT_TRUE(chat.Post(bob, ChatHarness::AddressOf(1), "hi").ok());
  EXPECT_EQ(chat.lane.Read(1, ChatHarness::AddressOf(1)), "+bob\nbob: hi\n");
  EXPECT_TRUE(chat.Post(alice, ChatHarness::AddressOf(1), "yes?").ok());
}

TEST(Leave, EndsDeliveryAfterTheMembersOwnLeaving) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const Actor bob = chat.LineGuest(2, "bob");
  const std::string id = chat.Create(alice, "general");
  ASSERT_TRUE(chat.JoinChannel(bob, id).ok());
  ASSERT_TRUE(chat.Do(bob, Leave{id}).ok());
  ASSERT_TRUE(chat.Post(alice, id, "gone?").ok());
  EXPECT_EQ(chat.lane.Read(2, id), "+bob\n-bob\n");
  EXPECT_EQ(chat.lane.Read(1, id), "+bob\n-bob\nalice: gone?\n");
  EXPECT_EQ(chat.Post(bob, id, "let me in").code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(chat.Do(bob, Leave{id}).status().code(), StatusCode::kFailedPrecondition);
}

TEST(Leave, AndJoiningAgainContinuesWithTheNewMembership) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const Actor bob = chat.LineGuest(2, "bob");
  const std::string id = chat.Create(alice, "general");
  absl::StatusOr<Result> answer;
  chat.Queue(bob, Join{id});
  chat.Queue(bob, Leave{id});
  chat.Queue(alice, Send{id, "unheard", "", false});
  chat.Queue(bob, Join{id}, &answer);
  chat.RunBatch();
  ASSERT_TRUE(answer.ok());
  EXPECT_FALSE(std::get<Joined>(*answer).already_member);
  EXPECT_EQ(chat.lane.Read(1, id), "+bob\n-bob\nalice: unheard\n+bob\n");
  EXPECT_EQ(chat.lane.Read(2, id), "+bob\n-bob\n+bob\n");
}

TEST(Send, IsRefusedToUnknownChannelsAndStrangersAndWithBadText) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const Actor bob = chat.LineGuest(2, "bob");
  const std::string id = chat.Create(alice, "general");
  EXPECT_EQ(chat.Post(alice, "nowhere", "x").code(), StatusCode::kNotFound);
  EXPECT_EQ(chat.Post(bob, id, "x").code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(chat.Post(alice, id, "").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(chat.Post(alice, id, "\xFF").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(chat.Do(alice, Send{id, "x", std::string(65, 'i'), false}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_TRUE(chat.Do(alice, Send{id, "", "", /*allow_empty_text=*/true}).ok());
  EXPECT_EQ(chat.lane.Read(1, id), "alice: \n") << "a refused message leaves no trace";
}

TEST(Send, CarriesTheClientMessageId) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const std::string id = chat.Create(alice, "general");
  const absl::StatusOr<Result> posted =
      chat.Do(alice, Send{id, "x", std::string("\0\x01", 2), false});
  ASSERT_TRUE(posted.ok());
  EXPECT_EQ(std::get<Posted>(*posted).event->client_message_id, std::string("\0\x01", 2));
}

TEST(Queries, ListChannelsPageByPageWithoutPersonalOnes) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const Actor bob = chat.LineGuest(2, "bob");
  std::vector<std::string> created;
  for (int i = 0; i < 5; ++i) created.push_back(chat.Create(i % 2 == 0 ? alice : bob, "c"));

  std::vector<std::string> listed;
  std::string token;
  int pages = 0;
  do {
    const absl::StatusOr<Result> answer = chat.Do(bob, ListChannels{2, token, false});
    ASSERT_TRUE(answer.ok());
    const auto& page = std::get<ChannelPage>(*answer);
    for (const ChannelInfo& info : page.channels) listed.push_back(info.id);
    token = page.next_page_token;
    ++pages;
  } while (!token.empty());
  EXPECT_EQ(listed, created);
  EXPECT_EQ(pages, 3);

  const absl::StatusOr<Result> mine = chat.Do(bob, ListChannels{0, "", true});
  ASSERT_TRUE(mine.ok());
  ASSERT_EQ(std::get<ChannelPage>(*mine).channels.size(), 3u);
  EXPECT_EQ(std::get<ChannelPage>(*mine).channels[0].id, ChatHarness::AddressOf(2));
}

TEST(Queries, RefuseTokensOfOtherListsAndNonsense) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const std::string id = chat.Create(alice, "c");
  chat.Create(alice, "d");
  const absl::StatusOr<Result> page = chat.Do(alice, ListChannels{1, "", false});
  ASSERT_TRUE(page.ok());
  const std::string token = std::get<ChannelPage>(*page).next_page_token;
  ASSERT_FALSE(token.empty());
  for (const absl::StatusOr<Result>& answer :
       {chat.Do(alice, ListMembers{id, 1, token}), chat.Do(alice, ListChannels{1, token, true}),
        chat.Do(alice, ListChannels{1, "zzz", false}),
        chat.Do(alice, ListChannels{1, std::string(17, 'a') + "\xFF", false})}) {
    EXPECT_EQ(answer.status().code(), StatusCode::kInvalidArgument);
  }
}

TEST(Queries, ListMembersOnlyToMembers) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const Actor bob = chat.TokenGuest("bob");
  const std::string id = chat.Create(alice, "c");
  EXPECT_EQ(chat.Do(bob, ListMembers{id, 0, ""}).status().code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(chat.Do(bob, ListMembers{"x", 0, ""}).status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(chat.JoinChannel(bob, id).ok());
  const absl::StatusOr<Result> answer = chat.Do(bob, ListMembers{id, 0, ""});
  ASSERT_TRUE(answer.ok());
  const auto& members = std::get<MemberPage>(*answer).members;
  ASSERT_EQ(members.size(), 2u);
  EXPECT_EQ(members[0].user.display_name, "alice");
  EXPECT_EQ(members[1].user.id, "user-bob");
}

TEST(Queries, TellHeadAndMembersOfAChannel) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const Actor bob = chat.LineGuest(2, "bob");
  const std::string id = chat.Create(alice, "general");
  ASSERT_TRUE(chat.Post(alice, id, "x").ok());
  const absl::StatusOr<Result> answer = chat.Do(bob, GetChannel{id});
  ASSERT_TRUE(answer.ok());
  const auto& info = std::get<ChannelInfo>(*answer);
  EXPECT_EQ(info.display_name, "general");
  EXPECT_EQ(info.head_sequence, 2u);
  EXPECT_EQ(info.member_count, 1u);
  EXPECT_EQ(info.create_time_unix_ms, chat.clock.NowUnixMs());
}

TEST(TableLimits, RefuseWhatDoesNotFitAndSayWhich) {
  Limits limits;
  limits.users_max = 2;
  limits.channels_max = 3;
  limits.channels_per_user_max = 2;
  limits.members_per_channel_max = 1;
  ChatHarness chat(limits);
  const Actor alice = chat.LineGuest(1, "alice");
  const Actor bob = chat.LineGuest(2, "bob");
  EXPECT_EQ(chat.Do({.session = 3}, Register{"10.0.0.3:1", "carol", "", {.id = 3}}).status().code(),
            StatusCode::kResourceExhausted);
  const std::string id = chat.Create(alice, "one");
  EXPECT_EQ(chat.Do(alice, CreateChannel{"two"}).status().code(), StatusCode::kResourceExhausted)
      << "her personal channel counts";
  EXPECT_EQ(chat.JoinChannel(bob, id).code(), StatusCode::kResourceExhausted);
  chat.Create(bob, "two");
  ASSERT_TRUE(chat.Do(bob, Leave{ChatHarness::AddressOf(2)}).ok());
  chat.Create(bob, "three");
  ASSERT_TRUE(chat.Post(alice, id, "something").ok());
  ASSERT_TRUE(chat.Do(alice, Leave{id}).ok());
  EXPECT_EQ(chat.Do(alice, CreateChannel{"four"}).status().code(), StatusCode::kResourceExhausted)
      << "the table of channels is full";
}

TEST(TableLimits, GuestsLeaveTheLastSixteenthToOthers) {
  Limits limits;
  limits.users_max = 32;
  ChatHarness chat(limits);
  for (SessionId id = 1; id <= 30; ++id) chat.LineGuest(id, "guest " + std::to_string(id));
  const absl::Status refusal =
      chat.Do({.session = 31}, Register{"10.0.0.31:1", "late", "", {.id = 31, .lane = &chat.lane}})
          .status();
  EXPECT_EQ(refusal.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(refusal.message(),
            "the server has its most guests (30 users, and room for accounts only); try again "
            "later, or log in");
  chat.Account("alice");
  const CreateAccount another{"account-eve", "eve", "eve", "hash", {"token", "id", "", 1'000}};
  EXPECT_EQ(chat.Do({}, another).status().message(),
            "the server has its most users (31); try again later")
      << "half of it is for those for whom somebody vouches";
  const Actor bob = chat.VouchedFor("jwt:x:bob", "bob");
  EXPECT_NE(chat.WhoIs(bob).id, "");
  EXPECT_EQ(chat.Do(chat.VouchedFor("jwt:x:cyd", "cyd"), WhoAmI{}).status().message(),
            "the server has its most users (32); try again later");
}

TEST(TableLimits, PersonalChannelsThatGuestsLeftBehindKeepNobodyElseOut) {
  Limits limits;
  limits.users_max = 16;
  limits.empty_channel_ttl_ms = 1'000'000'000;
  ChatHarness chat(limits);
  const Actor alice = chat.Account("alice");
  // Guests come and go, and she stays in the channel of each: one for each of the 32, but for what
  // is kept for others.
  SessionId id = 1;
  absl::Status refusal;
  for (; id < 100; ++id) {
    const std::string address = ChatHarness::AddressOf(id);
    refusal = chat.Do({.session = id}, Register{address, "g", "", {.id = id, .lane = &chat.lane}})
                  .status();
    if (!refusal.ok()) break;
    ASSERT_TRUE(chat.JoinChannel(alice, address).ok());
    ASSERT_TRUE(chat.Close(id).ok());
  }
  EXPECT_EQ(id, 31u);
  EXPECT_EQ(refusal.message(), "the server has its most personal channels (31); try again later");
  chat.Account("bob");
}

TEST(TableLimits, UnusedChannelsGiveWayTheOldestFirst) {
  Limits limits;
  limits.channels_max = 3;
  ChatHarness chat(limits);
  const Actor alice = chat.LineGuest(1, "alice");
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(chat.Create(alice, "channel"));
    chat.Pass(1);
  }
  ASSERT_TRUE(chat.Post(alice, ids[0], "something").ok());
  for (const std::string& id : ids) ASSERT_TRUE(chat.Do(alice, Leave{id}).ok());
  const std::string fourth = chat.Create(alice, "fourth");
  EXPECT_TRUE(chat.Do(alice, GetChannel{ids[0]}).ok()) << "it holds a message";
  EXPECT_EQ(chat.Do(alice, GetChannel{ids[1]}).status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(chat.Do(alice, GetChannel{ids[2]}).ok());
  EXPECT_TRUE(chat.Do(alice, GetChannel{fourth}).ok());
}

TEST(TableLimits, ChannelsThatFillTheTableDoNotKeepAnybodyFromRegistering) {
  Limits limits;
  limits.channels_max = 2;
  ChatHarness chat(limits);
  const Actor alice = chat.LineGuest(1, "alice");
  chat.Create(alice, "one");
  chat.Create(alice, "two");
  EXPECT_EQ(chat.Do(alice, CreateChannel{"three"}).status().code(), StatusCode::kResourceExhausted);
  chat.LineGuest(2, "bob");
  EXPECT_EQ(chat.engine().state().user_count(), 2u);
}

TEST(EmptyChannels, ThatAreLeftAndJoinedAgainAndAgainCostNothingMore) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const std::string id = chat.Create(alice, "general");
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_TRUE(chat.Do(alice, Leave{id}).ok());
    ASSERT_TRUE(chat.JoinChannel(alice, id).ok());
    chat.Pass(1);
  }
  EXPECT_LE(chat.engine().state().deadline_count(), 1u);
}

TEST(EmptyChannels, AreKeptForLongIfSomethingWasSaidThere) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const std::string id = chat.Create(alice, "general");
  ASSERT_TRUE(chat.Do(alice, Leave{id}).ok());
  ASSERT_TRUE(chat.JoinChannel(alice, id).ok());
  ASSERT_TRUE(chat.Post(alice, id, "something").ok());
  ASSERT_TRUE(chat.Do(alice, Leave{id}).ok());
  chat.Pass(chat.limits.quiet_channel_ttl_ms - 1);
  EXPECT_TRUE(chat.Do(alice, GetChannel{id}).ok());
  chat.Pass(1);
  EXPECT_EQ(chat.Do(alice, GetChannel{id}).status().code(), StatusCode::kNotFound);
}

TEST(EmptyChannels, AreKeptForAWhileAndThenEnd) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const std::string id = chat.Create(alice, "general");
  ASSERT_TRUE(chat.Do(alice, Leave{id}).ok());
  chat.Pass(chat.limits.empty_channel_ttl_ms - 1);
  ASSERT_TRUE(chat.JoinChannel(alice, id).ok()) << "still there";
  ASSERT_TRUE(chat.Do(alice, Leave{id}).ok());
  chat.Pass(chat.limits.empty_channel_ttl_ms - 1);
  EXPECT_TRUE(chat.Do(alice, GetChannel{id}).ok()) << "the time runs from the last leaving";
  EXPECT_EQ(chat.engine().NextDeadlineUnixMs(), chat.clock.NowUnixMs() + 1);
  chat.Pass(1);
  EXPECT_EQ(chat.Do(alice, GetChannel{id}).status().code(), StatusCode::kNotFound);
}

TEST(Trims, OfAChannelThatHasEndedAreNothingToTheStore) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const Actor bob = chat.LineGuest(2, "bob");
  const absl::StatusOr<Result> info = chat.Do(alice, GetChannel{ChatHarness::AddressOf(1)});
  const ChannelKey key = std::get<ChannelInfo>(*info).key;
  ASSERT_TRUE(chat.Close(1).ok());
  chat.store.FailCommits(absl::InternalError("asked for something"));
  EXPECT_TRUE(chat.Do({}, Trim{key, 2}).ok());
}

}  // namespace
}  // namespace txtchat
