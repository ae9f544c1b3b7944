#include "grpc-service/subscribe_reactor.h"

#include <utility>
#include <vector>

#include "grpc-service/status_mapping.h"
#include "grpcpp/support/slice.h"

namespace txtchat::rpc {
namespace {

void ReleaseChunk(void* chunk) { ChunkPtr released(static_cast<EncodedChunk*>(chunk)); }

grpc::Slice ToSlice(Payload::Part& part) {
  if (!part.shared.chunk) return {part.bytes.data(), part.bytes.size()};  // Copies: it is short.
  // gRPC wants a pointer that is not const, and does not write through it.
  char* const data = const_cast<char*>(part.shared.data);
  return {data, part.shared.size, ReleaseChunk, part.shared.chunk.release()};
}

}  // namespace

void SubscribeReactor::Attach(std::shared_ptr<SubscribeStream> stream) {
  stream_ = std::move(stream);
  StartSendInitialMetadata();
}

void SubscribeReactor::StartWrite(Payload payload) {
  std::vector<grpc::Slice> slices;
  slices.reserve(payload.parts().size());
  for (Payload::Part& part : payload.parts()) slices.push_back(ToSlice(part));
  response_ = grpc::ByteBuffer(slices.data(), slices.size());
  ServerWriteReactor::StartWrite(&response_);
}

void SubscribeReactor::Finish(const absl::Status& status) {
  ServerWriteReactor::Finish(ToGrpcStatus(status, context_));
}

void SubscribeReactor::Cancel() { context_->TryCancel(); }

void SubscribeReactor::OnWriteDone(bool ok) {
  gate_->Pass();
  response_.Clear();
  stream_->OnWriteDone(ok);
}

void SubscribeReactor::OnCancel() {
  on_cancel_();
  stream_->OnCancel();
}

void SubscribeReactor::OnDone() {
  const std::shared_ptr<SubscribeStream> stream = std::move(stream_);
  absl::AnyInvocable<void()> on_done = std::move(on_done_);
  stream->Detach();  // Deletes this.
  on_done();
}

RefusingReactor::RefusingReactor(const absl::Status& status, grpc::CallbackServerContext* context) {
  Finish(ToGrpcStatus(status, context));
}

}  // namespace txtchat::rpc
