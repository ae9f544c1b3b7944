#include "client/terminal_text.h"

#include <cstdio>

#include "client/utf8.h"

namespace txtchat::client {
namespace {

// Beyond C0: what can move, colour or reorder a terminal's contents.
bool IsHostileRune(char32_t rune) {
  return (rune >= 0x7F && rune <= 0x9F) || rune == 0x2028 || rune == 0x2029 ||
         (rune >= 0x202A && rune <= 0x202E) || (rune >= 0x2066 && rune <= 0x2069);
}

}  // namespace

std::string SanitizeLine(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const DecodedRune decoded = DecodeRune(text);
    if (decoded.rune == '\t') {
      out += "    ";
    } else if (decoded.rune < 0x20) {
      AppendRune(0x2400 + decoded.rune, out);
    } else if (decoded.rune == 0x7F) {
      AppendRune(0x2421, out);
    } else if (!decoded.valid || IsHostileRune(decoded.rune)) {
      AppendRune(0xFFFD, out);
    } else {
      out.append(text.substr(0, decoded.length));
    }
    text.remove_prefix(decoded.length);
  }
  return out;
}

std::vector<std::string> SanitizeText(std::string_view text) {
  std::vector<std::string> lines;
  for (;;) {
    const std::size_t end = text.find_first_of("\r\n");
    lines.push_back(SanitizeLine(text.substr(0, end)));
    if (end == std::string_view::npos) return lines;
    const bool crlf = text.substr(end, 2) == "\r\n";
    text.remove_prefix(end + (crlf ? 2 : 1));
  }
}

std::string EscapeJsonForTerminal(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const DecodedRune decoded = DecodeRune(json);
    if (IsHostileRune(decoded.rune)) {
      char escaped[8];
      std::snprintf(escaped, sizeof(escaped), "\\u%04x", static_cast<unsigned>(decoded.rune));
      out += escaped;
    } else {
      out.append(json.substr(0, decoded.length));
    }
    json.remove_prefix(decoded.length);
  }
  return out;
}

int DisplayWidth(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const DecodedRune decoded = DecodeRune(text);
    width += RuneWidth(decoded.rune);
    text.remove_prefix(decoded.length);
  }
  return width;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const DecodedRune decoded = DecodeRune(text);
    if (!decoded.valid) return false;
    text.remove_prefix(decoded.length);
  }
  return true;
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace txtchat::client
