#include "core/ip_address.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace txtchat {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr int kMappedBits = 96;
constexpr std::size_t kGroups = 8;  // Of 16 bits each.

bool IsHex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// A decimal number up to `most` and nothing else: no sign, no leading zero (which some read as
/// octal).
std::optional<int> ParseNumber(std::string_view text, int most) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text.front() == '0')) {
    return std::nullopt;
  }
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = 10 * value + (c - '0');
  }
  if (value > most) return std::nullopt;
  return value;
}

bool ParseDotted(std::string_view text, std::uint8_t* bytes) {
  for (int i = 0; i < 4; ++i) {
    const std::size_t end = i < 3 ? text.find('.') : text.size();
    if (end == std::string_view::npos) return false;
    const std::optional<int> number = ParseNumber(text.substr(0, end), 255);
    if (!number.has_value()) return false;
    bytes[i] = static_cast<std::uint8_t>(*number);
    text.remove_prefix(i < 3 ? end + 1 : end);
  }
  return true;
}

/// Groups between colons, the last two perhaps as dotted IPv4. Answers how many bytes they make,
/// or nothing if they are no groups or more than fit.
std::optional<std::size_t> ParseGroups(std::string_view text, std::array<std::uint8_t, 16>& bytes) {
  std::size_t size = 0;
  while (!text.empty()) {
    const std::size_t end = text.find(':');
    const std::string_view group = text.substr(0, end);
    if (end == std::string_view::npos && group.find('.') != std::string_view::npos) {
      if (size + 4 > bytes.size() || !ParseDotted(group, &bytes[size])) return std::nullopt;
      return size + 4;
    }
    if (group.empty() || group.size() > 4 || size + 2 > bytes.size() ||
        !std::all_of(group.begin(), group.end(), IsHex)) {
      return std::nullopt;
    }
    unsigned value = 0;
    std::from_chars(group.data(), group.data() + group.size(), value, 16);
    bytes[size++] = static_cast<std::uint8_t>(value >> 8);
    bytes[size++] = static_cast<std::uint8_t>(value & 0xFF);
    if (end == std::string_view::npos) return size;
    text.remove_prefix(end + 1);
    if (text.empty()) return std::nullopt;  // It ended with a colon.
  }
  return size;
}

std::optional<IpAddress> ParseV6(std::string_view text) {
  IpAddress address;
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    const std::optional<std::size_t> size = ParseGroups(text, address.bytes);
    if (size != address.bytes.size()) return std::nullopt;
    return address;
  }
  const std::string_view head_text = text.substr(0, gap);
  // IPv4 in dots is only for the end.
  if (head_text.find('.') != std::string_view::npos) return std::nullopt;
  std::array<std::uint8_t, 16> tail{};
  const std::optional<std::size_t> head = ParseGroups(head_text, address.bytes);
  const std::optional<std::size_t> rest = ParseGroups(text.substr(gap + 2), tail);
  // `::` stands for one group of zeros at least.
  if (!head.has_value() || !rest.has_value() || *head + *rest > 14) return std::nullopt;
  std::copy_n(tail.begin(), *rest, address.bytes.end() - static_cast<std::ptrdiff_t>(*rest));
  return address;
}

}  // namespace

std::optional<IpAddress> IpAddress::Parse(std::string_view text) {
  if (text.find(':') != std::string_view::npos) return ParseV6(text);
  IpAddress address;
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), address.bytes.begin());
  if (!ParseDotted(text, &address.bytes[kMappedPrefix.size()])) return std::nullopt;
  return address;
}

IpAddress IpAddress::FromV4(const std::array<std::uint8_t, 4>& v4) {
  IpAddress address;
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), address.bytes.begin());
  std::copy(v4.begin(), v4.end(), address.bytes.begin() + kMappedPrefix.size());
  return address;
}

bool IpAddress::is_v4() const {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin());
}

std::string IpAddress::ToString() const {
  if (is_v4()) return absl::StrCat(bytes[12], ".", bytes[13], ".", bytes[14], ".", bytes[15]);
  const auto group = [this](std::size_t i) { return bytes[2 * i] << 8 | bytes[2 * i + 1]; };
  // `::` stands for the first of the longest runs of zeros, of two groups at least.
  std::size_t run_begin = kGroups;
  std::size_t run_size = 1;
  for (std::size_t i = 0; i < kGroups; ++i) {
    std::size_t end = i;
    while (end < kGroups && group(end) == 0) ++end;
    if (end - i > run_size) {
      run_begin = i;
      run_size = end - i;
    }
    i = std::max(i, end);
  }
  std::string text;
  for (std::size_t i = 0; i < kGroups; ++i) {
    if (i == run_begin) {
      text += "::";
      i += run_size - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    absl::StrAppendFormat(&text, "%x", group(i));
  }
  return text;
}

std::optional<IpRange> IpRange::Parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view base = text.substr(0, slash);
  const std::optional<IpAddress> address = IpAddress::Parse(base);
  if (!address.has_value()) return std::nullopt;
  if (slash == std::string_view::npos) return Around(*address, 128);
  const bool dotted = base.find(':') == std::string_view::npos;
  const std::optional<int> bits = ParseNumber(text.substr(slash + 1), dotted ? 32 : 128);
  if (!bits.has_value()) return std::nullopt;
  return Around(*address, dotted ? *bits + kMappedBits : *bits);
}

IpRange IpRange::Around(const IpAddress& address, int prefix_bits) {
  IpRange range{address, prefix_bits};
  for (std::size_t i = 0; i < range.base.bytes.size(); ++i) {
    const int kept = std::clamp(prefix_bits - 8 * static_cast<int>(i), 0, 8);
    range.base.bytes[i] &= static_cast<std::uint8_t>(0xFF00u >> kept);
  }
  return range;
}

bool IpRange::Contains(const IpAddress& address) const {
  const auto whole = static_cast<std::size_t>(prefix_bits / 8);
  if (!std::equal(base.bytes.begin(), base.bytes.begin() + whole, address.bytes.begin())) {
    return false;
  }
  const int rest = prefix_bits % 8;
  return rest == 0 || (base.bytes[whole] ^ address.bytes[whole]) >> (8 - rest) == 0;
}

std::string IpRange::ToString() const {
  if (prefix_bits == 128) return base.ToString();
  const bool v4 = base.is_v4() && prefix_bits >= kMappedBits;
  return base.ToString() + "/" + std::to_string(v4 ? prefix_bits - kMappedBits : prefix_bits);
}

}  // namespace txtchat
