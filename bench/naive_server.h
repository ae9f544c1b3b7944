#pragma once

#include <atomic>
#include <optional>

#include "absl/status/status.h"
#include "bench/endpoint.h"

namespace txtchat::bench {

/// The chat server that one would write first with gRPC's C++ callback API and the generated
/// classes: what a better one is compared with. Serves on `listen` as much of
/// txtchat.v1.ChatService as GrpcLoad needs, until `stop` is set; blocks. Each stream has a queue
/// of events, and writes them one by one, each as a message of its own.
///
/// Tokens stand for users, and that is all of identity. No memberships: a stream follows the
/// channels that it names. No store, no bounds, one heartbeat: only for loads that one runs
/// oneself.
///
/// With `publish_listen` it is also a floor (floor_server.h) whose texts go to the streams, so that
/// publishers can be on lines. What SendMessage posts is not sent to lines.
///
/// Prints `listening on HOST:PORT`, then `lines on HOST:PORT`, to standard output. UNAVAILABLE if
/// it cannot listen.
absl::Status ServeNaive(const Endpoint& listen, const std::optional<Endpoint>& publish_listen,
                        const std::atomic<bool>& stop);

}  // namespace txtchat::bench
