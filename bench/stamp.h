// The text of a message: who sent it, which one it is, when it was due, and filler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace txtchat::bench {

/// Names a message of a run and when it was sent.
struct Stamp {
  std::uint32_t publisher = 0;  ///< Below kPublishersMax.
  std::uint32_t number = 0;     ///< Of this publisher's messages, from 0; below kNumbersMax.
  /// When it was sent, or in an open loop due, in nanoseconds of NowNanos(); below 2^54.
  std::uint64_t time_ns = 0;

  static constexpr std::uint32_t kPublishersMax = 1u << 18;
  static constexpr std::uint32_t kNumbersMax = 1u << 30;
  static constexpr std::size_t kBytes = 1 + 3 + 5 + 9;
};

/// Nanoseconds of a clock that only goes forward and begins with the process.
std::uint64_t NowNanos();

/// Writes and reads texts of one size. A text is `#`, 17 digits of base 64 (fixed widths, since a
/// delivery has about 50 ns) and the alphabet again and again. It holds nothing that a dialect of
/// the line protocol would escape or change. Immutable.
class StampCodec {
 public:
  /// `text_bytes` is at least Stamp::kBytes.
  explicit StampCodec(std::size_t text_bytes);

  std::size_t text_bytes() const { return Stamp::kBytes + filler_.size(); }
  void Append(const Stamp& stamp, std::string& out) const;
  /// False if `text` is not, byte for byte, what Append can have written.
  bool Read(std::string_view text, Stamp& stamp) const;

 private:
  const std::string filler_;
};

}  // namespace txtchat::bench
