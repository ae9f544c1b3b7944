#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "client/api.h"
#include "client/backoff.h"
#include "client/endpoint.h"
#include "client/in_flight.h"
#include "client/subscribe_stream.h"
#include "txtchat/v1/accounts.grpc.pb.h"
#include "txtchat/v1/chat.grpc.pb.h"

namespace txtchat::client {

// A user's presence over gRPC: registers, joins, subscribes, and does it again after a loss.
//
// Connects once; when it has been live and loses the server, it reconnects with backoff for as long
// as it takes. A stream that stays silent longer than `silence` counts as lost. When the server no
// longer knows the token, a new guest is registered under the same name and joins
// `Handlers::rejoin` (unless the token was given from outside: then that is the end).
//
// Everything, handlers included, runs on the thread that runs `io`, which must have other work to
// stay alive while a call is under way. Destroying it cancels what is under way and waits for it.
class ChatSession {
 public:
  struct Options {
    Endpoint server;
    std::string name;
    std::string token;                  // empty: register
    std::vector<std::string> join;      // joined before the first Subscribe
    std::vector<std::string> channels;  // followed; empty: all of the user's
    bool reconnect = true;
    std::chrono::milliseconds timeout{10'000};  // of each call, and for the first heartbeat
    std::chrono::milliseconds silence{45'000};  // without a word from the server: it is lost
    // A connection that lived this long starts the backoff anew.
    std::chrono::milliseconds proven{10'000};
    Backoff::Options backoff;
    std::function<double()> random;
    std::function<std::shared_ptr<grpc::ChannelInterface>()> connect;
  };

  struct Live {
    bool first = false;       // not after a loss
    bool registered = false;  // as a new user
    v1::User user;            // empty id if the server does not tell whose the token is
  };
  struct Handlers {
    // Subscribed; the first heartbeat follows as the first response.
    std::function<void(const Live&)> on_live;
    std::function<void(const v1::SubscribeResponse&)> on_response;
    // Lost; the next attempt comes after `delay`.
    std::function<void(const std::string& why, std::chrono::milliseconds delay)> on_lost;
    // A channel to be joined could not be: it is given up.
    std::function<void(const std::string& channel_id, const grpc::Status&)> on_not_joined;
    std::function<void(const v1::Channel&)> on_joined;
    // The end: no other handler is called after it.
    std::function<void(int exit_code, const std::string& why)> on_failed;
    // The channels to join after a loss, if a new user had to be registered.
    std::function<std::vector<std::string>()> rejoin;
    // Where to go on in the channels that were followed before.
    std::function<std::vector<v1::ChannelPosition>()> positions;
  };

  ChatSession(std::shared_ptr<boost::asio::io_context> io, Options options, Handlers handlers);
  ~ChatSession();
  ChatSession(const ChatSession&) = delete;
  ChatSession& operator=(const ChatSession&) = delete;

  void Start();

  // Cancels everything; no handler is called after it.
  void Stop();

  bool live() const { return stage_ == Stage::kLive; }
  const std::string& token() const { return token_; }

  template <typename Request, typename Response>
  using Method = void (v1::ChatService::StubInterface::async_interface::*)(
      grpc::ClientContext*, const Request*, Response*, std::function<void(grpc::Status)>);

  // Makes a call as the user. `done` is called once, unless the session is stopped before.
  template <typename Request, typename Response>
  void Call(Method<Request, Response> method, Request request,
            std::function<void(const grpc::Status&, const Response&)> done) {
    CallOn(stub_->async(), method, std::move(request), std::move(done));
  }

 private:
  enum class Stage { kIdle, kConnecting, kLive, kWaiting, kStopped };
  struct AnyCall {
    virtual ~AnyCall() = default;
    // Let go of after the context, which has a share of it, too: so the last one to do that is our
    // own code, on whatever thread.
    std::shared_ptr<grpc::ChannelInterface> connection;
    grpc::ClientContext context;
  };
  template <typename Request, typename Response>
  struct OneCall : AnyCall {
    Request request;
    Response response;
  };

  template <typename Async, typename Request, typename Response>
  void CallOn(std::type_identity_t<Async>* service,
              void (Async::*method)(grpc::ClientContext*, const Request*, Response*,
                                    std::function<void(grpc::Status)>),
              Request request, std::function<void(const grpc::Status&, const Response&)> done);

  void Connect();
  void Register();
  void AskWho();
  void JoinNext();
  void Subscribe();
  void OnResponse(const v1::SubscribeResponse& response);
  void Lost(const std::string& what, const grpc::Status& status);
  void Fail(int exit_code, const std::string& why);
  void DropConnection();
  void AwaitWord(std::chrono::milliseconds longest);

  const std::shared_ptr<boost::asio::io_context> io_;
  const Options options_;
  Handlers handlers_;
  Stage stage_ = Stage::kIdle;
  bool ever_live_ = false;
  bool registered_ = false;  // anew, in this attempt
  bool from_heads_ = false;  // the server has refused the positions
  std::string token_;
  v1::User user_;
  std::vector<std::string> to_join_;  // the last one next
  std::shared_ptr<grpc::ChannelInterface> connection_;
  std::unique_ptr<v1::ChatService::Stub> stub_;
  std::unique_ptr<v1::AccountService::Stub> accounts_;
  std::shared_ptr<SubscribeStream> stream_;
  std::set<std::shared_ptr<AnyCall>> calls_;
  Backoff backoff_;
  boost::asio::steady_timer timer_;  // backoff, or the wait for a word from the server
  std::chrono::steady_clock::time_point live_since_;
  // Changes with each connection and at the end: what belongs to an older one is not delivered.
  std::shared_ptr<int> attempt_ = std::make_shared<int>();
  std::shared_ptr<int> alive_ = std::make_shared<int>();
  InFlight in_flight_;
};

template <typename Async, typename Request, typename Response>
void ChatSession::CallOn(std::type_identity_t<Async>* service,
                         void (Async::*method)(grpc::ClientContext*, const Request*, Response*,
                                               std::function<void(grpc::Status)>),
                         Request request,
                         std::function<void(const grpc::Status&, const Response&)> done) {
  auto call = std::make_shared<OneCall<Request, Response>>();
  call->connection = connection_;
  call->request = std::move(request);
  PrepareContext(call->context, token_, options_.timeout);
  calls_.insert(call);
  auto on_loop = [this, call, done = std::move(done),
                  alive = std::weak_ptr(alive_)](const grpc::Status& status) {
    if (alive.expired()) return;  // stopped, perhaps destroyed
    calls_.erase(call);
    done(status, call->response);
  };
  (service->*method)(&call->context, &call->request, &call->response,
                     [io = io_, call, on_loop = std::move(on_loop),
                      in_flight = in_flight_.Begin()](grpc::Status status) {
                       boost::asio::post(
                           *io, [on_loop, status = std::move(status)] { on_loop(status); });
                     });
}

}  // namespace txtchat::client
