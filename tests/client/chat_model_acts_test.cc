#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/chat_model.h"

namespace txtchat::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kGeneral[] = "0123456789";

v1::User Person(const std::string& id, const std::string& name) {
  v1::User user;
  user.set_id(id);
  user.set_display_name(name);
  return user;
}

const v1::User kAlice = Person("a1", "alice");
const v1::User kBob = Person("b1", "bob");

// Acts in #general, one after the other.
class ChatModelActsTest : public ::testing::Test {
 protected:
  ChatModelActsTest() {
    v1::Channel channel;
    channel.set_id(kGeneral);
    channel.set_display_name("general");
    model_.Learn(channel);
    model_.SetJoined(kGeneral);
  }

  v1::Event Next(std::int64_t seconds = 0) {
    v1::Event event;
    event.set_channel_id(kGeneral);
    event.set_sequence(++sequence_);
    event.mutable_create_time()->set_seconds(seconds);
    return event;
  }

  std::vector<std::string> Post(const v1::User& sender, const std::string& text,
                                std::int64_t seconds) {
    v1::Event event = Next(seconds);
    *event.mutable_message_posted()->mutable_sender() = sender;
    event.mutable_message_posted()->set_text(text);
    return model_.Show(event);
  }

  std::vector<std::string> Delete(const v1::User& by, const v1::User& sender,
                                  std::uint64_t sequence) {
    v1::Event event = Next();
    *event.mutable_message_deleted()->mutable_by() = by;
    *event.mutable_message_deleted()->mutable_sender() = sender;
    event.mutable_message_deleted()->set_deleted_sequence(sequence);
    return model_.Show(event);
  }

  // What is said of an act, without time and channel.
  std::string Told(const v1::Event& event) {
    const std::vector<std::string> lines = model_.Show(event);
    const std::string start = "[t0] #general ";
    EXPECT_THAT(lines, ElementsAre(::testing::StartsWith(start)));
    return lines.empty() ? "" : lines[0].substr(start.size());
  }

  static std::string Time(std::int64_t seconds) { return "t" + std::to_string(seconds); }

  ChatModel model_{&Time, /*colour=*/false};
  std::uint64_t sequence_ = 0;
};

TEST_F(ChatModelActsTest, ARemovedMessageHasNoText) {
  v1::Event event = Next();
  *event.mutable_message_removed()->mutable_sender() = kAlice;
  EXPECT_EQ(Told(event), "alice: (removed)");
}

TEST_F(ChatModelActsTest, ADeletionTellsWhichMessageByItsTime) {
  Post(kAlice, "rude", 7);
  EXPECT_THAT(Delete(kBob, kAlice, 1),
              ElementsAre("[t0] #general * bob removed a message of alice, posted at t7"));
  Post(kAlice, "a slip", 9);
  EXPECT_THAT(Delete(kAlice, kAlice, 3),
              ElementsAre("[t0] #general * alice removed a message of their own, posted at t9"));
}

TEST_F(ChatModelActsTest, ADeletionOfAMessageThatWasNotShownTellsNoTime) {
  sequence_ = 5;
  EXPECT_THAT(Delete(kBob, kAlice, 1),
              ElementsAre("[t0] #general * bob removed a message of alice"));
}

TEST_F(ChatModelActsTest, RemembersNoMoreThanItMay) {
  for (std::size_t i = 0; i <= ChatModel::kPostedMax; ++i) Post(kAlice, "x", 7);
  EXPECT_THAT(Delete(kBob, kAlice, 1), ElementsAre(::testing::EndsWith("of alice")));
  EXPECT_THAT(Delete(kBob, kAlice, 2), ElementsAre(::testing::EndsWith("posted at t7")));
}

TEST_F(ChatModelActsTest, TellsWhoWasKickedAndWhy) {
  v1::Event event = Next();
  *event.mutable_member_kicked()->mutable_by() = kBob;
  *event.mutable_member_kicked()->mutable_user() = kAlice;
  EXPECT_EQ(Told(event), "* bob kicked alice");
  event.set_sequence(++sequence_);
  event.mutable_member_kicked()->set_reason("spam\x1b[2J");
  EXPECT_EQ(Told(event), "* bob kicked alice: spam␛[2J");
}

TEST_F(ChatModelActsTest, TellsOfBansAndMutesAndTheirEnd) {
  v1::Sanctioned sanctioned;
  *sanctioned.mutable_by() = kBob;
  sanctioned.set_subject("192.0.2.0/24");
  v1::Event event = Next();
  *event.mutable_banned() = sanctioned;
  EXPECT_EQ(Told(event), "* bob banned 192.0.2.0/24");
  sanctioned.set_subject("a1");
  sanctioned.set_subject_name("alice");
  sanctioned.set_reason("noise");
  sanctioned.mutable_until()->set_seconds(1'700'000'000);
  event = Next();
  *event.mutable_muted() = sanctioned;
  EXPECT_THAT(Told(event),
              ::testing::MatchesRegex("\\* bob muted alice until 2023-11-1[45] [0-9:]+: noise"));
  v1::Pardoned pardoned;
  *pardoned.mutable_by() = kBob;
  pardoned.set_subject("a1");
  pardoned.set_subject_name("alice");
  event = Next();
  *event.mutable_unmuted() = pardoned;
  EXPECT_EQ(Told(event), "* bob let alice speak again");
  event = Next();
  *event.mutable_unbanned() = pardoned;
  EXPECT_EQ(Told(event), "* bob took back the ban of alice");
}

TEST_F(ChatModelActsTest, TellsOfRolesAndTopics) {
  v1::Event event = Next();
  *event.mutable_role_changed()->mutable_by() = kBob;
  *event.mutable_role_changed()->mutable_user() = kAlice;
  event.mutable_role_changed()->set_role(v1::ROLE_MODERATOR);
  EXPECT_EQ(Told(event), "* bob gave alice the role moderator");
  event = Next();
  *event.mutable_topic_changed()->mutable_by() = kAlice;
  EXPECT_EQ(Told(event), "* alice took the topic away");
  event.set_sequence(++sequence_);
  event.mutable_topic_changed()->set_topic("the plan");
  EXPECT_EQ(Told(event), "* alice set the topic: the plan");
}

TEST_F(ChatModelActsTest, ARenamedChannelHasItsNewNameFromThenOn) {
  v1::Event event = Next();
  *event.mutable_channel_renamed()->mutable_by() = kBob;
  event.mutable_channel_renamed()->set_display_name("lounge");
  EXPECT_EQ(Told(event), "* bob renamed the channel: lounge");
  EXPECT_EQ(model_.Label(kGeneral), "#lounge");
}

TEST_F(ChatModelActsTest, ADeletedChannelIsNotJoinedAnyMore) {
  v1::Event event = Next();
  *event.mutable_channel_deleted()->mutable_by() = kBob;
  EXPECT_EQ(Told(event), "* bob deleted the channel");
  EXPECT_THAT(model_.joined(), IsEmpty());
  EXPECT_THAT(model_.Positions(), IsEmpty());
}

TEST_F(ChatModelActsTest, NobodyPassesForAnotherByAnAct) {
  Post(kBob, "hi", 0);
  v1::Event event = Next();
  *event.mutable_member_kicked()->mutable_by() = Person("b2", "bob");
  *event.mutable_member_kicked()->mutable_user() = kAlice;
  EXPECT_EQ(Told(event), "* bob(b2) kicked alice");
}

}  // namespace
}  // namespace txtchat::client
