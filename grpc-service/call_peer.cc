#include "grpc-service/call_peer.h"

#include <charconv>
#include <system_error>

namespace txtchat::rpc {
namespace {

bool Consume(std::string_view& text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool ConsumeEnd(std::string_view& text, std::string_view suffix) {
  if (text.size() < suffix.size() || text.substr(text.size() - suffix.size()) != suffix) {
    return false;
  }
  text.remove_suffix(suffix.size());
  return true;
}

}  // namespace

std::optional<PeerKey> ParsePeer(std::string_view peer) {
  const bool v6 = Consume(peer, "ipv6:");
  if (!v6 && !Consume(peer, "ipv4:")) return std::nullopt;
  const std::size_t colon = peer.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  PeerKey parsed;
  const char* const last = peer.data() + peer.size();
  const auto [end, error] = std::from_chars(peer.data() + colon + 1, last, parsed.port);
  if (error != std::errc() || end != last) return std::nullopt;
  std::string_view host = peer.substr(0, colon);
  if (v6) {
    // It is a URI, in which brackets and the percent sign of a zone are written so.
    const bool bracketed = (Consume(host, "%5B") && ConsumeEnd(host, "%5D")) ||
                           (Consume(host, "[") && ConsumeEnd(host, "]"));
    if (!bracketed) return std::nullopt;
    host = host.substr(0, host.find('%'));
  }
  const std::optional<IpAddress> address = IpAddress::Parse(host);
  if (!address.has_value()) return std::nullopt;
  parsed.address = *address;
  return parsed;
}

absl::Status MayShowPassword(const IpAddress& peer, bool is_private) {
  static const IpRange kLoopbackV4 = *IpRange::Parse("127.0.0.0/8");
  static const IpRange kLoopbackV6 = *IpRange::Parse("::1");
  if (is_private || kLoopbackV4.Contains(peer) || kLoopbackV6.Contains(peer)) {
    return absl::OkStatus();
  }
  return absl::PermissionDeniedError(
      "this connection is not encrypted, and passwords are not taken over it; use TLS, or connect "
      "from the server's own machine (in a container: docker compose exec)");
}

}  // namespace txtchat::rpc
