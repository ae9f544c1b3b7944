#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "core/command.h"
#include "core/connection_limiter.h"
#include "core/ip_address.h"
#include "core/peer_limits.h"
#include "core/rate_limiter.h"

namespace txtchat {

/// Whether something that a peer wants is within its limits.
struct Verdict {
  std::int64_t retry_after_ms = 0;  ///< 0: it is.
  /// Whose limit is reached, if one is.
  enum class Whose : std::uint8_t { kConnection, kAddress } whose = Whose::kConnection;

  bool ok() const { return retry_after_ms == 0; }
};

/// RESOURCE_EXHAUSTED, in words for people: `what` came too fast.
absl::Status TooFast(Verdict::Whose whose);

/// RESOURCE_EXHAUSTED, in words for people: too many passwords or tokens were tried.
absl::Status TooManyAttempts(std::int64_t retry_after_ms);

/// Holds peers to their limits: the same for all transports, which share one.
///
/// Limits of an address are those of its block: all of an IPv6 /64 is one peer. Addresses that many
/// peers share (PeerLimits::shared_address_ranges), and those that are not known, have none.
///
/// Thread-safe, O(1), bounded by kPeerAccountsMax. Outlives the places that it gives.
class PeerGuard {
 public:
  explicit PeerGuard(const PeerLimits& limits);
  PeerGuard(const PeerGuard&) = delete;
  PeerGuard& operator=(const PeerGuard&) = delete;

  const PeerLimits& limits() const { return limits_; }
  const Rate& commands_per_connection() const { return commands_per_connection_; }
  const Rate& bytes_per_connection() const { return bytes_per_connection_; }

  /// What limits of an address are counted by. Unknown (`::`): it has none.
  IpAddress BlockOf(const IpAddress& address) const;

  // --- Connections.
  ConnectionLimiter& connections() { return connections_; }
  /// A place for one more connection of this peer; an empty one if its address has its most.
  ConnectionLimiter::Place TryAcquireConnection(const IpAddress& address);

  // --- Commands and bytes. `block`: of BlockOf.
  /// Takes from what the address may, if it is there.
  Verdict TryTake(const IpAddress& block, std::int64_t commands, std::int64_t bytes,
                  std::int64_t now_ms);
  /// Takes it whether it is there or not: it has come already. Answers how long until there is
  /// some again.
  Verdict Take(const IpAddress& block, std::int64_t commands, std::int64_t bytes,
               std::int64_t now_ms);
  /// How long until the address may so much.
  Verdict Wait(const IpAddress& block, std::int64_t commands, std::int64_t bytes,
               std::int64_t now_ms);
  /// A whole call over a connection that keeps no buckets of its own: takes from what the
  /// connection may, which is known by its port, then from what the address may.
  Verdict TryTakeCall(const IpAddress& address, std::uint16_t port, std::int64_t bytes,
                      std::int64_t now_ms);

  /// A call of this connection was refused, or broken off. False: once too often, close it.
  bool MayGoOn(const PeerKey& connection, std::int64_t now_ms);

  // --- Passwords and tokens.
  /// Takes an attempt before it is known whether it is right, so that no more than the limit are
  /// ever under way at once.
  Verdict TryTakeAttempt(const IpAddress& address, std::int64_t now_ms);
  /// It was right: it does not count.
  void PutBackAttempt(const IpAddress& address, std::int64_t now_ms);

  // --- What stays in tables that all share: users, channels, bans, mutes, invites.
  /// Takes what the command would add to them, if it adds anything, from what the address may. To
  /// be asked once for each command, before it is submitted; what the core refuses afterwards
  /// counts as well. RESOURCE_EXHAUSTED, with when to come again.
  absl::Status MayCreate(const IpAddress& address, const Command& command, std::int64_t now_ms);

 private:
  const PeerLimits limits_;
  const Rate commands_per_connection_;
  const Rate bytes_per_connection_;
  ConnectionLimiter connections_;
  RateTable of_connections_;
  RateTable of_addresses_;
};

}  // namespace txtchat
