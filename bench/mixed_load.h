#pragma once

#include "bench/grpc_load.h"
#include "bench/line_load.h"
#include "bench/load.h"

namespace txtchat::bench {

/// Readers on gRPC streams, publishers on lines, of one server: the cost of the streams without
/// that of the calls. One thread serves both.
class MixedLoad final : public Load {
 public:
  explicit MixedLoad(const LoadContext& context)
      : Load(context), streams_(context), publishers_(context) {}

  absl::Status Connect() override;
  absl::StatusOr<Histogram> Storm() override { return streams_.Storm(); }
  std::uint32_t connection_count() const override {
    return streams_.connection_count() + publishers_.connection_count();
  }
  Incidents incidents() const override;

 protected:
  void Turn(std::uint64_t until_ns) override;
  void Send(std::uint32_t publisher, std::uint64_t count, std::uint64_t time_ns) override {
    publishers_.Send(publisher, count, time_ns);
  }
  void Flush() override { publishers_.Flush(); }

 private:
  GrpcLoad streams_;
  LineLoad publishers_;
};

}  // namespace txtchat::bench
