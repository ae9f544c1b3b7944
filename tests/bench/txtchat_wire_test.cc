#include "bench/txtchat_wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/bench/told.h"

namespace txtchat::bench {
namespace {

using ::testing::ElementsAre;

class TxtchatWireTest : public ::testing::Test {
 protected:
  const TxtchatWire classic_{Dialect::kClassic, 4};
  const TxtchatWire tagged_{Dialect::kTagged, 4};
};

TEST_F(TxtchatWireTest, JoinsAndAsksForAnAnswerBehindEverything) {
  EXPECT_EQ(classic_.EntryCommands({"c1", "c2"}), "reg$bench\njoin$-$c1\njoin$-$c2\nping$in\n");
  EXPECT_EQ(tagged_.EntryCommands({"c1"}), "hello$2\nreg$bench\njoin$-$c1\nping$in\n");
}

TEST_F(TxtchatWireTest, SendsToAChannel) {
  EXPECT_EQ(classic_.SendHead("c1"), "send_msg$-$c1$");
  EXPECT_EQ(classic_.SendTail(), "\n");
}

TEST_F(TxtchatWireTest, TakesClassicLinesAsTextsOfAnyChannel) {
  EXPECT_THAT(ToldHoweverSplit(classic_, "------Welcome\n$$joined: x\n$$pong: in\ntext\n"),
              ElementsAre("text [any] ------Welcome", "entered", "text [any] text"));
}

TEST_F(TxtchatWireTest, TakesTaggedMessagesWithTheirChannel) {
  EXPECT_THAT(ToldHoweverSplit(tagged_,
                               "$$registered: u1 c1\n$$pong: in\n"
                               "$$msg: c1 7 1700000000000 u1 bench: text\n$$pong: other\n"),
              ElementsAre("entered", "text [c1] text"));
}

TEST_F(TxtchatWireTest, HandsOnATaggedMessageThatIsTooShortForAnyText) {
  EXPECT_THAT(ToldHoweverSplit(tagged_, "$$msg: c1\n"), ElementsAre("text [c1] c1"));
  EXPECT_THAT(ToldHoweverSplit(tagged_, "$$msg:  text\n"), ElementsAre("text [] text"));
}

TEST_F(TxtchatWireTest, TellsGapsAndRefusals) {
  EXPECT_THAT(ToldHoweverSplit(tagged_, "$$gap: c1 2 9\n$$error: FULL: no\n"),
              ElementsAre("gap $$gap: c1 2 9", "refused $$error: FULL: no"));
}

}  // namespace
}  // namespace txtchat::bench
