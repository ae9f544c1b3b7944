// The header that a proxy sends before what its client says: PROXY protocol, version 2 (haproxy,
// doc/proxy-protocol.txt, 2.2). Pure functions and values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/ip_address.h"

namespace txtchat::gateway {

/// More than any address and the additional fields (TLVs) that proxies are known to send.
inline constexpr std::size_t kProxyHeaderBytesMax = 16 + 2'048;

struct ProxyHeader {
  enum class State : std::uint8_t {
    kNeedsMore,
    kDone,
    kInvalid,  ///< Whatever follows.
  };
  /// An address and port that a connection comes from.
  struct Source {
    IpAddress address;
    std::uint16_t port = 0;
    bool operator==(const Source&) const = default;
  };

  State state = State::kInvalid;
  /// kNeedsMore: so many bytes are needed at least, more than there are. kDone: so many are the
  /// header; what is behind them is the client's.
  std::size_t bytes = 0;
  /// Whom the connection is for. Nothing if it is the proxy's own (LOCAL), or if the proxy does not
  /// say (UNSPEC).
  std::optional<Source> source;

  bool operator==(const ProxyHeader&) const = default;
};

/// Reads the header at the beginning of what has come until now. Commands LOCAL and PROXY, the
/// latter of TCP over IPv4, IPv6, or unspecified; additional fields are skipped.
ProxyHeader ParseProxyHeader(std::string_view received);

}  // namespace txtchat::gateway
