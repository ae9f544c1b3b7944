#pragma once

#include <atomic>

#include "absl/status/status.h"
#include "bench/endpoint.h"

namespace txtchat::bench {

/// The floor: what a chat server would cost that did nothing but copy. Serves on `listen` as much
/// of the classic line protocol as LineLoad needs, on this thread, until `stop` is set. For each
/// read of a sender, the texts that it holds go to every member of their channel as they are, in
/// one write each.
///
/// No identity, no order between channels, no bounds: only for loads that one runs oneself.
///
/// Prints `listening on HOST:PORT` to standard output. UNAVAILABLE if it cannot listen.
absl::Status ServeFloor(const Endpoint& listen, const std::atomic<bool>& stop);

}  // namespace txtchat::bench
