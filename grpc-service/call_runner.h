#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/account_gate.h"
#include "core/command.h"
#include "core/rate_limiter.h"
#include "grpc-service/conversions.h"
#include "grpc-service/pump_thread.h"
#include "grpc-service/rpc_options.h"
#include "grpc-service/rpc_server.h"
#include "grpc-service/unary_call.h"
#include "grpc-service/unary_calls.h"
#include "txtchat/v1/accounts.pb.h"

namespace txtchat::rpc {

/// Whether a request of the AccountGate has a password in it: all but some EraseUser.
template <typename Request>
bool CarriesPassword(const Request& /*request*/) {
  return true;
}
inline bool CarriesPassword(const v1::EraseUserRequest& request) {
  return !request.password().empty();
}

/// What all services share: who calls and whether they may, and from a unary call to a command and
/// from its result to the response, on a pump's thread. Thread-safe. The pumps outlive it.
class CallRunner {
 public:
  /// `close` ends a connection that was refused too often; called on any thread.
  CallRunner(const RpcDependencies& dependencies, const RpcOptions& options,
             const std::vector<std::unique_ptr<PumpThread>>* pumps,
             std::function<void(const PeerKey&)> close)
      : dependencies_(dependencies),
        pumps_(*pumps),
        close_(std::move(close)),
        plain_login_(options.plain_login),
        calls_(options.calls) {}
  CallRunner(const CallRunner&) = delete;
  CallRunner& operator=(const CallRunner&) = delete;

  const RpcDependencies& dependencies() const { return dependencies_; }
  UnaryCalls& calls() { return calls_; }
  std::uint64_t calls_too_fast() const { return calls_too_fast_; }
  PumpThread& NextPump() {
    return *pumps_[next_pump_.fetch_add(1, std::memory_order_relaxed) % pumps_.size()];
  }

  // --- Parts of a call.
  /// Not known if it is of no network.
  static PeerKey PeerOf(const grpc::CallbackServerContext& context);
  /// A call of the peer was refused, or broken off: once too often, and its connection is closed.
  void Strike(const PeerKey& peer);
  /// Whether the peer may call now. RESOURCE_EXHAUSTED, with when to come again.
  absl::Status MayCall(const grpc::CallbackServerContext& context, std::size_t request_bytes);
  /// Whether the peer may have the command add to what all share; to be asked once for each.
  /// RESOURCE_EXHAUSTED, with when to come again.
  absl::Status MayCreate(const grpc::CallbackServerContext& context, const Command& command);
  enum class Caller {
    kUser,     ///< Its token says who.
    kAnybody,  ///< Needs no token.
  };
  /// A unary call that has begun.
  template <typename Request>
  struct Opened {
    std::shared_ptr<UnaryCall> call;
    absl::Status status;  ///< Whether it may go on; if not, the rest is empty.
    Actor actor;
    Request request;
  };
  /// Begins a unary call: is there room for it, may the peer call now, who is it, what does it ask?
  template <typename Request>
  Opened<Request> Open(grpc::CallbackServerContext* context, const grpc::ByteBuffer& request,
                       grpc::ByteBuffer* response, CallKind kind, Caller caller);
  /// Whether a password is taken from the peer. PERMISSION_DENIED: others can listen.
  absl::Status MayShowPassword(const grpc::CallbackServerContext& context) const;
  /// Who calls, as far as the token says. UNAUTHENTICATED: nobody that may.
  absl::StatusOr<Actor> ActorOf(const grpc::CallbackServerContext& context, Caller caller) const;
  /// Answers UNAVAILABLE or RESOURCE_EXHAUSTED if the sequencer does not take the command; then its
  /// completion never runs.
  absl::Status Submit(Actor actor, Command command, PumpThread& pump, Completion done);

  /// Runs one unary call, if there is room for it: parses a Request; `to_command(Request&)` makes
  /// the command of it, or an error; `to_response(Result&, Response&)` fills in the answer.
  template <typename Request, typename Response, typename ToCommand, typename ToResponse>
  grpc::ServerUnaryReactor* Run(grpc::CallbackServerContext* context,
                                const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                CallKind kind, Caller caller, ToCommand to_command,
                                ToResponse to_response);
  /// The same for what the AccountGate does, if the password of the request may be shown:
  /// `start(Request&, AccountGate::Caller)`, which is to answer, or returns why it did not begin.
  template <typename Request, typename Response, typename Start, typename ToResponse>
  grpc::ServerUnaryReactor* RunAtGate(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                      Caller caller, Start start, ToResponse to_response);

