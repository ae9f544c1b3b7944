#include "client/chat_session.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "client/exit_code.h"

namespace txtchat::client {
namespace {

using AsyncStub = v1::ChatService::StubInterface::async_interface;

std::string Seconds(std::chrono::milliseconds duration) {
  return std::to_string(std::lround(static_cast<double>(duration.count()) / 1000.0)) + " s";
}

// An answer that another attempt will not change.
bool IsFinal(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::NOT_FOUND:
    case grpc::StatusCode::PERMISSION_DENIED:
    case grpc::StatusCode::UNIMPLEMENTED:
      return true;
    default:
      return false;
  }
}

}  // namespace

ChatSession::ChatSession(std::shared_ptr<boost::asio::io_context> io, Options options,
                         Handlers handlers)
    : io_(std::move(io)),
      options_(std::move(options)),
      handlers_(std::move(handlers)),
      token_(options_.token),
      to_join_(options_.join.rbegin(), options_.join.rend()),
      backoff_(options_.backoff, options_.random),
      timer_(*io_) {}

ChatSession::~ChatSession() {
  Stop();
  in_flight_.WaitIdle(absl::Seconds(2));
}

void ChatSession::Start() { Connect(); }

void ChatSession::Stop() {
  stage_ = Stage::kStopped;
  alive_ = nullptr;
  DropConnection();
  for (const auto& call : calls_) call->context.TryCancel();
  calls_.clear();
}

void ChatSession::DropConnection() {
  attempt_ = std::make_shared<int>();
  timer_.cancel();
  if (stream_ != nullptr) std::exchange(stream_, nullptr)->Cancel();
}

void ChatSession::Connect() {
  DropConnection();
  stage_ = Stage::kConnecting;
  registered_ = false;
  connection_ = options_.connect();
  stub_ = v1::ChatService::NewStub(connection_);
  accounts_ = v1::AccountService::NewStub(connection_);
  if (token_.empty()) return Register();
  if (user_.id().empty()) return AskWho();
  JoinNext();
}

// Whose the token is that was given from outside.
void ChatSession::AskWho() {
  CallOn<v1::AccountService::StubInterface::async_interface, v1::WhoAmIRequest, v1::WhoAmIResponse>(
      accounts_->async(), &v1::AccountService::StubInterface::async_interface::WhoAmI,
      v1::WhoAmIRequest(),
      [this, attempt = std::weak_ptr(attempt_)](const grpc::Status& status,
                                                const v1::WhoAmIResponse& response) {
        if (attempt.expired()) return;
        // A server that cannot tell serves all the same.
        if (!status.ok() && !IsFinal(status)) return Lost("cannot ask whose the token is", status);
        user_ = response.user();
        JoinNext();
      });
}

void ChatSession::Register() {
  v1::RegisterRequest request;
  request.set_display_name(options_.name);
  Call<v1::RegisterRequest, v1::RegisterResponse>(
      &AsyncStub::Register, request,
      [this, attempt = std::weak_ptr(attempt_)](const grpc::Status& status,
                                                const v1::RegisterResponse& response) {
        if (attempt.expired()) return;
        if (!status.ok()) return Lost("cannot register", status);
        token_ = response.token();
        user_ = response.user();
        registered_ = true;
        if (ever_live_) {
          to_join_ = handlers_.rejoin();
          std::reverse(to_join_.begin(), to_join_.end());
        }
        JoinNext();
      });
}

void ChatSession::JoinNext() {
  if (to_join_.empty()) return Subscribe();
  v1::JoinChannelRequest request;
  request.set_channel_id(to_join_.back());
  Call<v1::JoinChannelRequest, v1::JoinChannelResponse>(
      &AsyncStub::JoinChannel, request,
      [this, attempt = std::weak_ptr(attempt_), id = to_join_.back()](
          const grpc::Status& status, const v1::JoinChannelResponse& response) {
        if (attempt.expired()) return;
        const std::string what = "cannot join channel " + id;
        if (!status.ok() && !IsFinal(status)) return Lost(what, status);
        if (!status.ok() && !ever_live_) {
          return Fail(ExitCodeOf(status), ExplainFailure(what, options_.server, status));
        }
        to_join_.pop_back();
        if (status.ok()) {
          handlers_.on_joined(response.channel());
        } else {
          handlers_.on_not_joined(id, status);
        }
        // A handler may have stopped the session.
        if (!attempt.expired()) JoinNext();
      });
}

