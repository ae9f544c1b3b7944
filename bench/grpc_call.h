#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "bench/grpc_stream.h"

namespace txtchat::bench {

/// A call of one request and one response that is under way. All calls belong to the thread that
/// drives the completion queue.
class PendingCall : public Completion {
 public:
  void Cancel() { context_.TryCancel(); }

 protected:
  grpc::ClientContext context_;
};

/// The calls that are under way, so that they can be ended. It outlives them.
using PendingCalls = absl::flat_hash_set<PendingCall*>;

/// Owns itself from Start until `done` has returned.
template <typename Request, typename Response>
class UnaryCall final : public PendingCall {
 public:
  using Reader = std::unique_ptr<grpc::ClientAsyncResponseReader<Response>>;
  using DoneFunction = std::function<void(const grpc::Status&, const Response&)>;

  /// `prepare(context, request)` answers the prepared call. An empty token is not sent.
  template <typename Prepare>
  static void Start(PendingCalls& pending, const std::string& token, const Request& request,
                    Prepare prepare, DoneFunction done) {
    // Released into the completion queue, which hands it back to Done.
    auto* const call = new UnaryCall(pending, std::move(done));
    if (!token.empty()) call->context_.AddMetadata("authorization", "Bearer " + token);
    call->reader_ = prepare(&call->context_, request);
    call->reader_->StartCall();
    call->reader_->Finish(&call->response_, &call->status_, call);
  }

  void Done(bool /*ok*/) override {
    const std::unique_ptr<UnaryCall> self(this);
    pending_.erase(this);
    done_(status_, response_);
  }

 private:
  UnaryCall(PendingCalls& pending, DoneFunction done) : pending_(pending), done_(std::move(done)) {
    pending_.insert(this);
  }

  PendingCalls& pending_;
  const DoneFunction done_;
  Reader reader_;
  Response response_;
  grpc::Status status_;
};

}  // namespace txtchat::bench
