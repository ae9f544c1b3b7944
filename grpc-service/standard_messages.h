// The messages of the standard services (grpc.health.v1, grpc.reflection.v1alpha), whose .proto
// files Debian does not ship. Pure functions, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace txtchat::rpc {

inline constexpr char kHealthService[] = "grpc.health.v1.Health";
inline constexpr char kReflectionService[] = "grpc.reflection.v1alpha.ServerReflection";

/// What HealthCheckResponse says of a service.
enum class Serving {
  kUnknown = 0,  ///< Never sent.
  kServing = 1,
  kNotServing = 2,
  kServiceUnknown = 3,  ///< To those who watch; a Check is answered NOT_FOUND.
};

/// The longest name of a service that is asked for, in bytes.
inline constexpr std::size_t kServiceNameBytesMax = 200;

/// Of which service a HealthCheckRequest asks; empty: of the server. Nothing if the bytes are no
/// such message, or the name is too long.
std::optional<std::string> ParseHealthRequest(std::string_view request);
/// A HealthCheckResponse.
std::string HealthResponse(Serving serving);

/// The ServerReflectionResponse to a ServerReflectionRequest, from what was compiled into the
/// program; `services` are those to list. What is not there is told in the response. Nothing if
/// the bytes are no such request.
std::optional<std::string> ReflectionResponse(std::string_view request,
                                              const std::vector<std::string>& services);

}  // namespace txtchat::rpc
