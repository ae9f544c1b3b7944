#include "client/chat_command.h"

#include <gtest/gtest.h>

namespace txtchat::client {
namespace {

using Kind = ChatCommand::Kind;

TEST(ChatCommand, EverythingWithoutADollarIsText) {
  const ChatCommand command = ParseChatCommand("  hi $join x ");
  EXPECT_EQ(command.kind, Kind::kText);
  EXPECT_EQ(command.argument, "  hi $join x ");
}

TEST(ChatCommand, EmptyLinesAreNothing) {
  EXPECT_EQ(ParseChatCommand("").kind, Kind::kNothing);
  EXPECT_EQ(ParseChatCommand(" \t").kind, Kind::kNothing);
}

TEST(ChatCommand, ReadsCommandsAndArguments) {
  EXPECT_EQ(ParseChatCommand("$join  abc ").kind, Kind::kJoin);
  EXPECT_EQ(ParseChatCommand("$join  abc ").argument, "abc");
  EXPECT_EQ(ParseChatCommand("$create_chan my room").argument, "my room");
  EXPECT_EQ(ParseChatCommand("$leave").kind, Kind::kLeave);
  EXPECT_EQ(ParseChatCommand("$members x").argument, "x");
  EXPECT_EQ(ParseChatCommand("$who").kind, Kind::kWhoAmI);
  EXPECT_EQ(ParseChatCommand("$whoami").kind, Kind::kWhoAmI);
  EXPECT_EQ(ParseChatCommand("$quit").kind, Kind::kQuit);
}

TEST(ChatCommand, SayKeepsTheTextAsItIs) {
  const ChatCommand command = ParseChatCommand("$say $quit  now ");
  EXPECT_EQ(command.kind, Kind::kText);
  EXPECT_EQ(command.argument, "$quit  now ");
}

TEST(ChatCommand, ExplainsWhatIsWrong) {
  for (const char* line : {"$jion x", "$", "$$x", "$join", "$switch ", "$say", "$create_chan",
                           "$create_chan a$b", "$quit now", "$Join x"}) {
    const ChatCommand command = ParseChatCommand(line);
    EXPECT_EQ(command.kind, Kind::kWrong) << line;
    EXPECT_FALSE(command.argument.empty()) << line;
  }
}

}  // namespace
}  // namespace txtchat::client
