#include "tests/e2e/fan_out/grpc_swarm.h"

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <thread>
#include <utility>

#include "txtchat/v1/chat.grpc.pb.h"

namespace txtchat::e2e {
namespace {

constexpr std::size_t kConnections = 10;
constexpr std::uint32_t kWindow = 16;  // A sender's messages that are not answered yet.

void Authorize(grpc::ClientContext& context, const std::string& token) {
  context.AddMetadata("authorization", "Bearer " + token);
}

void DieUnless(const grpc::Status& status, const char* what) {
  if (status.ok()) return;
  std::fprintf(stderr, "fan_out: %s: %s\n", what, status.error_message().c_str());
  std::exit(1);
}

}  // namespace

struct GrpcSwarm::Connection {
  std::unique_ptr<v1::ChatService::Stub> stub;
};

struct GrpcSwarm::User {
  v1::ChatService::Stub* stub = nullptr;
  std::string token;
  std::string channel;
};

/// One stream. gRPC calls it on its threads, one call at a time; after `ended` it is nobody's.
class GrpcSwarm::Receiver : public grpc::ClientReadReactor<v1::SubscribeResponse> {
 public:
  Receiver(std::unique_ptr<User> user, Traffic traffic, Progress& progress)
      : user_(std::move(user)), progress_(progress), tally_(traffic) {
    Authorize(context_, user_->token);
    request_.add_channel_ids(user_->channel);
    user_->stub->async()->Subscribe(&context_, &request_, this);
    StartRead(&response_);
    StartCall();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    for (const v1::Event& event : response_.events()) Take(event);
    StartRead(&response_);
  }

  void OnDone(const grpc::Status& status) override {
    if (!stopping_) progress_.Fail("a stream ended: " + status.error_message());
    ended_.set_value();
  }

  void Stop() {
    stopping_ = true;
    context_.TryCancel();
    ended_.get_future().wait();
  }

  const Tally& tally() const { return tally_; }

 private:
  void Take(const v1::Event& event) {
    if (event.has_heartbeat()) {
      if (last_sequence_ != 0) return;
      last_sequence_ = event.heartbeat().heads(0).head_sequence();
      return progress_.OneMoreReady();
    }
    if (event.sequence() != ++last_sequence_) return progress_.Fail("a stream has a hole");
    if (!event.has_message_posted()) return;
    if (std::string problem = tally_.Add(event.message_posted().text()); !problem.empty()) {
      return progress_.Fail("a stream " + problem);
    }
    if (tally_.complete()) progress_.OneMoreComplete();
  }

  const std::unique_ptr<User> user_;
  Progress& progress_;
  Tally tally_;
  grpc::ClientContext context_;
  v1::SubscribeRequest request_;
  v1::SubscribeResponse response_;
  std::uint64_t last_sequence_ = 0;
  std::atomic<bool> stopping_{false};
  std::promise<void> ended_;
};

/// One sender. Each answer lets it send the next.
class GrpcSwarm::Sender {
 public:
  Sender(std::unique_ptr<User> user, std::uint32_t sender, Traffic traffic, Progress& progress)
      : user_(std::move(user)), sender_(sender), traffic_(traffic), progress_(progress) {}

  void Start() {
    for (std::uint32_t i = 0; i < kWindow; ++i) SendNext();
  }

  /// Waits for the answers that are still to come; then nothing calls back any more.
  void Stop() {
    stopping_ = true;
    while (in_flight_ > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

 private:
  struct Call {
    grpc::ClientContext context;
    v1::SendMessageRequest request;
    v1::SendMessageResponse response;
  };

  void SendNext() {
    const std::uint32_t number = next_.fetch_add(1);
    if (number >= traffic_.messages_each || stopping_) return;
    ++in_flight_;
    auto call = std::make_shared<Call>();
    Authorize(call->context, user_->token);
    call->request.set_channel_id(user_->channel);
    call->request.set_text(MakeText(sender_, number));
    user_->stub->async()->SendMessage(
        &call->context, &call->request, &call->response, [this, call](const grpc::Status& status) {
          if (status.ok()) {
            SendNext();
          } else {
            progress_.Fail("a message was refused: " + status.error_message());
          }
          --in_flight_;  // Last: Stop may be waiting for it.
        });
  }

  const std::unique_ptr<User> user_;
  const std::uint32_t sender_;
  const Traffic traffic_;
  Progress& progress_;
  std::atomic<std::uint32_t> next_{0};
  std::atomic<std::uint32_t> in_flight_{0};
  std::atomic<bool> stopping_{false};
};

GrpcSwarm::GrpcSwarm(const std::string& address, Traffic traffic, Progress& progress)
    : traffic_(traffic), progress_(progress) {
  for (std::size_t i = 0; i < kConnections; ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    connections_.push_back(std::make_unique<Connection>());
    connections_.back()->stub = v1::ChatService::NewStub(
        grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
  }
}

GrpcSwarm::~GrpcSwarm() { Stop(); }

std::unique_ptr<GrpcSwarm::User> GrpcSwarm::Register(const std::string& channel) {
  auto user = std::make_unique<User>();
  user->stub = connections_[users_++ % connections_.size()]->stub.get();
  user->channel = channel;
  {
    grpc::ClientContext context;
    v1::RegisterRequest request;
    request.set_display_name("swarm " + std::to_string(users_));
    v1::RegisterResponse response;
    DieUnless(user->stub->Register(&context, request, &response), "register");
    user->token = response.token();
  }
  grpc::ClientContext context;
  Authorize(context, user->token);
  v1::JoinChannelRequest request;
  request.set_channel_id(channel);
  v1::JoinChannelResponse response;
  DieUnless(user->stub->JoinChannel(&context, request, &response), "join");
  return user;
}

void GrpcSwarm::AddReceiver(const std::string& channel) {
  receivers_.push_back(std::make_unique<Receiver>(Register(channel), traffic_, progress_));
}

void GrpcSwarm::AddSender(const std::string& channel, std::uint32_t sender) {
  senders_.push_back(std::make_unique<Sender>(Register(channel), sender, traffic_, progress_));
}

void GrpcSwarm::StartSending() {
  for (const auto& sender : senders_) sender->Start();
}

void GrpcSwarm::Stop() {
  if (connections_.empty()) return;
  for (const auto& sender : senders_) sender->Stop();
  for (const auto& receiver : receivers_) receiver->Stop();
  connections_.clear();
}

std::vector<const Tally*> GrpcSwarm::tallies() const {
  std::vector<const Tally*> all;
  all.reserve(receivers_.size());
  for (const auto& receiver : receivers_) all.push_back(&receiver->tally());
  return all;
}

}  // namespace txtchat::e2e
