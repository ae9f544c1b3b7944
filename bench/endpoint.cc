#include "bench/endpoint.h"

#include <charconv>

namespace txtchat::bench {

std::string Endpoint::ToString() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<Endpoint> ParseEndpoint(std::string_view text, std::uint16_t default_port) {
  Endpoint endpoint{"", default_port};
  std::string_view rest;
  if (!text.empty() && text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    endpoint.host = text.substr(1, close - 1);
    rest = text.substr(close + 1);
  } else {
    const std::size_t colon = text.find(':');
    endpoint.host = text.substr(0, colon);
    if (colon != std::string_view::npos) rest = text.substr(colon);
  }
  if (endpoint.host.empty()) return std::nullopt;
  if (rest.empty()) return endpoint;
  const auto [end, error] =
      std::from_chars(rest.data() + 1, rest.data() + rest.size(), endpoint.port);
  if (rest.front() != ':' || error != std::errc() || end != rest.data() + rest.size()) {
    return std::nullopt;
  }
  return endpoint;
}

}  // namespace txtchat::bench
