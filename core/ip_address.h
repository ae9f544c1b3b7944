// Addresses of peers, and ranges of them. Values; thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace txtchat {

/// An IPv4 or IPv6 address; IPv4 is kept as IPv6 writes it (::ffff:192.0.2.1, RFC 4291, 2.5.5.2),
/// so that one peer has one form on every listener.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};

  /// Nothing if it is neither `192.0.2.1` nor `2001:db8::1` (without brackets, port or zone).
  static std::optional<IpAddress> Parse(std::string_view text);
  static IpAddress FromV4(const std::array<std::uint8_t, 4>& v4);
  bool is_v4() const;
  /// Whether it names a peer at all: `::` is what is said of one that is not known.
  bool known() const { return *this != IpAddress{}; }
  /// In its shortest form (RFC 5952); IPv4 in dots.
  std::string ToString() const;

  bool operator==(const IpAddress&) const = default;
  template <typename H>
  friend H AbslHashValue(H state, const IpAddress& address) {
    return H::combine(std::move(state), address.bytes);
  }
};

/// The addresses that begin with the first `prefix_bits` bits of `base`.
struct IpRange {
  IpAddress base;  ///< With zeros behind the prefix.
  int prefix_bits = 128;

  /// Nothing if it is neither an address nor `192.0.2.0/24` nor `2001:db8::/32`. Bits behind the
  /// prefix do not matter.
  static std::optional<IpRange> Parse(std::string_view text);
  /// The range of `prefix_bits` (of IPv6's 128) that `address` is in.
  static IpRange Around(const IpAddress& address, int prefix_bits);
  bool Contains(const IpAddress& address) const;
  /// The one form of a range: `192.0.2.0/24`; without a prefix if it is one address.
  std::string ToString() const;

  bool operator==(const IpRange&) const = default;
};

}  // namespace txtchat
