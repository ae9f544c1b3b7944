#pragma once

#include <optional>
#include <string_view>

#include "core/rate_limiter.h"

namespace txtchat::rpc {

/// The other end of the connection that a call came over, from gRPC's name for it:
/// `ipv4:192.0.2.1:80`, `ipv6:%5B2001:db8::1%5D:80`; a zone is dropped. Nothing if it is none of
/// these.
std::optional<PeerKey> ParsePeer(std::string_view peer);

}  // namespace txtchat::rpc
