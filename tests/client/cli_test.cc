#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "client/exit_code.h"
#include "tests/client/closed_port.h"
#include "tests/client/program.h"

namespace txtchat::client {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kGeneral[] = "0123456789";

class CliTest : public ::testing::Test {
 protected:
  CliTest() { server_.service().AddChannel(kGeneral, "general"); }

  std::string Verb(const std::string& verb, const std::string& rest) const {
    return VerbAt(server_, verb, rest);
  }
  Result Run(const std::string& verb, const std::string& rest) const {
    return Shell(Verb(verb, rest));
  }

  FakeServer server_;
};

TEST(CliUsage, ExplainsItself) {
  const Result help = Shell(Program("--help"));
  EXPECT_EQ(help.exit_code, kExitOk);
  EXPECT_THAT(help.output, HasSubstr("Exit codes:"));
  for (const char* verb :
       {"line", "chat", "send", "tail", "channels", "create", "register", "health"}) {
    EXPECT_THAT(help.output, HasSubstr(verb));
    const Result verb_help = Shell(Program(std::string(verb) + " --help"));
    EXPECT_EQ(verb_help.exit_code, kExitOk);
    EXPECT_THAT(verb_help.output, HasSubstr("Examples:")) << verb;
  }
  EXPECT_THAT(Shell(Program("--version")).output, HasSubstr("txtchat "));
}

TEST(CliUsage, AWrongCommandLineIsTwo) {
  for (const char* arguments :
       {"", "nonsense", "line", "line a --nonsense", "line 'a$b'", "chat '' ", "send",
        "line a --server :x", "chat a --server host:99999", "line a --timeout 0",
        "tail --count x c"}) {
    EXPECT_EQ(Shell(Program(arguments)).exit_code, kExitUsage) << arguments;
  }
}

TEST(CliUsage, NobodyListeningIsThreeForEveryVerb) {
  const ClosedPort closed;
  const std::string nowhere = " --server " + closed.endpoint().ToString() + " ";
  for (const std::string& verb :
       {"line" + nowhere + "a", "chat" + nowhere + "a", "send" + nowhere + "c t",
        "tail" + nowhere + "c", "channels" + nowhere, "create" + nowhere + "c",
        "register" + nowhere + "a", "health" + nowhere}) {
    const Result result = Shell(Program(verb) + " < /dev/null");
    EXPECT_EQ(result.exit_code, kExitUnreachable) << verb;
    EXPECT_THAT(result.output, HasSubstr("Is the server running")) << verb;
  }
}

TEST_F(CliTest, HealthIsZeroOnlyWhileServing) {
  Result health = Run("health", "");
  EXPECT_EQ(health.exit_code, kExitOk);
  EXPECT_EQ(health.output, "SERVING\n");
  server_.SetServing(false);
  health = Run("health", "--json");
  EXPECT_EQ(health.exit_code, kExitError);
  EXPECT_EQ(json::parse(health.output)["serving"], false);
}

TEST_F(CliTest, SendsTheWordsAsOneText) {
  EXPECT_EQ(Run("send", "--name ci 0123456789 deploy finished").exit_code, kExitOk);
  EXPECT_EQ(Run("send", "0123456789 '[a,b]'").exit_code, kExitOk);
  EXPECT_EQ(Run("send", "0123456789 x '[y,z]' []").exit_code, kExitOk);
  EXPECT_EQ(Run("send", "0123456789 -- --dashes").exit_code, kExitOk);
  EXPECT_THAT(server_.service().texts(),
              ElementsAre("deploy finished", "[a,b]", "x [y,z] []", "--dashes"));
  EXPECT_THAT(server_.service().members(kGeneral), IsEmpty());
}

TEST_F(CliTest, SendsEachLineOfTheInput) {
  EXPECT_EQ(Shell("printf 'one\\r\\n\\ntwo' | " + Verb("send", "0123456789 -")).exit_code, kExitOk);
  EXPECT_EQ(Shell("printf 'three\\n' | " + Verb("send", "0123456789")).exit_code, kExitOk);
  EXPECT_THAT(server_.service().texts(), ElementsAre("one", "two", "three"));
}

TEST_F(CliTest, SendPrintsTheStoredMessagesAsJson) {
  const Result sent = Run("send", "--json --name ci 0123456789 hi");
  EXPECT_EQ(sent.exit_code, kExitOk);
  const json message = json::parse(sent.output);
  EXPECT_EQ(message["text"], "hi");
  EXPECT_EQ(message["sender"]["display_name"], "ci");
}

TEST_F(CliTest, SendTellsHowManyWereSentBeforeARefusal) {
  server_.service().RefuseSends({{grpc::StatusCode::INVALID_ARGUMENT, "too long"}});
  const Result sent = Shell("printf 'one\\ntwo\\n' | " + Verb("send", "0123456789"));
  EXPECT_EQ(sent.exit_code, kExitError);
  EXPECT_THAT(sent.output, HasSubstr("0 sent, the next was not: too long"));
  EXPECT_THAT(server_.service().texts(), IsEmpty());
}

TEST_F(CliTest, SendWaitsForABusyServer) {
  server_.service().RefuseSends({{grpc::StatusCode::RESOURCE_EXHAUSTED, "inbox full"}});
  EXPECT_EQ(Run("send", "0123456789 hi").exit_code, kExitOk);
  EXPECT_THAT(server_.service().texts(), ElementsAre("hi"));
}

TEST_F(CliTest, AnUnknownChannelIsOne) {
  EXPECT_EQ(Run("send", "nowhere hi").exit_code, kExitError);
  EXPECT_EQ(Run("tail", "nowhere").exit_code, kExitError);
}

TEST_F(CliTest, ListsEveryPageOfChannels) {
  server_.service().AddChannel("aaaaaaaaaa", "x\x1b[2J");
  const Result listed = Run("channels", "");
  EXPECT_EQ(listed.exit_code, kExitOk);
  EXPECT_THAT(listed.output, HasSubstr("0123456789  0 members  general\n"));
  EXPECT_THAT(listed.output, HasSubstr("x␛[2J\n"));
}

TEST_F(CliTest, CreatePrintsTheIdAlone) {
  const Result created = Run("create", "'my room'");
  EXPECT_EQ(created.exit_code, kExitOk);
  EXPECT_THAT(created.output, ::testing::MatchesRegex("[0-9a-f]+\n"));
  EXPECT_EQ(json::parse(Run("create", "--json r").output)["display_name"], "r");
}

TEST_F(CliTest, ATokenActsAsItsUser) {
  const Result sent = Shell("export TXTCHAT_TOKEN=$(" + Verb("register", "bob --token-only") +
                            "); " + Verb("send", "--json 0123456789 hi"));
  EXPECT_EQ(json::parse(sent.output)["sender"]["display_name"], "bob");
  EXPECT_THAT(server_.service().members(kGeneral), ElementsAre("bob"));
  const Result refused = Shell("export TXTCHAT_TOKEN=nonsense; " + Verb("send", "0123456789 hi"));
  EXPECT_EQ(refused.exit_code, kExitError);
  EXPECT_THAT(refused.output, HasSubstr("not a token of this server"));
  EXPECT_EQ(refused.output.find("nonsense"), std::string::npos);
}

TEST_F(CliTest, ATokenIsNeverPartOfTheCommandLine) {
  EXPECT_EQ(Run("send", "--token nonsense 0123456789 hi").exit_code, kExitUsage);
}

TEST_F(CliTest, WhatCanBeNoTokenIsTwo) {
  const Result odd = Shell("export TXTCHAT_TOKEN='two words'; " + Verb("channels", ""));
  EXPECT_EQ(odd.exit_code, kExitUsage);
  EXPECT_THAT(odd.output, HasSubstr("TXTCHAT_TOKEN holds"));
  EXPECT_EQ(Run("channels", "--token-file /nowhere").exit_code, kExitUsage);
}

TEST_F(CliTest, ChatWantsANameOrAToken) {
  const Result chat = Run("chat", "");
  EXPECT_EQ(chat.exit_code, kExitUsage);
  EXPECT_THAT(chat.output, HasSubstr("NAME is required"));
}

TEST_F(CliTest, AValueThatBeginsWithADashIsToldHowToBeGiven) {
  const Result bare = Run("send", "0123456789 -f");
  EXPECT_EQ(bare.exit_code, kExitUsage);
  EXPECT_THAT(bare.output, HasSubstr("-f is no option here"));
  const Result only = Run("register", "-f");
  EXPECT_EQ(only.exit_code, kExitUsage);
  EXPECT_THAT(only.output, HasSubstr("-f is no option here"));
  EXPECT_EQ(Run("register", "-- -f").exit_code, 0);
}

TEST_F(CliTest, RegisterPrintsIdAndToken) {
  const json user = json::parse(Run("register", "--json bob").output);
  EXPECT_EQ(user["display_name"], "bob");
  EXPECT_FALSE(user["token"].get<std::string>().empty());
  EXPECT_THAT(Run("register", "bob").output, HasSubstr("\ntoken  "));
}

TEST_F(CliTest, TailEndsAfterTheCountAsked) {
  std::FILE* tail = popen(Verb("tail", "--json --count 2 0123456789").c_str(), "r");
  ASSERT_TRUE(server_.service().AwaitSubscriptions(1));
  for (const char* text : {"one", "two", "three"}) server_.service().Post(kGeneral, text);
  std::vector<std::string> texts;
  std::array<char, 4096> line;
  while (std::fgets(line.data(), line.size(), tail) != nullptr) {
    texts.push_back(json::parse(line.data())["text"]);
  }
  EXPECT_EQ(pclose(tail), 0);
  EXPECT_THAT(texts, ElementsAre("one", "two"));
}

TEST_F(CliTest, TailEndsWithThreeWhenTheServerIsLost) {
  std::FILE* tail = popen(Verb("tail", "0123456789").c_str(), "r");
  ASSERT_TRUE(server_.service().AwaitSubscriptions(1));
  server_.service().EndStreams({grpc::StatusCode::UNAVAILABLE, "draining"});
  std::array<char, 4096> line;
  ASSERT_NE(std::fgets(line.data(), line.size(), tail), nullptr);
  EXPECT_THAT(line.data(), HasSubstr("draining"));
  EXPECT_EQ(WEXITSTATUS(pclose(tail)), kExitUnreachable);
}

TEST_F(CliTest, CtrlCIs130) {
  // The shell prints its own id and becomes the program.
  std::FILE* tail = popen(("echo $$; exec " + Verb("tail", "0123456789")).c_str(), "r");
  int pid = 0;
  ASSERT_EQ(std::fscanf(tail, "%d", &pid), 1);
  ASSERT_TRUE(server_.service().AwaitSubscriptions(1));
  kill(pid, SIGINT);
  EXPECT_EQ(WEXITSTATUS(pclose(tail)), kExitInterrupted);
}

}  // namespace
}  // namespace txtchat::client
