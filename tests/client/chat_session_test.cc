#include "client/chat_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>

#include "client/exit_code.h"
#include "tests/client/fake_server.h"

namespace txtchat::client {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kGeneral[] = "0123456789";

class ChatSessionTest : public ::testing::Test {
 protected:
  ChatSessionTest() : io_(std::make_shared<boost::asio::io_context>()), work_(io_->get_executor()) {
    service().AddChannel(kGeneral, "general");
    options_.server = server_.endpoint();
    options_.name = "alice";
    options_.join = {kGeneral};
    options_.backoff = {milliseconds(5), milliseconds(20), 2.0, 0.5};
    options_.random = [] { return 0.5; };
    options_.connect = [this] { return MakeChannel(server_.endpoint()); };
    handlers_.on_live = [this](const ChatSession::Live& live) { lives_.push_back(live); };
    handlers_.on_response = [this](const v1::SubscribeResponse& response) {
      for (const v1::Event& event : response.events()) {
        if (event.has_heartbeat()) ++heartbeats_;
        if (event.has_message_posted()) texts_.push_back(event.message_posted().text());
      }
    };
    handlers_.on_lost = [this](const std::string& why, milliseconds) { losses_.push_back(why); };
    handlers_.on_not_joined = [this](const std::string& id, const grpc::Status&) {
      not_joined_.push_back(id);
    };
    handlers_.on_joined = [](const v1::Channel&) {};
    handlers_.on_failed = [this](int exit_code, const std::string& why) {
      exit_code_ = exit_code;
      failure_ = why;
    };
    handlers_.rejoin = [this] { return rejoin_; };
    handlers_.positions = [] {
      v1::ChannelPosition position;
      position.set_channel_id(kGeneral);
      position.set_after_sequence(7);
      position.set_epoch("00ff");
      return std::vector<v1::ChannelPosition>{position};
    };
  }

  FakeChatService& service() { return server_.service(); }

  void Start() {
    session_ = std::make_unique<ChatSession>(io_, options_, handlers_);
    session_->Start();
  }
  bool StartLive() {
    Start();
    return RunUntil([&] { return heartbeats_ == 1; });
  }

  template <typename Predicate>
  bool RunUntil(Predicate done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      io_->run_one_for(milliseconds(20));
    }
    return true;
  }

  FakeServer server_;
  std::shared_ptr<boost::asio::io_context> io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  ChatSession::Options options_;
  ChatSession::Handlers handlers_;
  std::vector<ChatSession::Live> lives_;
  std::vector<std::string> texts_;
  std::vector<std::string> losses_;
  std::vector<std::string> not_joined_;
  std::vector<std::string> rejoin_ = {kGeneral};
  int heartbeats_ = 0;
  std::optional<int> exit_code_;
  std::string failure_;
  std::unique_ptr<ChatSession> session_;
};

TEST_F(ChatSessionTest, RegistersJoinsAndDelivers) {
  ASSERT_TRUE(StartLive());
  ASSERT_EQ(lives_.size(), 1u);
  EXPECT_TRUE(lives_[0].first);
  EXPECT_TRUE(lives_[0].registered);
  EXPECT_EQ(lives_[0].user.display_name(), "alice");
  service().Post(kGeneral, "one");
  service().Post(kGeneral, "two");
  ASSERT_TRUE(RunUntil([&] { return texts_.size() == 2; }));
  EXPECT_THAT(texts_, ElementsAre("one", "two"));
}

TEST_F(ChatSessionTest, ReconnectsAsTheSameUserWhenTheStreamEnds) {
  ASSERT_TRUE(StartLive());
  service().EndStreams({grpc::StatusCode::UNAVAILABLE, "draining"});
  ASSERT_TRUE(RunUntil([&] { return lives_.size() == 2; }));
  EXPECT_FALSE(lives_[1].first);
  EXPECT_FALSE(lives_[1].registered);
  EXPECT_THAT(losses_, ElementsAre(HasSubstr("draining")));
  EXPECT_EQ(service().registrations(), 1);
  service().Post(kGeneral, "after");
  ASSERT_TRUE(RunUntil([&] { return !texts_.empty(); }));
}

TEST_F(ChatSessionTest, GoesOnFromItsPositionsAfterALossOnly) {
  ASSERT_TRUE(StartLive());
  EXPECT_EQ(service().last_subscribe().positions_size(), 0);
  service().EndStreams({grpc::StatusCode::UNAVAILABLE, "draining"});
  ASSERT_TRUE(RunUntil([&] { return lives_.size() == 2; }));
  ASSERT_EQ(service().last_subscribe().positions_size(), 1);
  EXPECT_EQ(service().last_subscribe().positions(0).after_sequence(), 7u);
  EXPECT_EQ(service().last_subscribe().positions(0).epoch(), "00ff");
}

TEST_F(ChatSessionTest, BeginsAtTheHeadsWhereTheServerHasLostWhatWasSeen) {
  ASSERT_TRUE(StartLive());
  service().RefusePositions();
  service().EndStreams({grpc::StatusCode::UNAVAILABLE, "draining"});
  ASSERT_TRUE(RunUntil([&] { return lives_.size() == 2; }));
  EXPECT_EQ(service().last_subscribe().positions_size(), 0);
  EXPECT_THAT(losses_, ElementsAre(HasSubstr("draining"), HasSubstr("beyond the head")));
}

