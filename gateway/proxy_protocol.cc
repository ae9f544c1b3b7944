#include "gateway/proxy_protocol.h"

#include <algorithm>
#include <array>

namespace txtchat::gateway {
namespace {

using State = ProxyHeader::State;

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kFixedBytes = 16;  // Signature, version and command, family, length.
constexpr std::uint8_t kLocal = 0x20;
constexpr std::uint8_t kProxy = 0x21;
constexpr std::uint8_t kUnspecified = 0x00;
constexpr std::uint8_t kTcp4 = 0x11;
constexpr std::uint8_t kTcp6 = 0x21;
constexpr std::size_t kTcp4Bytes = 2 * (4 + 2);
constexpr std::size_t kTcp6Bytes = 2 * (16 + 2);

std::uint8_t ByteAt(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

std::uint16_t NumberAt(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(ByteAt(bytes, at) << 8 | ByteAt(bytes, at + 1));
}

}  // namespace

ProxyHeader ParseProxyHeader(std::string_view received) {
  const std::string_view begun = received.substr(0, kSignature.size());
  if (begun != kSignature.substr(0, begun.size())) return {};
  if (received.size() < kFixedBytes) return {.state = State::kNeedsMore, .bytes = kFixedBytes};

  const std::uint8_t command = ByteAt(received, 12);
  const std::uint8_t family = ByteAt(received, 13);
  const std::size_t length = NumberAt(received, 14);
  const bool v4 = command == kProxy && family == kTcp4;
  const bool v6 = command == kProxy && family == kTcp6;
  const bool unsaid = command == kLocal || (command == kProxy && family == kUnspecified);
  if (!v4 && !v6 && !unsaid) return {};
  if (length < (v4 ? kTcp4Bytes : v6 ? kTcp6Bytes : 0)) return {};
  ProxyHeader header{.state = State::kNeedsMore, .bytes = kFixedBytes + length};
  if (header.bytes > kProxyHeaderBytesMax) return {};
  if (received.size() < header.bytes) return header;

  header.state = State::kDone;
  const std::string_view addresses = received.substr(kFixedBytes);
  if (v4) {
    std::array<std::uint8_t, 4> bytes{};
    std::copy_n(addresses.begin(), bytes.size(), bytes.begin());
    header.source =
        ProxyHeader::Source{IpAddress::FromV4(bytes), NumberAt(addresses, 2 * bytes.size())};
  } else if (v6) {
    IpAddress address;
    std::copy_n(addresses.begin(), address.bytes.size(), address.bytes.begin());
    header.source = ProxyHeader::Source{address, NumberAt(addresses, 2 * address.bytes.size())};
  }
  return header;
}

}  // namespace txtchat::gateway
