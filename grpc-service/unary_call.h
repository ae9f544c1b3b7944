#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "grpc-service/conversions.h"
#include "grpc-service/unary_calls.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"

namespace txtchat::rpc {

/// The reactor of one unary call. gRPC's default one cannot be told from outside when the reply is
/// gone, nor be broken off safely.
///
/// Ownership: UnaryCalls keeps it from Begin to OnDone; a completion that is to answer it shares
/// it. Thread-safe: Finish and TryCancel happen under its mutex and never after OnDone; neither
/// calls a reaction on the same stack (gRPC posts reactions to its own threads).
class UnaryCall final : public grpc::ServerUnaryReactor, public OpenCall {
 public:
  /// A call has come. `calls` outlives it; `response` lives until it is answered.
  /// `on_cancel` is called if the client breaks it off, or its connection ends.
  static std::shared_ptr<UnaryCall> Begin(UnaryCalls* calls, grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer& request,
                                          grpc::ByteBuffer* response, CallKind kind,
                                          const PeerKey& peer, std::function<void()> on_cancel);
  UnaryCall(UnaryCalls* calls, grpc::CallbackServerContext* context, grpc::ByteBuffer* response)
      : calls_(calls), context_(context), response_(response) {}

  /// Why the call must be refused, if not OK (UnaryCalls::Arrival).
  const absl::Status& admission() const { return arrival_.status; }
  /// Sets room aside for a reply of up to `reply_bytes`. RESOURCE_EXHAUSTED: there is none.
  absl::Status Reserve(std::size_t reply_bytes);

  // --- The answer: one of these, once; what comes after it is ignored.
  template <typename Response>
  void Answer(const Response& answer) {
    if (IsFirst()) Reply(Serialize(answer, response_));
  }
  /// Answers `status`, which is not OK, and returns the reactor.
  grpc::ServerUnaryReactor* Refuse(const absl::Status& status);

  void BreakOff() override;

  // --- Reactions.
  void OnCancel() override;  // It is answered when its work is done; gRPC drops the answer.
  void OnDone() override;

 private:
  bool IsFirst();
  void Reply(absl::Status status);

  UnaryCalls* const calls_;
  grpc::CallbackServerContext* const context_;  ///< Lives until OnDone.
  grpc::ByteBuffer* const response_;
  // Set by Begin.
  std::size_t request_bytes_ = 0;
  UnaryCalls::Arrival arrival_;
  std::function<void()> on_cancel_;

  absl::Mutex mutex_;
  bool answered_ ABSL_GUARDED_BY(mutex_) = false;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace txtchat::rpc
