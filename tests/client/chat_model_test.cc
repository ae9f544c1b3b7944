#include "client/chat_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace txtchat::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kGeneral[] = "0123456789";
constexpr char kMe[] = "00000000000000aa";

class ChatModelTest : public ::testing::Test {
 protected:
  ChatModelTest() {
    v1::User me;
    me.set_id(kMe);
    me.set_display_name("me");
    model_.SetMe(me);
    Learn(kGeneral, "general");
  }

  void Learn(const std::string& id, const std::string& name) {
    v1::Channel channel;
    channel.set_id(id);
    channel.set_display_name(name);
    model_.Learn(channel);
  }

  static v1::Event Base(std::uint64_t sequence) {
    v1::Event event;
    event.set_channel_id(kGeneral);
    event.set_sequence(sequence);
    event.mutable_create_time()->set_seconds(0);
    return event;
  }

  static v1::Event Text(std::uint64_t sequence, const std::string& text,
                        const std::string& name = "alice", const std::string& id = "a1") {
    v1::Event event = Base(sequence);
    event.mutable_message_posted()->set_text(text);
    event.mutable_message_posted()->mutable_sender()->set_id(id);
    event.mutable_message_posted()->mutable_sender()->set_display_name(name);
    return event;
  }

  static v1::Event Heartbeat(std::uint64_t head) {
    v1::Event event;
    auto* entry = event.mutable_heartbeat()->add_heads();
    entry->set_channel_id(kGeneral);
    entry->set_head_sequence(head);
    return event;
  }

  static std::string Time(std::int64_t) { return "12:34:56"; }

  ChatModel model_{&Time, /*colour=*/false};
};

TEST_F(ChatModelTest, ShowsWhenWhereWhoAndWhat) {
  EXPECT_THAT(model_.Show(Text(1, "hello")), ElementsAre("[12:34:56] #general alice: hello"));
}

TEST_F(ChatModelTest, IndentsTheLinesOfATextSoThatNoneLooksLikeAMessage) {
  EXPECT_THAT(model_.Show(Text(1, "one\n[12:34:56] #general bob: two\r\nthree")),
              ElementsAre("[12:34:56] #general alice: one", "    [12:34:56] #general bob: two",
                          "    three"));
}

TEST_F(ChatModelTest, SanitisesTextsAndNames) {
  EXPECT_THAT(model_.Show(Text(1, "\x1b[2J", "al\rice")),
              ElementsAre("[12:34:56] #general al␍ice: ␛[2J"));
  Learn("abcdefabcd", "x\x1b[1m");
  EXPECT_EQ(model_.Label("abcdefabcd"), "#x␛[1m");
}

TEST_F(ChatModelTest, ColoursOnlyWhatItWritesItself) {
  ChatModel coloured(&Time, true);
  const std::vector<std::string> lines = coloured.Show(Text(1, "\x1b[31mred"));
  EXPECT_THAT(lines, ElementsAre(HasSubstr("\x1b[0m")));
  EXPECT_EQ(lines[0].find("\x1b[31mred"), std::string::npos);
}

TEST_F(ChatModelTest, AddsTheIdToANameThatTwoPeopleHave) {
  model_.Show(Text(1, "hi", "alice", "a1"));
  EXPECT_THAT(model_.Show(Text(2, "hi", "alice", "a2")),
              ElementsAre("[12:34:56] #general alice(a2): hi"));
  EXPECT_THAT(model_.Show(Text(3, "hi", "alice", "a1")),
              ElementsAre("[12:34:56] #general alice(a1): hi"));
}

TEST_F(ChatModelTest, AnotherCannotPassForTheUser) {
  EXPECT_THAT(model_.Show(Text(1, "hi", "me", "a2")),
              ElementsAre("[12:34:56] #general me(a2): hi"));
}

TEST_F(ChatModelTest, TheUserOfBeforeIsNobodyElse) {
  model_.Show(Text(1, "hi", "me", kMe));
  v1::User again;
  again.set_id("00000000000000bb");
  again.set_display_name("me");
  model_.SetMe(again);
  EXPECT_EQ(model_.Name(again), "me");
  EXPECT_EQ(model_.Label(again.id()), "@me");
}

