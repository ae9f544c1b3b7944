#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace txtchat::bench {

/// What a completion queue hands back. Owned by whoever started the operation.
class Completion {
 public:
  virtual ~Completion() = default;
  virtual void Done(bool ok) = 0;
};

/// One Subscribe call on a completion queue, whose responses stay bytes. All calls belong to the
/// thread that drives the queue. It must live until OnEnd was told.
class GrpcStream final : public Completion {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    /// A response; it is valid during the call. Read() asks for the next one.
    virtual void OnResponse(std::string_view response) = 0;
    /// The call is over. Last; the stream may be deleted here.
    virtual void OnEnd(const grpc::Status& status) = 0;
  };

  /// Where responses are put together; all streams of a thread share one.
  struct Scratch {
    std::vector<grpc::Slice> slices;
    std::string bytes;
  };

  GrpcStream(Listener& listener, Scratch& scratch) : listener_(listener), scratch_(scratch) {}

  /// `request` is an encoded SubscribeRequest. Reads the first response by itself.
  void Start(grpc::GenericStub& stub, grpc::CompletionQueue& queue, const std::string& token,
             const grpc::ByteBuffer& request);
  /// Asks for the next response; only after one came.
  void Read();
  /// Ends the call; OnEnd follows.
  void Cancel();

  void Done(bool ok) override;

 private:
  enum class Step : std::uint8_t { kStarting, kWriting, kReading, kPaused, kFinishing };

  void Finish();

  /// The response in one piece: in place if it is one, otherwise copied.
  std::string_view FlatResponse();

  Listener& listener_;
  Scratch& scratch_;
  Step step_ = Step::kStarting;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
  grpc::Status status_;
};

}  // namespace txtchat::bench
