#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bench/grpc_call.h"
#include "bench/grpc_stream.h"
#include "bench/load.h"
#include "txtchat/v1/chat.grpc.pb.h"

namespace txtchat::bench {

/// A crowd of gRPC guests on one thread and one completion queue, a stream for each reader.
class GrpcLoad final : public Load {
 public:
  explicit GrpcLoad(const LoadContext& context);
  /// Ends all calls and waits for their ends.
  ~GrpcLoad() override;

  absl::Status Connect() override;
  absl::StatusOr<Histogram> Storm() override;
  std::uint32_t connection_count() const override;

  /// As Turn, for what is there; never waits.
  void Poll();
  /// After Connect.
  const std::vector<std::string>& channel_ids() const { return channel_ids_; }

 protected:
  void Turn(std::uint64_t until_ns) override;
  void Send(std::uint32_t publisher, std::uint64_t count, std::uint64_t time_ns) override;
  void Flush() override {}

 private:
  struct Connection {
    std::unique_ptr<v1::ChatService::Stub> stub;
    std::unique_ptr<grpc::GenericStub> generic;
  };
  class User;

  void OpenConnections();
  absl::Status FoundChannels();
  /// All of `users` begin, at most `at_once` at a time; waits until all are in.
  template <typename Begin>
  absl::Status Enter(const std::vector<User*>& users, std::size_t at_once, const char* what,
                     Histogram& took_ns, Begin begin);
  /// A user is in its channels.
  void Entered();
  void Failed(const std::string& what, const grpc::Status& status);
  /// Notes what a reader was given.
  void Take(User& user, std::string_view response);
  /// Handles what happens next; false if nothing has for `wait_ns`.
  bool Next(std::uint64_t wait_ns);
  void ReadSlow();
  Connection& ConnectionOf(std::uint32_t seat) { return connections_[seat % connections_.size()]; }

  grpc::CompletionQueue queue_;
  PendingCalls pending_;
  GrpcStream::Scratch scratch_;
  std::vector<Connection> connections_;
  std::vector<std::string> channel_ids_;
  std::vector<std::unique_ptr<User>> users_;  ///< By seat.
  std::vector<User*> publishers_;             ///< By publisher; null if on lines.
  std::vector<User*> slow_;
  std::uint64_t next_slow_ns_ = 0;
  std::uint32_t streams_open_ = 0;
  bool leaving_ = false;  ///< Streams that end now were ended by us.
  std::uint32_t entering_ = 0;
  std::uint32_t entered_ = 0;  ///< Since Enter began.
  std::uint64_t last_entered_ns_ = 0;
  std::uint64_t entry_began_ns_ = 0;
  Histogram* entry_took_ns_ = nullptr;  ///< Set during Enter.
};

}  // namespace txtchat::bench
