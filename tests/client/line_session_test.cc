#include "client/line_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace txtchat::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kMe[] = "127.0.0.1:54102";

class LineSessionTest : public ::testing::Test {
 protected:
  void Register() {
    session_.OnServerLine("------Welcome to Txt Chat------");
    session_.OnServerLine(kMe);
  }

  std::string Sent(std::string_view typed) { return session_.OnTypedLine(typed).send; }

  LineSession session_{"alice", kMe};
};

TEST_F(LineSessionTest, RegistersOnceWelcomed) {
  const LineActions welcomed = session_.OnServerLine("------Welcome to Txt Chat------");
  EXPECT_EQ(welcomed.send, "reg$alice\n");
  EXPECT_THAT(welcomed.prints, IsEmpty());
  EXPECT_THAT(welcomed.notes, ElementsAre("------Welcome to Txt Chat------"));
  EXPECT_FALSE(session_.registered());
}

TEST_F(LineSessionTest, TakesTheNextLineAsTheCurrentChannelAndPrintsIt) {
  session_.OnServerLine("welcome");
  const LineActions registered = session_.OnServerLine(kMe);
  EXPECT_THAT(registered.prints, ElementsAre(kMe));
  EXPECT_TRUE(session_.registered());
  EXPECT_EQ(session_.current_channel(), kMe);
}

TEST_F(LineSessionTest, GivesUpWhenRefusedInsteadOfWelcomed) {
  EXPECT_TRUE(session_.OnServerLine("$$error: resource_exhausted: full").refused);
}

TEST_F(LineSessionTest, GivesUpWhenTheNameIsRefused) {
  session_.OnServerLine("welcome");
  const LineActions actions = session_.OnServerLine("$$error: invalid_argument: bad name");
  EXPECT_TRUE(actions.refused);
  EXPECT_THAT(actions.notes, ElementsAre("$$error: invalid_argument: bad name"));
}

TEST_F(LineSessionTest, SendsATypedLineToTheCurrentChannel) {
  Register();
  EXPECT_EQ(Sent("ni hao"), "send_msg$127.0.0.1:54102$127.0.0.1:54102$ni hao\n");
}

TEST_F(LineSessionTest, KeepsSpacesAndDollarsInATextAsTheyAre) {
  Register();
  EXPECT_EQ(Sent("  costs $5 $$ "), "send_msg$127.0.0.1:54102$127.0.0.1:54102$  costs $5 $$ \n");
}

TEST_F(LineSessionTest, SkipsLinesOfNothingButSpace) {
  Register();
  EXPECT_EQ(Sent(""), "");
  EXPECT_EQ(Sent(" \t "), "");
  EXPECT_EQ(session_.unanswered(), 0u);
}

TEST_F(LineSessionTest, JoinedMakesTheChannelCurrent) {
  Register();
  EXPECT_EQ(Sent("$join 1.2.3.4:5"), "join$127.0.0.1:54102$1.2.3.4:5\n");
  EXPECT_EQ(session_.current_channel(), kMe);
  const LineActions joined = session_.OnServerLine("$$joined: 1.2.3.4:5");
  EXPECT_THAT(joined.prints, ElementsAre("$$joined: 1.2.3.4:5"));
  EXPECT_THAT(joined.notes, ElementsAre("switched to channel: 1.2.3.4:5"));
  EXPECT_EQ(Sent("hi"), "send_msg$127.0.0.1:54102$1.2.3.4:5$hi\n");
}

TEST_F(LineSessionTest, FollowsAJoinedThatItDidNotAskForAsTheOriginalDoes) {
  Register();
  session_.OnServerLine("$$joined: feedc0ffee");
  EXPECT_EQ(session_.current_channel(), "feedc0ffee");
}

TEST_F(LineSessionTest, ATextThatLooksLikeJoinedIsOnlyText) {
  Register();
  session_.OnServerLine(" $$joined: feedc0ffee");
  session_.OnServerLine("x $$joined: feedc0ffee");
  EXPECT_EQ(session_.current_channel(), kMe);
}

TEST_F(LineSessionTest, TheAnswerToCreateChanBecomesCurrent) {
  Register();
  const LineActions typed = session_.OnTypedLine("$create_chan my room");
  EXPECT_EQ(typed.send, "create_chan$127.0.0.1:54102$my room\n");
  EXPECT_TRUE(typed.await_switch);
  EXPECT_TRUE(session_.switching());
  session_.OnServerLine("a text of somebody else");
  EXPECT_EQ(session_.current_channel(), kMe);
  session_.OnServerLine("0123456789");
  EXPECT_EQ(session_.current_channel(), "0123456789");
  EXPECT_FALSE(session_.switching());
}

TEST_F(LineSessionTest, AnIdThatNobodyAskedForIsOnlyText) {
  Register();
  session_.OnServerLine("0123456789");
  EXPECT_EQ(session_.current_channel(), kMe);
}

TEST_F(LineSessionTest, TheOwnEchoOfAnIdIsNotTakenForAnAnswer) {
  Register();
  Sent("0123456789");
  Sent("$create_chan room");
  session_.OnServerLine("0123456789");  // the echo
  EXPECT_EQ(session_.current_channel(), kMe);
  session_.OnServerLine("abcdefabcd");
  EXPECT_EQ(session_.current_channel(), "abcdefabcd");
}

