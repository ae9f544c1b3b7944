#pragma once

#include <cstddef>
#include <cstdint>

#include "core/ip_address.h"
#include "core/peer_guard.h"

namespace txtchat::gateway {

/// How fast one connection may go on: what it may, and what its address may. Everything is counted
/// when it has come already; the answer says whether to wait before more of it is taken.
///
/// Belongs to one thread. The guard outlives it; without one there are no limits.
class Pace {
 public:
  Pace(PeerGuard* guard, const IpAddress& address)
      : guard_(guard), block_(guard == nullptr ? IpAddress{} : guard->BlockOf(address)) {}

  bool limited() const { return guard_ != nullptr; }
  Verdict CountLine(std::int64_t now_ms);
  Verdict CountBytes(std::size_t bytes, std::int64_t now_ms);
  /// How long to wait until it is worth the while: for what comes in some hundredths of a second,
  /// so that a connection that is slowed is not woken for each line.
  Verdict Wait(std::int64_t now_ms) const;

 private:
  PeerGuard* const guard_;
  const IpAddress block_;
  TokenBucket commands_;
  TokenBucket bytes_;
};

}  // namespace txtchat::gateway
