#include "client/line_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <thread>

#include "client/exit_code.h"
#include "tests/client/closed_port.h"
#include "tests/client/console_pipes.h"

namespace txtchat::client {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ::testing::HasSubstr;

// A server that says what the test tells it to, and shows what it was told.
class ScriptedServer {
 public:
  ScriptedServer() : acceptor_(io_, {asio::ip::address_v4::loopback(), 0}), peer_(io_) {}

  Endpoint endpoint() const { return {"127.0.0.1", acceptor_.local_endpoint().port()}; }
  void Accept() { acceptor_.accept(peer_); }
  void Say(const std::string& bytes) { asio::write(peer_, asio::buffer(bytes)); }
  std::string PeerId() { return "127.0.0.1:" + std::to_string(peer_.remote_endpoint().port()); }
  // The next line; "<end>" when the client has ended its side.
  std::string Hear() {
    boost::system::error_code error;
    const std::size_t size = asio::read_until(peer_, asio::dynamic_buffer(buffer_), '\n', error);
    if (error) return "<end>";
    std::string line = buffer_.substr(0, size - 1);
    buffer_.erase(0, size);
    return line;
  }
  void Close() { peer_.close(); }
  void Reset() {
    peer_.set_option(asio::socket_base::linger(true, 0));
    peer_.close();
  }

 private:
  asio::io_context io_;
  tcp::acceptor acceptor_;
  tcp::socket peer_;
  std::string buffer_;
};

class LineClientTest : public ::testing::Test {
 protected:
  LineClientTest() {
    options_.name = "alice";
    options_.server = server_.endpoint();
    options_.console = pipes_.options();
  }

  void Start() {
    exit_code_ = std::async(std::launch::async, [this] { return RunLineClient(options_); });
  }

  void StartRegistered() {
    Start();
    server_.Accept();
    server_.Say("------Welcome to Txt Chat------\n");
    ASSERT_EQ(server_.Hear(), "reg$alice");
    me_ = server_.PeerId();
    server_.Say(me_ + "\n");
    ASSERT_TRUE(pipes_.AwaitOut(">> " + me_ + "\n"));
  }

