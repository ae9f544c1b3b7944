#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/status.h"

namespace txtchat::bench {

/// Goes through what NATS and RESP are made of: lines that end with CRLF, and texts whose size was
/// announced, with a CRLF behind them. Copies nothing; does not move unless it answers kWhole.
class CrlfCursor {
 public:
  enum class Found : std::uint8_t {
    kWhole,
    kPart,   ///< The rest has not come yet.
    kWrong,  ///< There is no CRLF where one must be.
  };

  explicit CrlfCursor(std::string_view bytes) : bytes_(bytes) {}

  /// `line`, `text`: without the CRLF. Set for kWhole.
  Found Line(std::string_view& line);
  Found Text(std::size_t size, std::string_view& text);

  std::string_view rest() const { return bytes_.substr(at_); }
  void Skip(std::size_t count) { at_ += count; }
  std::size_t taken() const { return at_; }

 private:
  const std::string_view bytes_;
  std::size_t at_ = 0;
};

/// An announced size. Nothing if it is no number, or more than any server has to say to this load:
/// waiting for so much would be waiting for ever.
std::optional<std::size_t> ParseSize(std::string_view digits);

/// UNAVAILABLE: the server does not speak `protocol`, but says `said`.
absl::Status NotOf(std::string_view protocol, std::string_view said);

}  // namespace txtchat::bench
