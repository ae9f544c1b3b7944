#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace txtchat::rpc {

/// A message travels in the trailers, where clients take 8 KiB of metadata by default; ours can
/// repeat what a user sent (a channel id). Longer ones are cut at a character, with an ellipsis.
inline constexpr std::size_t kStatusMessageBytesMax = 512;

/// The trailing metadata that says when to call again, in milliseconds.
inline constexpr char kRetryAfterKey[] = "retry-after-ms";

/// The status, with `; retry after N ms` in its message and a google.rpc.RetryInfo in its details.
absl::Status WithRetryAfter(const absl::Status& status, std::int64_t retry_after_ms);

/// The same canonical code, with a message that fits, and the same details.
grpc::Status ToGrpcStatus(const absl::Status& status);

/// `message` as it is sent: see kStatusMessageBytesMax.
std::string FitMessage(std::string_view message);

}  // namespace txtchat::rpc