void ChatSession::Subscribe() {
  v1::SubscribeRequest request;
  for (const std::string& id : options_.channels) request.add_channel_ids(id);
  if (ever_live_ && !from_heads_) {
    for (v1::ChannelPosition& position : handlers_.positions()) {
      *request.add_positions() = std::move(position);
    }
  }
  stream_ = std::make_shared<SubscribeStream>(
      io_, in_flight_.Begin(),
      SubscribeStream::Handlers{
          [this](const v1::SubscribeResponse& response) { OnResponse(response); },
          [this](const grpc::Status& status) {
            Lost(stage_ == Stage::kLive ? "the stream of messages ended" : "cannot subscribe",
                 status);
          }});
  stream_->context().AddMetadata("authorization", "Bearer " + token_);
  stream_->Start(*stub_, request);
  AwaitWord(options_.timeout);
}

void ChatSession::OnResponse(const v1::SubscribeResponse& response) {
  const std::weak_ptr<int> attempt = attempt_;
  if (stage_ == Stage::kConnecting) {
    stage_ = Stage::kLive;
    from_heads_ = false;
    live_since_ = std::chrono::steady_clock::now();
    const bool first = !std::exchange(ever_live_, true);
    handlers_.on_live({first, registered_, user_});
  }
  if (!attempt.expired()) handlers_.on_response(response);
  if (attempt.expired()) return;
  AwaitWord(options_.silence);
  stream_->Next();
}

void ChatSession::AwaitWord(std::chrono::milliseconds longest) {
  timer_.expires_after(longest);
  timer_.async_wait(
      [this, longest, attempt = std::weak_ptr(attempt_)](const boost::system::error_code& error) {
        if (error || attempt.expired()) return;
        // The handler of an expired timer can already be queued when the timer is set anew.
        if (timer_.expiry() > std::chrono::steady_clock::now()) return;
        Lost("the connection is silent",
             {grpc::StatusCode::UNAVAILABLE, "nothing was heard for " + Seconds(longest)});
      });
}

void ChatSession::Lost(const std::string& what, const grpc::Status& status) {
  const bool token_ended = status.error_code() == grpc::StatusCode::UNAUTHENTICATED;
  const bool was_live = stage_ == Stage::kLive;
  const std::string why = ExplainFailure(what, options_.server, status);
  if (IsFinal(status) || (token_ended && !options_.token.empty())) return Fail(kExitError, why);
  if (!ever_live_) return Fail(ExitCodeOf(status), why);
  if (!options_.reconnect) return Fail(token_ended ? kExitError : kExitUnreachable, why);
  if (was_live && std::chrono::steady_clock::now() - live_since_ >= options_.proven) {
    backoff_.Reset();
  }
  if (token_ended) token_.clear();
  // The server has lost what we have seen: better to go on than not at all. The model says what is
  // missing.
  if (status.error_code() == grpc::StatusCode::OUT_OF_RANGE) from_heads_ = true;
  DropConnection();
  stage_ = Stage::kWaiting;
  // Waiting does not bring an ended user back, unless it ended at once.
  const bool at_once = token_ended && !registered_;
  const std::chrono::milliseconds delay = at_once ? std::chrono::milliseconds(0) : backoff_.Next();
  handlers_.on_lost(token_ended ? "the server no longer knows us: " + BriefReason(status)
                                : what + ": " + BriefReason(status),
                    delay);
  if (stage_ != Stage::kWaiting) return;
  timer_.expires_after(delay);
  timer_.async_wait(
      [this, attempt = std::weak_ptr(attempt_)](const boost::system::error_code& error) {
        if (!error && !attempt.expired()) Connect();
      });
}

void ChatSession::Fail(int exit_code, const std::string& why) {
  const auto on_failed = handlers_.on_failed;
  Stop();
  on_failed(exit_code, why);
}

}  // namespace txtchat::client