TEST_F(ChatModelTest, LabelsChannelsByNameAndByIdWhereNamesClash) {
  EXPECT_EQ(model_.Label(kGeneral), "#general");
  EXPECT_EQ(model_.Label("ffffffffff"), "#ffffffffff");
  EXPECT_EQ(model_.Label(kMe), "@me");
  Learn("ffffffffff", "general");
  EXPECT_EQ(model_.Label(kGeneral), "#general(0123456789)");
}

TEST_F(ChatModelTest, ResolvesIdsAndNames) {
  EXPECT_EQ(*model_.Resolve("#general"), kGeneral);
  EXPECT_EQ(*model_.Resolve("general"), kGeneral);
  EXPECT_EQ(*model_.Resolve(kGeneral), kGeneral);
  EXPECT_EQ(*model_.Resolve("@me"), kMe);
  EXPECT_EQ(*model_.Resolve("1.2.3.4:5"), "1.2.3.4:5");
  EXPECT_FALSE(model_.Resolve(" ").ok());
}

TEST_F(ChatModelTest, AnAmbiguousNameIsTheJoinedChannelOrNone) {
  Learn("ffffffffff", "general");
  EXPECT_FALSE(model_.Resolve("general").ok());
  model_.SetJoined("ffffffffff");
  EXPECT_EQ(*model_.Resolve("general"), "ffffffffff");
}

TEST_F(ChatModelTest, ShowsWhoJoinsAndLeaves) {
  v1::Event joined = Base(1);
  joined.mutable_member_joined()->mutable_user()->set_id("a1");
  joined.mutable_member_joined()->mutable_user()->set_display_name("alice");
  EXPECT_THAT(model_.Show(joined), ElementsAre("[12:34:56] #general * alice joined"));
  v1::Event left = Base(2);
  left.mutable_member_left()->mutable_user()->set_id(kMe);
  left.mutable_member_left()->mutable_user()->set_display_name("me");
  model_.SetJoined(kGeneral);
  EXPECT_THAT(model_.Show(left), ElementsAre("[12:34:56] #general * me left"));
  EXPECT_FALSE(model_.joined().contains(kGeneral));
}

TEST_F(ChatModelTest, KeepsQuietAboutTheOwnJoiningOfAChannelWithoutAName) {
  v1::Event joined = Base(1);
  joined.set_channel_id("ffffffffff");
  joined.mutable_member_joined()->mutable_user()->set_id(kMe);
  EXPECT_THAT(model_.Show(joined), IsEmpty());
  EXPECT_TRUE(model_.joined().contains("ffffffffff"));
}

TEST_F(ChatModelTest, ShowsAGap) {
  v1::Event gap = Base(0);
  gap.mutable_gap()->set_from_sequence(4);
  gap.mutable_gap()->set_to_sequence(6);
  EXPECT_THAT(model_.Show(Text(3, "x")), ::testing::SizeIs(1));
  EXPECT_THAT(model_.Show(gap), ElementsAre(HasSubstr("#general: 3 events missed (4 to 6)")));
  EXPECT_THAT(model_.Show(Text(7, "y")), ElementsAre("[12:34:56] #general alice: y"));
}

TEST_F(ChatModelTest, TellsOfMissingEventsEvenWithoutAGap) {
  model_.Show(Text(3, "x"));
  EXPECT_THAT(model_.Show(Text(5, "y")),
              ElementsAre(HasSubstr("1 event missed (4 to 4)"), HasSubstr("alice: y")));
}

TEST_F(ChatModelTest, ShowsNothingTwice) {
  model_.Show(Text(3, "x"));
  EXPECT_THAT(model_.Show(Text(3, "x")), IsEmpty());
}

TEST_F(ChatModelTest, TheFirstHeartbeatIsNoLoss) {
  EXPECT_THAT(model_.Show(Heartbeat(100)), IsEmpty());
  EXPECT_THAT(model_.Show(Text(101, "x")), ::testing::SizeIs(1));
  EXPECT_TRUE(model_.joined().contains(kGeneral));
}

TEST_F(ChatModelTest, AfterAReconnectTheHeartbeatTellsWhatWasMissed) {
  model_.Show(Heartbeat(10));
  model_.SetDisconnected();
  EXPECT_THAT(model_.Show(Heartbeat(15)),
              ElementsAre(HasSubstr("#general: 5 events missed (11 to 15)")));
  EXPECT_THAT(model_.Show(Text(16, "x")), ::testing::SizeIs(1));
}

