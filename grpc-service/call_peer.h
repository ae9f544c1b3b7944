#pragma once

#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "core/ip_address.h"
#include "core/rate_limiter.h"

namespace txtchat::rpc {

/// The other end of the connection that a call came over, from gRPC's name for it:
/// `ipv4:192.0.2.1:80`, `ipv6:%5B2001:db8::1%5D:80`; a zone is dropped. Nothing if it is none of
/// these.
std::optional<PeerKey> ParsePeer(std::string_view peer);

/// Whether a password is taken from this peer (of `::`, which is not known, none is):
/// over TLS (`is_private`), or if it comes from this machine. PERMISSION_DENIED otherwise, with
/// what to do instead. Pure; thread-safe.
absl::Status MayShowPassword(const IpAddress& peer, bool is_private);

}  // namespace txtchat::rpc
