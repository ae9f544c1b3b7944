#include "client/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>

#include "absl/status/status.h"
#include "absl/strings/match.h"

namespace txtchat::client {
namespace {

absl::Status Invalid(std::string_view text, const char* why) {
  return absl::InvalidArgumentError("\"" + std::string(text) + "\" is not a server: " + why +
                                    " (expected HOST, HOST:PORT or [IPV6]:PORT)");
}

}  // namespace

std::string Endpoint::ToString() const {
  const std::string port_text = ":" + std::to_string(port);
  if (host.find(':') != std::string::npos) return "[" + host + "]" + port_text;
  return host + port_text;
}

bool Endpoint::IsLoopback() const {
  if (absl::EqualsIgnoreCase(host, "localhost")) return true;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6{};
  if (inet_pton(AF_INET6, host.c_str(), &v6) != 1) return false;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return v6.s6_addr[12] == 127;
  return IN6_IS_ADDR_LOOPBACK(&v6);
}

absl::StatusOr<Endpoint> ParseEndpoint(std::string_view text, std::uint16_t default_port) {
  std::string_view host = text;
  std::string_view port;
  bool has_port = false;
  if (!text.empty() && text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return Invalid(text, "the ] is missing");
    host = text.substr(1, close - 1);
    const std::string_view rest = text.substr(close + 1);
    has_port = !rest.empty();
    if (has_port && rest.front() != ':') return Invalid(text, "after ] comes :PORT or nothing");
    if (has_port) port = rest.substr(1);
  } else if (const std::size_t colon = text.rfind(':');
             colon != std::string_view::npos && text.find(':') == colon) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    has_port = true;
  }
  if (host.empty()) return Invalid(text, "the host is missing");
  if (host.find_first_of(" \t/") != std::string_view::npos) {
    return Invalid(text, "a host has no spaces or slashes");
  }
  Endpoint endpoint{std::string(host), default_port};
  if (!has_port) return endpoint;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), value);
  if (port.empty() || error != std::errc() || end != port.data() + port.size() || value == 0 ||
      value > 65535) {
    return Invalid(text, "the port is not a number from 1 to 65535");
  }
  endpoint.port = static_cast<std::uint16_t>(value);
  return endpoint;
}

}  // namespace txtchat::client