TEST_F(ChatModelTest, AServerThatStartedAnewIsBelieved) {
  model_.Show(Heartbeat(10));
  model_.SetDisconnected();
  EXPECT_THAT(model_.Show(Heartbeat(2)), IsEmpty());
  EXPECT_THAT(model_.Show(Text(3, "x")), ::testing::SizeIs(1));
}

TEST_F(ChatModelTest, WhatAHeartbeatPromisedMustComeBeforeTheNext) {
  model_.Show(Heartbeat(10));
  EXPECT_THAT(model_.Show(Heartbeat(12)), IsEmpty());  // 11 and 12 may be on their way
  EXPECT_THAT(model_.Show(Heartbeat(12)), ElementsAre(HasSubstr("2 events missed (11 to 12)")));
  EXPECT_THAT(model_.Show(Heartbeat(12)), IsEmpty());
}

TEST_F(ChatModelTest, JoiningAgainIsNoLoss) {
  model_.Show(Text(3, "x"));
  model_.SetLeft(kGeneral);
  EXPECT_THAT(model_.Show(Text(50, "y")), ElementsAre("[12:34:56] #general alice: y"));
}

v1::Event Recovered(v1::Recovery::State state, std::uint64_t from = 0, std::uint64_t to = 0) {
  v1::Event event;
  event.set_channel_id(kGeneral);
  event.mutable_recovery()->set_state(state);
  event.mutable_recovery()->set_from_sequence(from);
  event.mutable_recovery()->set_to_sequence(to);
  return event;
}

class ChatModelComesBack : public ChatModelTest {
 protected:
  ChatModelComesBack() {
    v1::Event heartbeat = Heartbeat(10);
    heartbeat.mutable_heartbeat()->set_epoch("00ff");
    model_.Show(heartbeat);
    model_.Show(Text(11, "seen"));
    model_.SetDisconnected();
  }
};

TEST_F(ChatModelComesBack, WithThePositionOfWhatWasSeen) {
  const std::vector<v1::ChannelPosition> positions = model_.Positions();
  ASSERT_EQ(positions.size(), 1u);
  EXPECT_EQ(positions[0].channel_id(), kGeneral);
  EXPECT_EQ(positions[0].after_sequence(), 11u);
  EXPECT_EQ(positions[0].epoch(), "00ff");
}

TEST_F(ChatModelComesBack, AndShowsWhatWasSaidMeanwhile) {
  EXPECT_THAT(model_.Show(Recovered(v1::Recovery::STATE_RECOVERED)), IsEmpty());
  EXPECT_THAT(model_.Show(Heartbeat(11)), IsEmpty());
  EXPECT_THAT(model_.Show(Text(12, "meanwhile")), ElementsAre(HasSubstr("meanwhile")));
}

TEST_F(ChatModelComesBack, AndIsToldOnceWhatIsNoLongerKept) {
  EXPECT_THAT(model_.Show(Recovered(v1::Recovery::STATE_GAP, 12, 20)),
              ElementsAre(HasSubstr("9 events missed (12 to 20)")));
  EXPECT_THAT(model_.Show(Heartbeat(20)), IsEmpty());
  EXPECT_THAT(model_.Show(Text(21, "next")), ElementsAre(HasSubstr("next")));
}

TEST_F(ChatModelComesBack, ToAnotherHistory) {
  EXPECT_THAT(model_.Show(Recovered(v1::Recovery::STATE_EPOCH_CHANGED)),
              ElementsAre(HasSubstr("another history")));
  EXPECT_THAT(model_.Show(Heartbeat(3)), IsEmpty());
  EXPECT_THAT(model_.Show(Text(4, "new")), ElementsAre(HasSubstr("new")));
}

TEST_F(ChatModelComesBack, ToAChannelThatItIsNotInAnyMore) {
  EXPECT_THAT(model_.Show(Recovered(v1::Recovery::STATE_NOT_MEMBER)),
              ElementsAre(HasSubstr("not in this channel")));
  EXPECT_THAT(model_.joined(), IsEmpty());
  EXPECT_THAT(model_.Positions(), IsEmpty());
}

}  // namespace
}  // namespace txtchat::client
