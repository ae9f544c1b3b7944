#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace txtchat::bench {

/// Where a server listens.
struct Endpoint {
  std::string host;  ///< A name or an address, without brackets.
  std::uint16_t port = 0;

  /// `HOST:PORT`, with brackets around an IPv6 address.
  std::string ToString() const;
};

/// Reads HOST, HOST:PORT, [IPV6] or [IPV6]:PORT; a missing port is `default_port`. Nothing if it is
/// none of these. Does not resolve.
std::optional<Endpoint> ParseEndpoint(std::string_view text, std::uint16_t default_port);

}  // namespace txtchat::bench
