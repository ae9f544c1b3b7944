#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/command.h"
#include "grpc-service/conversions.h"
#include "grpc-service/pump_thread.h"
#include "grpc-service/rpc_options.h"
#include "grpc-service/rpc_server.h"
#include "grpc-service/unary_call.h"
#include "grpc-service/unary_calls.h"

namespace txtchat::rpc {

/// What all services share: from a unary call to a command, and from its result to the response on
/// a pump's thread. Thread-safe. The pumps outlive it.
class CallRunner {
 public:
  CallRunner(const RpcDependencies& dependencies, const RpcOptions& options,
             const std::vector<std::unique_ptr<PumpThread>>* pumps)
      : dependencies_(dependencies), pumps_(*pumps), calls_(options.calls) {}
  CallRunner(const CallRunner&) = delete;
  CallRunner& operator=(const CallRunner&) = delete;

  UnaryCalls& calls() { return calls_; }
  PumpThread& NextPump() {
    return *pumps_[next_pump_.fetch_add(1, std::memory_order_relaxed) % pumps_.size()];
  }

  using ActorSource = absl::StatusOr<Actor> (*)(const grpc::CallbackServerContext&);
  /// For calls that need no user.
  static absl::StatusOr<Actor> Nobody(const grpc::CallbackServerContext&) { return Actor{}; }

  /// Runs one unary call, if there is room for it: `actor_of(context)` says who calls, or why
  /// nobody may; parses a Request; `to_command(Request&)` makes the command of it, or an error;
  /// `to_response(Result&, Response&)` fills in the answer.
  template <typename Request, typename Response, typename ToCommand, typename ToResponse>
  grpc::ServerUnaryReactor* Run(grpc::CallbackServerContext* context,
                                const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                CallKind kind, ActorSource actor_of, ToCommand to_command,
                                ToResponse to_response);
  /// Answers UNAVAILABLE or RESOURCE_EXHAUSTED if the sequencer does not take the command; then its
  /// completion never runs.
  absl::Status Submit(Actor actor, Command command, PumpThread& pump, Completion done);

 private:
  /// What the answer of a list may come to. Set aside before the list is made, because lists that
  /// wait for their pump take memory as well; other answers are about as large as their request.
  std::size_t ListBytesMax(const Command& command) const;

  const RpcDependencies dependencies_;
  const std::vector<std::unique_ptr<PumpThread>>& pumps_;
  std::atomic<std::size_t> next_pump_{0};
  UnaryCalls calls_;
};

template <typename Request, typename Response, typename ToCommand, typename ToResponse>
grpc::ServerUnaryReactor* CallRunner::Run(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response, CallKind kind,
                                          ActorSource actor_of, ToCommand to_command,
                                          ToResponse to_response) {
  const auto call = UnaryCall::Begin(&calls_, context, *request, response, kind);
  if (!call->admission().ok()) return call->Refuse(call->admission());
  absl::StatusOr<Actor> actor = actor_of(*context);
  if (!actor.ok()) return call->Refuse(actor.status());
  absl::StatusOr<Request> parsed = Parse<Request>(*request);
  if (!parsed.ok()) return call->Refuse(parsed.status());
  absl::StatusOr<Command> command = to_command(*parsed);
  if (!command.ok()) return call->Refuse(command.status());
  const absl::Status reserved = call->Reserve(ListBytesMax(*command));
  if (!reserved.ok()) return call->Refuse(reserved);

  auto done = [call, to_response](absl::StatusOr<Result> result) mutable {
    if (!result.ok()) {
      call->Refuse(result.status());
      return;
    }
    Response answer;
    to_response(*result, answer);
    call->Answer(answer);
  };
  const absl::Status submitted =
      Submit(*std::move(actor), *std::move(command), NextPump(), std::move(done));
  return submitted.ok() ? call.get() : call->Refuse(submitted);
}

}  // namespace txtchat::rpc
