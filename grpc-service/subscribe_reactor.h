#pragma once

#include <memory>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "grpc-service/subscribe_stream.h"
#include "grpc-service/write_gate.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"

namespace txtchat::rpc {

/// Joins one SubscribeStream to its gRPC call: passes reactions on, writes what it is told to.
///
/// Ownership: the stream owns the reactor (as its writer), the reactor shares the stream, until
/// OnDone takes both apart. Every Start…, Finish and TryCancel happens under the stream's mutex;
/// none of them calls a reaction on the same stack (gRPC posts reactions to its own threads).
class SubscribeReactor final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                               public StreamWriter {
 public:
  /// `on_done` runs on a thread of gRPC when the call is over and the stream is detached.
  /// `gate` holds completions back while its owner starts writes; it outlives the reactor.
  /// `on_cancel` runs on a thread of gRPC if the client, or the network, breaks the call off.
  SubscribeReactor(grpc::CallbackServerContext* context, WriteGate* gate,
                   absl::AnyInvocable<void()> on_cancel, absl::AnyInvocable<void()> on_done)
      : context_(context),
        gate_(gate),
        on_cancel_(std::move(on_cancel)),
        on_done_(std::move(on_done)) {}

  /// Before anything else. Also sends the initial metadata, so that the client knows at once that
  /// the call has arrived.
  void Attach(std::shared_ptr<SubscribeStream> stream);

  // --- StreamWriter.
  void StartWrite(Payload payload) override;
  void Finish(const absl::Status& status) override;
  void Cancel() override;

  // --- Reactions.
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  grpc::CallbackServerContext* const context_;  ///< Lives until OnDone.
  WriteGate* const gate_;
  absl::AnyInvocable<void()> on_cancel_;
  absl::AnyInvocable<void()> on_done_;
  std::shared_ptr<SubscribeStream> stream_;
  grpc::ByteBuffer response_;  ///< Of the write under way.
};

/// Ends a call at once. Owns itself.
class RefusingReactor final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  RefusingReactor(const absl::Status& status, grpc::CallbackServerContext* context);
  void OnDone() override { delete this; }
};

}  // namespace txtchat::rpc
