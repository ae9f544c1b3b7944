#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/status.h"

namespace txtchat::rpc {

/// A message travels in the trailers, where clients take 8 KiB of metadata by default; ours can
/// repeat what a user sent (a channel id). Longer ones are cut at a character, with an ellipsis.
inline constexpr std::size_t kStatusMessageBytesMax = 512;

/// The trailing metadata that says when to call again, in milliseconds.
inline constexpr char kRetryAfterKey[] = "retry-after-ms";

/// The same canonical code, with a message that fits. Where the status says when to come again
/// (core/retry_after.h), so do a google.rpc.RetryInfo in the details, and kRetryAfterKey in the
/// trailing metadata of `context`: null, or a call that is not finished.
grpc::Status ToGrpcStatus(const absl::Status& status,
                          grpc::CallbackServerContext* context = nullptr);

/// `message` as it is sent: see kStatusMessageBytesMax.
std::string FitMessage(std::string_view message);

}  // namespace txtchat::rpc
