#include "gateway/line_text.h"

namespace txtchat::gateway {
namespace {

// Whether a byte can neither begin a control nor is a backslash; a tab is looked at closer, too.
constexpr bool IsPlain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 0x20) & (byte != 0x7F) & (byte != 0xC2) & (byte != '\\');
}

constexpr std::size_t kBlockBytes = 16;

// Without a branch for each byte, so that the compiler makes it a few vector instructions.
bool IsPlainBlock(const char* bytes) {
  unsigned plain = 1;
  for (std::size_t i = 0; i < kBlockBytes; ++i) plain &= static_cast<unsigned>(IsPlain(bytes[i]));
  return plain != 0;
}

}  // namespace

std::size_t PlainRun(std::string_view text) {
  std::size_t run = 0;
  while (text.size() - run >= kBlockBytes && IsPlainBlock(text.data() + run)) run += kBlockBytes;
  while (run < text.size() && IsPlain(text[run])) ++run;
  return run;
}

std::size_t ControlBytes(std::string_view text) {
  if (text.empty()) return 0;
  const auto first = static_cast<unsigned char>(text[0]);
  if ((first < 0x20 && first != '\t') || first == 0x7F) return 1;
  if (first != 0xC2 || text.size() < 2) return 0;
  const auto second = static_cast<unsigned char>(text[1]);
  return second >= 0x80 && second <= 0x9F ? 2 : 0;
}

void AppendOneLine(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const std::size_t run = PlainRun(text);
    out.append(text.substr(0, run));
    text.remove_prefix(run);
    if (text.empty()) return;
    const std::size_t control = ControlBytes(text);
    if (control == 0) out += text[0];
    text.remove_prefix(control == 0 ? 1 : control);
  }
}

std::string OneLine(std::string_view text, std::size_t bytes_max) {
  std::string out;
  if (text.size() <= bytes_max) {
    AppendOneLine(text, out);
    return out;
  }
  std::size_t cut = bytes_max;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
  AppendOneLine(text.substr(0, cut), out);
  return out + "...";
}

void AppendEscapedText(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const std::size_t run = PlainRun(text);
    out.append(text.substr(0, run));
    text.remove_prefix(run);
    if (text.empty()) return;
    const char c = text[0];
    const std::size_t control = ControlBytes(text);
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (control == 0) {
      out += c;
    }
    text.remove_prefix(control == 0 ? 1 : control);
  }
}

void AppendEscapedName(std::string_view name, std::string& out) {
  for (const char c : name) {
    if (c == '\\' || c == ':') out += '\\';
    out += c;
  }
}

}  // namespace txtchat::gateway
