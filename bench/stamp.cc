#include "bench/stamp.h"

#include <array>
#include <chrono>
#include <cstring>

namespace txtchat::bench {
namespace {

constexpr std::string_view kDigits =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz-";
static_assert(kDigits.size() == 64);
constexpr char kMark = '#';
constexpr std::uint8_t kNoDigit = 64;

constexpr std::array<std::uint8_t, 256> MakeValues() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::size_t i = 0; i < kDigits.size(); ++i) {
    values[static_cast<unsigned char>(kDigits[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr std::array<std::uint8_t, 256> kValues = MakeValues();

void Write(std::uint64_t value, std::size_t digits, char* to) {
  while (digits-- > 0) {
    to[digits] = kDigits[value & 63];
    value >>= 6;
  }
}

/// `bad` gets bit 6 if there is a character that is no digit.
std::uint64_t Parse(const char* from, std::size_t digits, std::uint8_t& bad) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    const std::uint8_t digit = kValues[static_cast<unsigned char>(from[i])];
    bad |= digit;
    value = (value << 6) | (digit & 63u);
  }
  return value;
}

std::string MakeFiller(std::size_t bytes) {
  std::string filler;
  while (filler.size() < bytes) filler += kDigits;
  filler.resize(bytes);
  return filler;
}

}  // namespace

std::uint64_t NowNanos() {
  using Clock = std::chrono::steady_clock;
  static const Clock::time_point start = Clock::now();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count());
}

StampCodec::StampCodec(std::size_t text_bytes) : filler_(MakeFiller(text_bytes - Stamp::kBytes)) {}

void StampCodec::Append(const Stamp& stamp, std::string& out) const {
  char head[Stamp::kBytes];
  head[0] = kMark;
  Write(stamp.publisher, 3, head + 1);
  Write(stamp.number, 5, head + 4);
  Write(stamp.time_ns, 9, head + 9);
  out.append(head, sizeof head);
  out += filler_;
}

bool StampCodec::Read(std::string_view text, Stamp& stamp) const {
  if (text.size() != text_bytes() || text.front() != kMark) return false;
  std::uint8_t bad = 0;
  stamp.publisher = static_cast<std::uint32_t>(Parse(text.data() + 1, 3, bad));
  stamp.number = static_cast<std::uint32_t>(Parse(text.data() + 4, 5, bad));
  stamp.time_ns = Parse(text.data() + 9, 9, bad);
  return (bad & kNoDigit) == 0 &&
         std::memcmp(text.data() + Stamp::kBytes, filler_.data(), filler_.size()) == 0;
}

}  // namespace txtchat::bench
