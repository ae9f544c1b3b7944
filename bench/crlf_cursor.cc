#include "bench/crlf_cursor.h"

#include <string>

#include "absl/strings/escaping.h"

namespace txtchat::bench {
namespace {

// Half of what a LineReader holds: behind a head there is room for it.
constexpr std::size_t kSizeMax = 128 * 1024;
constexpr std::size_t kShownMax = 80;

}  // namespace

CrlfCursor::Found CrlfCursor::Line(std::string_view& line) {
  const std::string_view all = rest();
  const std::size_t end = all.find('\n');
  if (end == std::string_view::npos) return Found::kPart;
  if (end == 0 || all[end - 1] != '\r') return Found::kWrong;
  line = all.substr(0, end - 1);
  at_ += end + 1;
  return Found::kWhole;
}

CrlfCursor::Found CrlfCursor::Text(std::size_t size, std::string_view& text) {
  const std::string_view all = rest();
  if (all.size() < size + 2) return Found::kPart;
  if (all[size] != '\r' || all[size + 1] != '\n') return Found::kWrong;
  text = all.substr(0, size);
  at_ += size + 2;
  return Found::kWhole;
}

std::optional<std::size_t> ParseSize(std::string_view digits) {
  if (digits.empty()) return std::nullopt;
  std::size_t size = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return std::nullopt;
    size = 10 * size + static_cast<std::size_t>(digit - '0');
    if (size > kSizeMax) return std::nullopt;
  }
  return size;
}

absl::Status NotOf(std::string_view protocol, std::string_view said) {
  const std::string shown = absl::CHexEscape(std::string(said.substr(0, kShownMax)));
  return absl::UnavailableError("this is no " + std::string(protocol) + " server: it says \"" +
                                shown + "\"");
}

}  // namespace txtchat::bench
