#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bench/line_socket.h"

namespace txtchat::bench {

/// Creates `count` channels over a line connection of its own, which leaves them again: whoever
/// joins within an hour (txtchatd's --empty-channel-ttl-ms) finds them. Answers their ids. Blocks,
/// `patience` for each answer at the most. UNAVAILABLE, DEADLINE_EXCEEDED, or
/// FAILED_PRECONDITION with what the server answered.
absl::StatusOr<std::vector<std::string>> FoundChannels(const SocketAddress& server,
                                                       std::uint32_t count,
                                                       std::chrono::milliseconds patience);

}  // namespace txtchat::bench
