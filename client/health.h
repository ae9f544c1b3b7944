#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "client/endpoint.h"

namespace txtchat::client {

// The status in the bytes of a grpc.health.v1.HealthCheckResponse: 1 is SERVING. DATA_LOSS if the
// bytes are no protobuf message.
absl::StatusOr<int> DecodeHealthStatus(std::string_view bytes);

// The name of a grpc.health.v1 status.
std::string HealthStatusName(int status);

// `txtchat health`: asks the standard health service for the server as a whole. Blocks up to
// `timeout`. Answers the program's exit code: 0 only if it is SERVING.
int RunHealth(const Endpoint& server, std::chrono::milliseconds timeout, bool json);

}  // namespace txtchat::client