TEST_F(ChatSessionTest, ReconnectsWhenTheServerComesBack) {
  ASSERT_TRUE(StartLive());
  server_.Stop();
  ASSERT_TRUE(RunUntil([&] { return losses_.size() >= 3; }));
  EXPECT_FALSE(session_->live());
  server_.Start();
  ASSERT_TRUE(RunUntil([&] { return lives_.size() == 2; }));
  EXPECT_TRUE(session_->live());
}

TEST_F(ChatSessionTest, RegistersAnewAndRejoinsWhenTheTokenHasEnded) {
  ASSERT_TRUE(StartLive());
  const std::string token = session_->token();
  service().ForgetUsers();
  ASSERT_TRUE(RunUntil([&] { return lives_.size() == 2; }));
  EXPECT_TRUE(lives_[1].registered);
  EXPECT_NE(session_->token(), token);
  EXPECT_THAT(service().members(kGeneral), ElementsAre("alice"));
}

TEST_F(ChatSessionTest, GivesUpAChannelThatIsGoneWhenRejoining) {
  ASSERT_TRUE(StartLive());
  rejoin_ = {kGeneral, "aaaaaaaaaa"};
  service().ForgetUsers();
  ASSERT_TRUE(RunUntil([&] { return lives_.size() == 2; }));
  EXPECT_THAT(not_joined_, ElementsAre("aaaaaaaaaa"));
}

TEST_F(ChatSessionTest, ATokenFromOutsideThatHasEndedIsTheEnd) {
  options_.token = "token-of-nobody";
  Start();
  ASSERT_TRUE(RunUntil([&] { return exit_code_.has_value(); }));
  EXPECT_EQ(exit_code_, kExitError);
  EXPECT_THAT(failure_, HasSubstr("token"));
}

TEST_F(ChatSessionTest, ASilentStreamIsALostOne) {
  options_.silence = milliseconds(100);
  ASSERT_TRUE(StartLive());
  service().FallSilent(true);
  ASSERT_TRUE(RunUntil([&] { return !losses_.empty(); }));
  EXPECT_THAT(losses_[0], HasSubstr("nothing was heard"));
  service().FallSilent(false);
  ASSERT_TRUE(RunUntil([&] { return lives_.size() >= 2; }));
}

TEST_F(ChatSessionTest, AServerThatNeverSendsTheFirstHeartbeatIsUnreachable) {
  options_.timeout = milliseconds(200);
  service().FallSilent(true);
  Start();
  ASSERT_TRUE(RunUntil([&] { return exit_code_.has_value(); }));
  EXPECT_EQ(exit_code_, kExitUnreachable);
}

TEST_F(ChatSessionTest, AServerThatIsNotThereAtTheStartIsTheEnd) {
  server_.Stop();
  Start();
  ASSERT_TRUE(RunUntil([&] { return exit_code_.has_value(); }));
  EXPECT_EQ(exit_code_, kExitUnreachable);
  EXPECT_THAT(failure_, HasSubstr("Is the server running"));
}

TEST_F(ChatSessionTest, AChannelThatDoesNotExistAtTheStartIsTheEnd) {
  options_.join = {"aaaaaaaaaa"};
  Start();
  ASSERT_TRUE(RunUntil([&] { return exit_code_.has_value(); }));
  EXPECT_EQ(exit_code_, kExitError);
  EXPECT_THAT(failure_, HasSubstr("aaaaaaaaaa"));
}

TEST_F(ChatSessionTest, WithoutReconnectALossIsTheEnd) {
  options_.reconnect = false;
  ASSERT_TRUE(StartLive());
  service().EndStreams(grpc::Status::OK);
  ASSERT_TRUE(RunUntil([&] { return exit_code_.has_value(); }));
  EXPECT_EQ(exit_code_, kExitUnreachable);
}

TEST_F(ChatSessionTest, CallsAreMadeAsTheUser) {
  ASSERT_TRUE(StartLive());
  v1::SendMessageRequest request;
  request.set_channel_id(kGeneral);
  request.set_text("hi");
  bool done = false;
  session_->Call<v1::SendMessageRequest, v1::SendMessageResponse>(
      &v1::ChatService::StubInterface::async_interface::SendMessage, request,
      [&](const grpc::Status& status, const v1::SendMessageResponse& response) {
        EXPECT_TRUE(status.ok()) << status.error_message();
        EXPECT_EQ(response.message().sender().display_name(), "alice");
        done = true;
      });
  ASSERT_TRUE(RunUntil([&] { return done && !texts_.empty(); }));
}

TEST_F(ChatSessionTest, NothingIsCalledAfterStop) {
  ASSERT_TRUE(StartLive());
  service().Post(kGeneral, "late");
  session_->Call<v1::GetChannelRequest, v1::GetChannelResponse>(
      &v1::ChatService::StubInterface::async_interface::GetChannel, v1::GetChannelRequest(),
      [](const grpc::Status&, const v1::GetChannelResponse&) { FAIL(); });
  session_->Stop();
  session_ = nullptr;  // waits for what is under way
  io_->run_for(milliseconds(50));
  EXPECT_TRUE(texts_.empty());
  EXPECT_TRUE(losses_.empty());
}

}  // namespace
}  // namespace txtchat::client
