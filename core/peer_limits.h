// What peers are held to, in one place: unit in the name, default beside it. Each is a flag of
// txtchatd (dashes for underscores, without `_per_s` and `_per_minute`); the comment says what a
// caller gets beyond it. 0: no limit. How they were chosen, and how to choose others:
// docs/limits.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/ip_address.h"

namespace txtchat {

/// Loopback, the private ranges (RFC 1918, RFC 4193), link-local, and carriers' own (RFC 6598).
inline std::vector<IpRange> DefaultSharedAddressRanges() {
  std::vector<IpRange> ranges;
  for (const char* text : {"127.0.0.0/8", "::1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
                           "fc00::/7", "169.254.0.0/16", "fe80::/10", "100.64.0.0/10"}) {
    ranges.push_back(*IpRange::Parse(text));
  }
  return ranges;
}

/// A plain value: copied at wiring, constant afterwards.
///
/// Beyond a limit of commands or bytes, the server reads a line connection only as fast as the
/// limit says (nothing is lost; `$$error: resource_exhausted` tells why), and answers a gRPC call
/// with RESOURCE_EXHAUSTED and when to come again. A burst is what may come at once after a pause.
struct PeerLimits {
  // --- One connection, whoever's. A line is a command, and so is a call.
  std::int64_t commands_per_connection_per_s = 5'000;
  std::int64_t commands_per_connection_burst = 10'000;
  std::int64_t bytes_per_connection_per_s = 8 * 1024 * 1024;
  std::int64_t bytes_per_connection_burst = 16 * 1024 * 1024;

  /// Calls of a gRPC connection that are refused, or broken off by the client, or none of txtchat's
  /// (health, reflection, methods that there are not). Beyond: the connection is closed. It does
  /// not do what it is told, and gRPC keeps what it cannot handle in time in memory
  /// (CVE-2023-44487).
  std::int64_t strikes_per_connection_per_s = 100;
  std::int64_t strikes_per_connection_burst = 1'000;

  // --- One address: an IPv4 address, or the /64 of an IPv6 address. All its connections together,
  // of both transports. Those of `shared_address_ranges` have no such limits.
  /// Beyond: a line connection is refused with `$$error: resource_exhausted`, a gRPC connection or
  /// one with TLS is closed.
  std::size_t connections_per_address = 256;
  std::int64_t commands_per_address_per_s = 10'000;
  std::int64_t commands_per_address_burst = 20'000;
  std::int64_t bytes_per_address_per_s = 16 * 1024 * 1024;
  std::int64_t bytes_per_address_burst = 32 * 1024 * 1024;
  /// Passwords and tokens that are tried. Beyond: RESOURCE_EXHAUSTED, without a look at them.
  std::int64_t attempts_per_address_per_minute = 60;
  /// Guests and accounts that are made, whatever comes of it; as many at once. Beyond:
  /// RESOURCE_EXHAUSTED, with when to come again; on a line the connection stays, unregistered.
  std::int64_t registrations_per_address_per_minute = 1'200;
  /// Channels, bans, mutes and invites: what stays when who made it has gone. Whatever comes of
  /// it. Beyond: RESOURCE_EXHAUSTED, with when to come again.
  std::int64_t creations_per_address_per_minute = 120;
  std::int64_t creations_per_address_burst = 1'000;

  /// The same for one login name, whoever tries: so that many addresses together do not guess it.
  /// Its user waits, too, while others try; a token is not held up.
  std::int64_t attempts_per_login_per_minute = 30;

  // --- One user, all sessions together.
  /// Beyond: RESOURCE_EXHAUSTED, on both transports. More than a connection may, so that a line
  /// client with one connection is slowed and never refused.
  std::int64_t commands_per_user_per_s = 10'000;
  std::int64_t commands_per_user_burst = 20'000;
  std::int64_t bytes_per_user_per_s = 16 * 1024 * 1024;  ///< Envelope::SentBytes.
  std::int64_t bytes_per_user_burst = 32 * 1024 * 1024;
  /// Channels, bans, mutes and invites, those that were made alone.
  std::int64_t creations_per_user_per_minute = 60;
  std::int64_t creations_per_user_burst = 300;

  /// Addresses behind which many peers are known to be: a published container port, a load
  /// balancer, a private network's router.
  std::vector<IpRange> shared_address_ranges = DefaultSharedAddressRanges();
};

/// Addresses, and connections of gRPC, whose use is remembered at once. Beyond: newcomers share one
/// account until others have been quiet for long enough to be forgotten.
inline constexpr std::size_t kPeerAccountsMax = 65'536;

}  // namespace txtchat
