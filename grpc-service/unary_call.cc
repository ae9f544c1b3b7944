#include "grpc-service/unary_call.h"

#include <utility>

#include "grpc-service/pump_thread.h"
#include "grpc-service/status_mapping.h"

namespace txtchat::rpc {

std::shared_ptr<UnaryCall> UnaryCall::Begin(UnaryCalls* calls, grpc::CallbackServerContext* context,
                                            const grpc::ByteBuffer& request,
                                            grpc::ByteBuffer* response, CallKind kind,
                                            const PeerKey& peer, std::function<void()> on_cancel) {
  auto call = std::make_shared<UnaryCall>(calls, context, response);
  call->request_bytes_ = request.Length();
  call->on_cancel_ = std::move(on_cancel);
  // Nothing is answered before this returns, and only an answer makes use of the ticket.
  call->arrival_ = calls->Add(call, kind, call->request_bytes_, peer);
  return call;
}

absl::Status UnaryCall::Reserve(std::size_t reply_bytes) {
  return calls_->Charge(arrival_.ticket, request_bytes_ + reply_bytes);
}

grpc::ServerUnaryReactor* UnaryCall::Refuse(const absl::Status& status) {
  if (IsFirst()) Reply(status);
  return this;
}

bool UnaryCall::IsFirst() {
  absl::MutexLock lock(&mutex_);
  return !std::exchange(answered_, true);
}

void UnaryCall::Reply(absl::Status status) {
  // gRPC keeps the request, too, until the call is over.
  if (status.ok()) {
    status = calls_->Charge(arrival_.ticket, request_bytes_ + response_->Length());
  } else if (arrival_.status.ok()) {
    static_cast<void>(calls_->Charge(arrival_.ticket, request_bytes_));  // Less is never refused.
  }
  if (!status.ok()) response_->Clear();
  if (!calls_->BeginReply(arrival_.ticket, PumpThread::NowMs())) BreakOff();
  absl::MutexLock lock(&mutex_);
  Finish(ToGrpcStatus(status, context_));
}

void UnaryCall::BreakOff() {
  absl::MutexLock lock(&mutex_);
  if (!done_) context_->TryCancel();
}

void UnaryCall::OnCancel() {
  if (on_cancel_) on_cancel_();
}

void UnaryCall::OnDone() {
  {
    absl::MutexLock lock(&mutex_);
    done_ = true;
  }
  calls_->Remove(arrival_.ticket);  // Deletes this, unless somebody is about to break it off.
}

}  // namespace txtchat::rpc
