#include "client/chat_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "client/exit_code.h"
#include "tests/client/console_pipes.h"
#include "tests/client/fake_server.h"

namespace txtchat::client {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kGeneral[] = "0123456789";

class ChatClientTest : public ::testing::Test {
 protected:
  ChatClientTest() {
    service().AddChannel(kGeneral, "general");
    options_.session.server = server_.endpoint();
    options_.session.name = "alice";
    options_.session.backoff = {milliseconds(5), milliseconds(20), 2.0, 0.5};
    options_.session.random = [] { return 0.5; };
    options_.session.connect = [this] { return MakeChannel(server_.endpoint()); };
    options_.linger = std::chrono::minutes(10);
    options_.console = pipes_.options();
  }

  FakeChatService& service() { return server_.service(); }

  void Start() {
    exit_code_ = std::async(std::launch::async, [this] { return RunChatClient(options_); });
  }
  void StartInGeneral() {
    options_.session.join = {kGeneral};
    Start();
    ASSERT_TRUE(pipes_.AwaitErr("Connected to"));
  }
  int Quit() {
    pipes_.Type("$quit\n");
    return exit_code_.get();
  }

  FakeServer server_;
  ConsolePipes pipes_;
  ChatClientOptions options_;
  std::future<int> exit_code_;
};

TEST_F(ChatClientTest, ShowsWhoSpeaksWhere) {
  StartInGeneral();
  pipes_.Type("hello\n");
  EXPECT_TRUE(pipes_.AwaitOut("] #general alice: hello\n"));
  service().Post(kGeneral, "a\nb\x1b[2J");
  EXPECT_TRUE(pipes_.AwaitOut("] #general somebody: a\n    b␛[2J\n"));
  EXPECT_EQ(Quit(), kExitOk);
}

TEST_F(ChatClientTest, ATextAfterAJoinGoesToTheJoinedChannel) {
  options_.exit_on_eof = true;
  Start();
  pipes_.Type("$join 0123456789\nhello\n$say $5\n");
  pipes_.EndInput();
  EXPECT_EQ(exit_code_.get(), kExitOk);
  EXPECT_THAT(service().texts(), ElementsAre("hello", "$5"));
  EXPECT_THAT(pipes_.out(), HasSubstr("#general alice: $5\n"));
}

TEST_F(ChatClientTest, TellsAScriptThatACommandWasRefused) {
  options_.exit_on_eof = true;
  Start();
  pipes_.Type("$join nowhere\n");
  pipes_.EndInput();
  EXPECT_EQ(exit_code_.get(), kExitError);
  EXPECT_THAT(pipes_.err(), HasSubstr("cannot join: no channel"));
}

TEST_F(ChatClientTest, CarriesOutTheCommands) {
  Start();
  pipes_.Type("$create_chan room\nfirst\n$members\n$whoami\n$channels\n$leave\n$help\n");
  EXPECT_TRUE(pipes_.AwaitErr("switched to #room"));
  EXPECT_TRUE(pipes_.AwaitOut("#room alice: first"));
  EXPECT_TRUE(pipes_.AwaitOut("alice  (you)"));
  EXPECT_TRUE(pipes_.AwaitOut("#general  0 members"));
  EXPECT_TRUE(pipes_.AwaitOut("#room  1 member  joined, current"));
  EXPECT_TRUE(pipes_.AwaitErr("left #room"));
  EXPECT_TRUE(pipes_.AwaitErr("switched to @alice"));
  EXPECT_TRUE(pipes_.AwaitErr("$quit, Ctrl-D"));
  pipes_.Type("$nonsense\n$join nowhere\n$switch 0123456789\n$leave general\n");
  EXPECT_TRUE(pipes_.AwaitErr("$nonsense is not a command"));
  EXPECT_TRUE(pipes_.AwaitErr("cannot join: no channel"));
  EXPECT_TRUE(pipes_.AwaitErr("not a member of #general"));
  EXPECT_TRUE(pipes_.AwaitErr("cannot leave #general"));
  EXPECT_EQ(Quit(), kExitOk);
}

TEST_F(ChatClientTest, GoesOnReceivingAfterTheEndOfAPipe) {
  StartInGeneral();
  pipes_.EndInput();
  service().Post(kGeneral, "still here");
  EXPECT_TRUE(pipes_.AwaitOut("somebody: still here"));
  raise(SIGINT);
  EXPECT_EQ(exit_code_.get(), kExitInterrupted);
}

TEST_F(ChatClientTest, ReconnectsSaysSoAndTellsWhatWasMissed) {
  StartInGeneral();
  pipes_.Type("one\n");
  ASSERT_TRUE(pipes_.AwaitOut("alice: one"));
  server_.Stop();
  ASSERT_TRUE(pipes_.AwaitErr("Reconnecting"));
  service().Post(kGeneral, "unseen");
  server_.Start();
  EXPECT_TRUE(pipes_.AwaitErr("again."));
  EXPECT_TRUE(pipes_.AwaitOut("#general: 1 event missed"));
  pipes_.Type("two\n");
  EXPECT_TRUE(pipes_.AwaitOut("alice: two"));
  EXPECT_EQ(Quit(), kExitOk);
}

TEST_F(ChatClientTest, RejoinsAsANewUserWhenTheOldOneHasEnded) {
  StartInGeneral();
  service().ForgetUsers();
  EXPECT_TRUE(pipes_.AwaitErr("again as alice, id "));
  pipes_.Type("back\n");
  EXPECT_TRUE(pipes_.AwaitOut("#general alice: back"));
  EXPECT_EQ(Quit(), kExitOk);
}

TEST_F(ChatClientTest, WhatIsTypedWhileOfflineIsSentLater) {
  StartInGeneral();
  server_.Stop();
  ASSERT_TRUE(pipes_.AwaitErr("Reconnecting"));
  pipes_.Type("kept one\nkept two\n");
  ASSERT_TRUE(pipes_.AwaitErr("kept until connected again: kept two"));
  server_.Start();
  EXPECT_TRUE(pipes_.AwaitOut("alice: kept one"));
  EXPECT_TRUE(pipes_.AwaitOut("alice: kept two"));
  EXPECT_THAT(service().texts(), ElementsAre("kept one", "kept two"));
  EXPECT_EQ(Quit(), kExitOk);
}

TEST_F(ChatClientTest, WhatWasTypedForAChannelThatIsGoneGoesNowhereElse) {
  Start();
  pipes_.Type("$create_chan room\n");
  ASSERT_TRUE(pipes_.AwaitErr("switched to #room"));
  server_.Stop();
  ASSERT_TRUE(pipes_.AwaitErr("Reconnecting"));
  pipes_.Type("secret\n");
  ASSERT_TRUE(pipes_.AwaitErr("kept until connected again: secret"));
  service().ForgetUsers();
  service().ForgetChannels();
  server_.Start();
  EXPECT_TRUE(pipes_.AwaitErr("not sent, the channel is gone: secret"));
  pipes_.Type("hello\n");
  EXPECT_TRUE(pipes_.AwaitOut("@alice alice: hello"));
  EXPECT_THAT(service().texts(), ElementsAre("hello"));
  EXPECT_EQ(Quit(), kExitError);
}

TEST_F(ChatClientTest, AJoinTypedWhileTheChannelWentAwayIsCarriedOut) {
  Start();
  pipes_.Type("$create_chan room\n");
  ASSERT_TRUE(pipes_.AwaitErr("switched to #room"));
  server_.Stop();
  ASSERT_TRUE(pipes_.AwaitErr("Reconnecting"));
  pipes_.Type("secret\n$whoami\n$join 0123456789\nhello all\n");
  ASSERT_TRUE(pipes_.AwaitErr("kept until connected again: hello all"));
  service().ForgetUsers();
  service().ForgetChannels();
  service().AddChannel("0123456789", "general");
  server_.Start();
  EXPECT_TRUE(pipes_.AwaitErr("not sent, the channel is gone: secret"));
  EXPECT_TRUE(pipes_.AwaitOut("#general alice: hello all"));
  EXPECT_THAT(service().texts(), ElementsAre("hello all"));
  EXPECT_EQ(Quit(), kExitError);
}

TEST_F(ChatClientTest, WhatCouldNotBeSentIsToldAtTheEnd) {
  StartInGeneral();
  server_.Stop();
  ASSERT_TRUE(pipes_.AwaitErr("Reconnecting"));
  pipes_.Type("never sent\n");
  ASSERT_TRUE(pipes_.AwaitErr("kept until"));
  EXPECT_EQ(Quit(), kExitError);
  EXPECT_THAT(pipes_.err(), HasSubstr("\nnot sent: never sent"));
}

TEST_F(ChatClientTest, TellsARefusedTextAndThatItWasNotSent) {
  StartInGeneral();
  service().RefuseSends({{grpc::StatusCode::INVALID_ARGUMENT, "the text is too long"},
                         {grpc::StatusCode::INTERNAL, "who knows"}});
  pipes_.Type("long\nlost\nfine\n");
  EXPECT_TRUE(pipes_.AwaitErr("not sent: the text is too long"));
  EXPECT_TRUE(pipes_.AwaitErr("the text was: long"));
  EXPECT_TRUE(pipes_.AwaitErr("may not have been sent: who knows"));
  EXPECT_TRUE(pipes_.AwaitErr("the text was: lost"));
  EXPECT_TRUE(pipes_.AwaitOut("alice: fine"));
  EXPECT_EQ(Quit(), kExitError);
}

TEST_F(ChatClientTest, ABusyServerIsAskedAgainInOrder) {
  StartInGeneral();
  service().RefuseSends({{grpc::StatusCode::RESOURCE_EXHAUSTED, "inbox full"},
                         {grpc::StatusCode::RESOURCE_EXHAUSTED, "inbox full"}});
  pipes_.Type("one\ntwo\n");
  EXPECT_TRUE(pipes_.AwaitOut("alice: two"));
  EXPECT_THAT(service().texts(), ElementsAre("one", "two"));
  EXPECT_EQ(Quit(), kExitOk);
}

TEST_F(ChatClientTest, ShowsAGapAsOne) {
  StartInGeneral();
  v1::Event gap;
  gap.set_channel_id(kGeneral);
  gap.mutable_gap()->set_from_sequence(2);
  gap.mutable_gap()->set_to_sequence(9);
  service().Send(gap);
  EXPECT_TRUE(pipes_.AwaitOut("#general: 8 events missed (2 to 9): the server no longer keeps"));
  EXPECT_EQ(Quit(), kExitOk);
}

TEST_F(ChatClientTest, AServerThatIsNotThereEndsWithThree) {
  server_.Stop();
  Start();
  EXPECT_EQ(exit_code_.get(), kExitUnreachable);
}

}  // namespace
}  // namespace txtchat::client