TEST_F(LineSessionTest, ARefusedCreationIsNotWaitedFor) {
  Register();
  Sent("$create_chan room");
  EXPECT_THAT(session_.OnServerLine("$$error: resource_exhausted: too many").prints,
              ElementsAre("$$error: resource_exhausted: too many"));
  session_.OnServerLine("0123456789");
  EXPECT_EQ(session_.current_channel(), kMe);
}

TEST_F(LineSessionTest, RemembersThatSomethingAskedForWasRefused) {
  for (const char* typed : {"hello", "$join feedc0ffee", "$create_chan room"}) {
    LineSession session("alice", kMe);
    session.OnServerLine("welcome");
    session.OnServerLine(kMe);
    session.OnTypedLine(typed);
    EXPECT_FALSE(session.was_refused()) << typed;
    session.OnServerLine("$$error: permission_denied: no");
    EXPECT_TRUE(session.was_refused()) << typed;
    session.OnTypedLine("later");
    session.OnServerLine("later");
    EXPECT_TRUE(session.was_refused()) << "for good";
  }
}

TEST_F(LineSessionTest, AnErrorThatAnswersNothingRefusesNothing) {
  Register();
  session_.OnServerLine("$$error: failed_precondition: x");
  EXPECT_FALSE(session_.was_refused());
}

TEST_F(LineSessionTest, LeavingTheCurrentChannelGoesBackToThePersonalOne) {
  Register();
  session_.OnServerLine("$$joined: feedc0ffee");
  EXPECT_EQ(Sent("$leave"), "leave$127.0.0.1:54102$feedc0ffee\n");
  EXPECT_EQ(session_.current_channel(), kMe);
}

TEST_F(LineSessionTest, LeavingAnotherChannelKeepsTheCurrentOne) {
  Register();
  EXPECT_EQ(Sent("$leave feedc0ffee"), "leave$127.0.0.1:54102$feedc0ffee\n");
  EXPECT_EQ(session_.current_channel(), kMe);
}

TEST_F(LineSessionTest, WithoutAChannelNothingIsSentAndTheUserIsTold) {
  Register();
  Sent("$leave");
  const LineActions actions = session_.OnTypedLine("hello");
  EXPECT_EQ(actions.send, "");
  EXPECT_THAT(actions.notes, ElementsAre(HasSubstr("not sent")));
}

TEST_F(LineSessionTest, SwitchSendsNothing) {
  Register();
  EXPECT_EQ(Sent("$switch feedc0ffee"), "");
  EXPECT_EQ(Sent("x"), "send_msg$127.0.0.1:54102$feedc0ffee$x\n");
}

TEST_F(LineSessionTest, SaySendsATextThatBeginsWithADollar) {
  Register();
  EXPECT_EQ(Sent("$say $join x"), "send_msg$127.0.0.1:54102$127.0.0.1:54102$$join x\n");
}

TEST_F(LineSessionTest, UnknownAndMalformedCommandsSendNothingAndExplain) {
  Register();
  for (const char* typed : {"$jion x", "$", "$$error: x", "$join", "$join a$b", "$join a b",
                            "$create_chan", "$create_chan a$b", "$switch", "$say", "$leave a$b"}) {
    const LineActions actions = session_.OnTypedLine(typed);
    EXPECT_EQ(actions.send, "") << typed;
    EXPECT_FALSE(actions.notes.empty()) << typed;
  }
}

TEST_F(LineSessionTest, CountsWhatTheServerHasNotEchoed) {
  Register();
  Sent("one");
  Sent("$$two");  // a command that does not exist
  Sent("$say $$three");
  Sent(std::string_view("f\x01ou\x7fr"));
  Sent("$join c");
  EXPECT_EQ(session_.unanswered(), 4u);
  session_.OnServerLine("one");
  session_.OnServerLine(" $$three");
  session_.OnServerLine("four");
  session_.OnServerLine("$$joined: c");
  EXPECT_EQ(session_.unanswered(), 0u);
}

TEST_F(LineSessionTest, RemembersABoundedNumberOfUnansweredCommands) {
  Register();
  for (std::size_t i = 0; i < 3 * LineSession::kPendingMax; ++i) Sent("x");
  EXPECT_EQ(session_.unanswered(), LineSession::kPendingMax);
}

TEST(NameProblem, FollowsTheRulesOfTheApi) {
  EXPECT_EQ(NameProblem("alice"), "");
  EXPECT_EQ(NameProblem("Zoë 世界"), "");
  EXPECT_EQ(NameProblem(std::string(128, 'x')), "");
  EXPECT_NE(NameProblem(""), "");
  EXPECT_NE(NameProblem(std::string(129, 'x')), "");
  EXPECT_NE(NameProblem("a$b"), "");
  EXPECT_NE(NameProblem("a\nb"), "");
  EXPECT_NE(NameProblem("a\xC2\x85"), "");
  EXPECT_NE(NameProblem("\xFF"), "");
}

}  // namespace
}  // namespace txtchat::client