 private:
  std::pair<std::shared_ptr<UnaryCall>, absl::Status> Begin(grpc::CallbackServerContext* context,
                                                            const grpc::ByteBuffer& request,
                                                            grpc::ByteBuffer* response,
                                                            CallKind kind);
  template <typename Response, typename ToResponse>
  static Completion AnswerWith(std::shared_ptr<UnaryCall> call, ToResponse to_response);
  /// What the answer of a list may come to. Set aside before the list is made, because lists that
  /// wait for their pump take memory as well; other answers are about as large as their request.
  std::size_t ListBytesMax(const Command& command) const;

  const RpcDependencies dependencies_;
  const std::vector<std::unique_ptr<PumpThread>>& pumps_;
  const std::function<void(const PeerKey&)> close_;
  const bool plain_login_;
  std::atomic<std::size_t> next_pump_{0};
  std::atomic<std::uint64_t> calls_too_fast_{0};
  UnaryCalls calls_;
};

template <typename Request>
CallRunner::Opened<Request> CallRunner::Open(grpc::CallbackServerContext* context,
                                             const grpc::ByteBuffer& request,
                                             grpc::ByteBuffer* response, CallKind kind,
                                             Caller caller) {
  auto [call, status] = Begin(context, request, response, kind);
  Opened<Request> opened{std::move(call), std::move(status), {}, {}};
  if (!opened.status.ok()) return opened;
  absl::StatusOr<Actor> actor = ActorOf(*context, caller);
  opened.status = actor.status();
  if (!actor.ok()) return opened;
  opened.actor = *std::move(actor);
  absl::StatusOr<Request> parsed = Parse<Request>(request);
  opened.status = parsed.status();
  if (parsed.ok()) opened.request = *std::move(parsed);
  return opened;
}

template <typename Response, typename ToResponse>
Completion CallRunner::AnswerWith(std::shared_ptr<UnaryCall> call, ToResponse to_response) {
  return [call = std::move(call), to_response](absl::StatusOr<Result> result) mutable {
    if (!result.ok()) {
      call->Refuse(result.status());
      return;
    }
    Response answer;
    to_response(*result, answer);
    call->Answer(answer);
  };
}

template <typename Request, typename Response, typename ToCommand, typename ToResponse>
grpc::ServerUnaryReactor* CallRunner::Run(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response, CallKind kind, Caller caller,
                                          ToCommand to_command, ToResponse to_response) {
  auto opened = Open<Request>(context, *request, response, kind, caller);
  const std::shared_ptr<UnaryCall>& call = opened.call;
  if (!opened.status.ok()) return call->Refuse(opened.status);
  absl::StatusOr<Command> command = to_command(opened.request);
  if (!command.ok()) return call->Refuse(command.status());
  if (absl::Status s = MayCreate(*context, *command); !s.ok()) return call->Refuse(s);
  const absl::Status reserved = call->Reserve(ListBytesMax(*command));
  if (!reserved.ok()) return call->Refuse(reserved);
  const absl::Status submitted = Submit(std::move(opened.actor), *std::move(command), NextPump(),
                                        AnswerWith<Response>(call, to_response));
  return submitted.ok() ? call.get() : call->Refuse(submitted);
}

template <typename Request, typename Response, typename Start, typename ToResponse>
grpc::ServerUnaryReactor* CallRunner::RunAtGate(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* request,
                                                grpc::ByteBuffer* response, Caller caller,
                                                Start start, ToResponse to_response) {
  auto opened = Open<Request>(context, *request, response, CallKind::kChange, caller);
  const std::shared_ptr<UnaryCall>& call = opened.call;
  if (!opened.status.ok()) return call->Refuse(opened.status);
  if (CarriesPassword(opened.request)) {
    const absl::Status may = MayShowPassword(*context);
    if (!may.ok()) return call->Refuse(may);
  }
  if (dependencies_.accounts == nullptr) {
    return call->Refuse(absl::UnimplementedError("this server has no accounts"));
  }
  const absl::Status started =
      start(opened.request, AccountGate::Caller{std::move(opened.actor), &NextPump(),
                                                AnswerWith<Response>(call, to_response)});
  return started.ok() ? call.get() : call->Refuse(started);
}

}  // namespace txtchat::rpc
