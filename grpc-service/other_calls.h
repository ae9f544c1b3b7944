#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/rate_limiter.h"
#include "grpc-service/health_book.h"
#include "grpc-service/rpc_options.h"
#include "grpc-service/stream_count.h"
#include "grpc-service/unary_calls.h"
#include "grpcpp/generic/async_generic_service.h"

namespace txtchat::rpc {

/// Every call that is none of txtchat's: the standard services for health and reflection, and
/// methods that there are not. gRPC serves these by itself, too, but counts and bounds them
/// nowhere.
///
/// Each of them, and each question on a reflection stream, is told to `strike` when it comes: a few
/// cost nothing, a flood ends the connection, whether its calls are waited for or broken off.
///
/// Limits: RpcOptions::other_calls; half of them may be streams (Watch, reflection).
///
/// Methods are called by gRPC, on any of its threads; all else is thread-safe. Outlives its calls
/// (UnaryCalls::AwaitGone).
class OtherCalls final : public grpc::CallbackGenericService {
 public:
  /// `services` are listed by reflection, beside the standard ones. `strike` is called on any
  /// thread.
  OtherCalls(const CallOptions& options, std::vector<std::string> services,
             std::function<void(const PeerKey&)> strike);

  HealthBook& health() { return health_; }
  /// Those that are open; to be ticked.
  UnaryCalls& calls() { return calls_; }

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;

 private:
  std::vector<std::string> services_;
  const std::function<void(const PeerKey&)> strike_;
  HealthBook health_;
  UnaryCalls calls_;
  StreamCount streams_;
};

}  // namespace txtchat::rpc
