#include "bench/grpc_stream.h"

namespace txtchat::bench {

std::string_view GrpcStream::FlatResponse() {
  scratch_.slices.clear();
  if (!response_.Dump(&scratch_.slices).ok()) return {};
  if (scratch_.slices.size() == 1) {
    const grpc::Slice& slice = scratch_.slices.front();
    return {reinterpret_cast<const char*>(slice.begin()), slice.size()};
  }
  scratch_.bytes.clear();
  for (const grpc::Slice& slice : scratch_.slices) {
    scratch_.bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return scratch_.bytes;
}

void GrpcStream::Start(grpc::GenericStub& stub, grpc::CompletionQueue& queue,
                       const std::string& token, const grpc::ByteBuffer& request) {
  context_.AddMetadata("authorization", "Bearer " + token);
  request_ = request;
  call_ = stub.PrepareCall(&context_, "/txtchat.v1.ChatService/Subscribe", &queue);
  call_->StartCall(this);
}

void GrpcStream::Read() {
  step_ = Step::kReading;
  call_->Read(&response_, this);
}

void GrpcStream::Cancel() {
  context_.TryCancel();
  // Without an operation under way nothing would tell of the end.
  if (step_ == Step::kPaused) Finish();
}

void GrpcStream::Finish() {
  step_ = Step::kFinishing;
  call_->Finish(&status_, this);
}

void GrpcStream::Done(bool ok) {
  if (step_ == Step::kFinishing) return listener_.OnEnd(status_);
  if (!ok) return Finish();
  switch (step_) {
    case Step::kStarting:
      step_ = Step::kWriting;
      return call_->WriteLast(request_, grpc::WriteOptions(), this);
    case Step::kWriting:
      return Read();
    default:
      step_ = Step::kPaused;
      listener_.OnResponse(FlatResponse());
  }
}

}  // namespace txtchat::bench
