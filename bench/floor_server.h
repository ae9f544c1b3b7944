#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "bench/endpoint.h"

namespace txtchat::bench {

/// The floor: what a chat server would cost that did nothing but copy. Serves on `listen` as much
/// of the classic line protocol as LineLoad needs, on this thread, until `stop` is set. For each
/// read of a sender, the texts that it holds go to every member of their channel as they are, in
/// one write each.
///
/// No identity, no order between channels, no bounds: only for loads that one runs oneself. Whoever
/// joins a channel that is not there makes it.
///
/// Prints `listening on HOST:PORT` to standard output. UNAVAILABLE if it cannot listen.
absl::Status ServeFloor(const Endpoint& listen, const std::atomic<bool>& stop);

/// What another server makes of the floor.
struct FloorHooks {
  std::string announcement = "listening on";
  /// Told each text, on the thread that serves, before anybody is sent it. May be empty.
  std::function<void(std::string_view channel_id, std::string_view text)> on_text;
};

/// As above, with `hooks`.
absl::Status ServeFloor(const Endpoint& listen, const std::atomic<bool>& stop, FloorHooks hooks);

}  // namespace txtchat::bench
