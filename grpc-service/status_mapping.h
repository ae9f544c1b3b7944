#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace txtchat::rpc {

/// A message travels in the trailers, where clients take 8 KiB of metadata by default; ours can
/// repeat what a user sent (a channel id). Longer ones are cut at a character, with an ellipsis.
inline constexpr std::size_t kStatusMessageBytesMax = 512;

/// The same canonical code, with a message that fits.
grpc::Status ToGrpcStatus(const absl::Status& status);

/// `message` as it is sent: see kStatusMessageBytesMax.
std::string FitMessage(std::string_view message);

}  // namespace txtchat::rpc
