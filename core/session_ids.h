#pragma once

#include <atomic>

#include "core/event.h"

namespace txtchat {

/// Hands out the session ids of a process: 1, 2, 3, … One object for all transports, so that no two
/// sessions ever share an id. Thread-safe.
class SessionIds {
 public:
  SessionId Next() { return last_.fetch_add(1, std::memory_order_relaxed) + 1; }

 private:
  std::atomic<SessionId> last_{0};
};

}  // namespace txtchat
