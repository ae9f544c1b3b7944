#pragma once

#include <string>
#include <string_view>

#include "core/ip_address.h"

namespace txtchat::testing {

/// A header of the PROXY protocol, version 2, with these bytes behind its length.
inline std::string ProxyHeaderBytes(int command, int family, const std::string& rest) {
  std::string bytes("\r\n\r\n\0\r\nQUIT\n", 12);
  bytes += static_cast<char>(command);
  bytes += static_cast<char>(family);
  bytes += static_cast<char>(rest.size() >> 8);
  bytes += static_cast<char>(rest.size() & 0xFF);
  return bytes + rest;
}

/// What a proxy sends for a client at this address.
inline std::string ProxyHeaderFor(std::string_view address, int port) {
  const IpAddress from = *IpAddress::Parse(address);
  const bool v4 = from.is_v4();
  std::string rest(from.bytes.begin() + (v4 ? 12 : 0), from.bytes.end());
  rest += std::string(v4 ? 4 : 16, '\2');  // To some address of the server's…
  rest += static_cast<char>(port >> 8);
  rest += static_cast<char>(port & 0xFF);
  rest += std::string("\x23\x82", 2);  // … and its port.
  return ProxyHeaderBytes(0x21, v4 ? 0x11 : 0x21, rest);
}

}  // namespace txtchat::testing
