#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace txtchat::client {

// How to speak TLS; the texts are PEM.
struct TlsChoice {
  bool on = false;
  std::string ca;           // who must have signed the server's certificate; empty: the system's
  std::string certificate;  // the client's own, for servers that demand one; empty: none
  std::string key;
};

// Where a server listens, as typed.
struct Endpoint {
  std::string host;  // a name or an address, without brackets
  std::uint16_t port = 0;
  TlsChoice tls;

  // `HOST:PORT`, with brackets around an IPv6 address.
  std::string ToString() const;

  // True for localhost and the addresses that never leave this machine. Does not resolve.
  bool IsLoopback() const;
};

// Reads HOST, HOST:PORT, [IPV6]:PORT, [IPV6] or IPV6; a missing port is `default_port`.
// INVALID_ARGUMENT with an explanation for anything else. Does not resolve.
absl::StatusOr<Endpoint> ParseEndpoint(std::string_view text, std::uint16_t default_port);

}  // namespace txtchat::client