  ScriptedServer server_;
  ConsolePipes pipes_;
  LineClientOptions options_;
  std::future<int> exit_code_;
  std::string me_;
};

TEST_F(LineClientTest, PlaysTheOriginalsSession) {
  StartRegistered();
  pipes_.Type("ni hao\n\n   \n");
  EXPECT_EQ(server_.Hear(), "send_msg$" + me_ + "$" + me_ + "$ni hao");
  server_.Say("ni hao\n");
  EXPECT_TRUE(pipes_.AwaitOut(">> ni hao\n"));
  pipes_.Type("$join 1.2.3.4:5\n");
  EXPECT_EQ(server_.Hear(), "join$" + me_ + "$1.2.3.4:5");
  server_.Say("$$joined: 1.2.3.4:5\n");
  EXPECT_TRUE(pipes_.AwaitOut(">> $$joined: 1.2.3.4:5\n"));
  pipes_.Type("hello\n");
  EXPECT_EQ(server_.Hear(), "send_msg$" + me_ + "$1.2.3.4:5$hello");
  server_.Close();
  EXPECT_EQ(exit_code_.get(), kExitUnreachable);
}

TEST_F(LineClientTest, SendsNothingBeforeTheWelcome) {
  Start();
  server_.Accept();
  pipes_.Type("early\n");
  server_.Say("wel");
  server_.Say("come\r\n");
  EXPECT_EQ(server_.Hear(), "reg$alice");
  server_.Say("x\n");
  EXPECT_THAT(server_.Hear(), HasSubstr("$early"));
  EXPECT_THAT(pipes_.err(), HasSubstr("welcome\n"));
  server_.Close();
  exit_code_.get();
}

TEST_F(LineClientTest, ATextAfterAJoinWaitsForItsAnswer) {
  StartRegistered();
  pipes_.Type("$join 1.2.3.4:5\nhello\n");
  EXPECT_EQ(server_.Hear(), "join$" + me_ + "$1.2.3.4:5");
  server_.Say("$$joined: 1.2.3.4:5\n");
  EXPECT_EQ(server_.Hear(), "send_msg$" + me_ + "$1.2.3.4:5$hello");
  server_.Close();
  exit_code_.get();
}

TEST_F(LineClientTest, AfterTheEndOfInputItGoesOnReceiving) {
  StartRegistered();
  pipes_.Type("bye");
  pipes_.EndInput();
  EXPECT_EQ(server_.Hear(), "send_msg$" + me_ + "$" + me_ + "$bye");
  EXPECT_EQ(server_.Hear(), "<end>");
  server_.Say("bye\nmore\nlast without end");
  server_.Close();
  EXPECT_TRUE(pipes_.AwaitOut(">> bye\n>> more\n>> last without end\n"));
  EXPECT_EQ(exit_code_.get(), kExitOk);
}

TEST_F(LineClientTest, ExitOnEofWaitsForTheEchoesOnly) {
  options_.exit_on_eof = true;
  options_.linger = std::chrono::minutes(10);
  StartRegistered();
  pipes_.Type("one\ntwo\n");
  pipes_.EndInput();
  server_.Hear();
  server_.Hear();
  server_.Say("one\n");
  EXPECT_TRUE(pipes_.AwaitOut(">> one\n"));
  EXPECT_EQ(exit_code_.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  server_.Say("two\n");
  EXPECT_EQ(exit_code_.get(), kExitOk);
  EXPECT_THAT(pipes_.out(), HasSubstr(">> two\n"));
  EXPECT_EQ(server_.Hear(), "quit");
  EXPECT_EQ(server_.Hear(), "<end>");
}

TEST_F(LineClientTest, ExitOnEofDoesNotWaitForEver) {
  options_.exit_on_eof = true;
  options_.linger = std::chrono::milliseconds(50);
  StartRegistered();
  pipes_.Type("one\n");
  pipes_.EndInput();
  EXPECT_EQ(exit_code_.get(), kExitOk);
  EXPECT_THAT(pipes_.err(), HasSubstr("before the server answered"));
}

TEST_F(LineClientTest, ExitOnEofTellsThatAMessageWasRefused) {
  options_.exit_on_eof = true;
  options_.linger = std::chrono::minutes(10);
  StartRegistered();
  pipes_.Type("one\ntwo\n");
  pipes_.EndInput();
  server_.Hear();
  server_.Hear();
  server_.Say("$$error: resource_exhausted: slow down\ntwo\n");
  EXPECT_EQ(exit_code_.get(), kExitError);
  EXPECT_THAT(pipes_.out(), HasSubstr(">> $$error: resource_exhausted: slow down\n>> two\n"));
  EXPECT_THAT(pipes_.err(), HasSubstr("refused"));
}

TEST_F(LineClientTest, AnEndAfterARefusedJoinTellsSo) {
  StartRegistered();
  pipes_.Type("$join 1.2.3.4:5\n");
  pipes_.EndInput();
  server_.Hear();
  server_.Say("$$error: not_found: no such channel\n");
  EXPECT_EQ(server_.Hear(), "<end>");
  server_.Close();
  EXPECT_EQ(exit_code_.get(), kExitError);
}

TEST_F(LineClientTest, ARefusalAtTheLastMomentIsToldWhenTheRestIsNotWaitedFor) {
  options_.exit_on_eof = true;
  options_.linger = std::chrono::milliseconds(50);
  StartRegistered();
  pipes_.Type("one\ntwo\n");
  server_.Hear();
  server_.Hear();
  server_.Say("$$error: permission_denied: no\n");
  ASSERT_TRUE(pipes_.AwaitOut("permission_denied"));
  pipes_.EndInput();
  EXPECT_EQ(exit_code_.get(), kExitError);
}

TEST_F(LineClientTest, ARefusalEndsWithAnError) {
  Start();
  server_.Accept();
  server_.Say("$$error: resource_exhausted: too many connections\n");
  EXPECT_EQ(exit_code_.get(), kExitError);
  EXPECT_THAT(pipes_.err(), HasSubstr("too many connections"));
}

TEST_F(LineClientTest, AResetIsALostServer) {
  StartRegistered();
  server_.Reset();
  EXPECT_EQ(exit_code_.get(), kExitUnreachable);
  EXPECT_THAT(pipes_.err(), HasSubstr("lost the server"));
}

TEST_F(LineClientTest, AServerThatSaysNothingIsNotWaitedForForEver) {
  options_.timeout = std::chrono::milliseconds(50);
  Start();
  EXPECT_EQ(exit_code_.get(), kExitUnreachable);
  EXPECT_THAT(pipes_.err(), HasSubstr("no welcome"));
}

TEST_F(LineClientTest, NobodyListeningIsSaidWithWhatToCheck) {
  const ClosedPort closed;
  options_.server = closed.endpoint();
  Start();
  EXPECT_EQ(exit_code_.get(), kExitUnreachable);
  EXPECT_THAT(pipes_.err(), HasSubstr("Is the server running"));
}

TEST_F(LineClientTest, PassesOnTheServersBytesWhenPiped) {
  StartRegistered();
  server_.Say("\xff\x1b[1m\n");
  EXPECT_TRUE(pipes_.AwaitOut(">> \xff\x1b[1m\n"));
  server_.Close();
  exit_code_.get();
}

TEST_F(LineClientTest, SendsALargeInputThroughASlowServerWhole) {
  StartRegistered();
  constexpr int kLines = 2'000;
  const std::string text(1'000, 'x');
  std::thread typist([&] {
    for (int i = 0; i < kLines; ++i) pipes_.Type(text + std::to_string(i) + "\n");
    pipes_.EndInput();
  });
  for (int i = 0; i < kLines; ++i) {
    ASSERT_EQ(server_.Hear(), "send_msg$" + me_ + "$" + me_ + "$" + text + std::to_string(i));
  }
  typist.join();
  EXPECT_EQ(server_.Hear(), "<end>");
  server_.Close();
  EXPECT_EQ(exit_code_.get(), kExitOk);
}

}  // namespace
}  // namespace txtchat::client
