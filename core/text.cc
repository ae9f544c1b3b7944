#include "core/text.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace txtchat {
namespace {

/// A decoded code point, or size 0 where the bytes are not UTF-8.
struct CodePoint {
  std::uint32_t value = 0;
  std::size_t size = 0;
};

// Chat is mostly ASCII: without a branch for each byte the compiler looks at many at once.
bool IsAscii(std::string_view bytes) {
  constexpr std::size_t kBlock = 16;
  unsigned char seen = 0;
  for (; bytes.size() >= kBlock; bytes.remove_prefix(kBlock)) {
    for (std::size_t i = 0; i < kBlock; ++i) seen |= static_cast<unsigned char>(bytes[i]);
    if ((seen & 0x80) != 0) return false;
  }
  for (const char c : bytes) seen |= static_cast<unsigned char>(c);
  return (seen & 0x80) == 0;
}

bool IsContinuation(unsigned char byte) { return (byte & 0xC0) == 0x80; }

CodePoint Decode(std::string_view bytes) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return {lead, 1};
  if (lead >= 0xC2 && lead <= 0xDF) {
    if (bytes.size() < 2 || !IsContinuation(at(1))) return {};
    return {(lead & 0x1Fu) << 6 | (at(1) & 0x3Fu), 2};
  }
  if ((lead & 0xF0) == 0xE0) {
    if (bytes.size() < 3 || !IsContinuation(at(1)) || !IsContinuation(at(2))) return {};
    const std::uint32_t value = (lead & 0x0Fu) << 12 | (at(1) & 0x3Fu) << 6 | (at(2) & 0x3Fu);
    const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    return value < 0x800 || surrogate ? CodePoint{} : CodePoint{value, 3};
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (bytes.size() < 4) return {};
    for (std::size_t i = 1; i < 4; ++i) {
      if (!IsContinuation(at(i))) return {};
    }
    const std::uint32_t value =
        (lead & 0x07u) << 18 | (at(1) & 0x3Fu) << 12 | (at(2) & 0x3Fu) << 6 | (at(3) & 0x3Fu);
    return value < 0x10000 || value > 0x10FFFF ? CodePoint{} : CodePoint{value, 4};
  }
  return {};
}

bool IsControl(std::uint32_t c) { return c < 0x20 || (c >= 0x7F && c <= 0x9F); }
bool IsSeparator(std::uint32_t c) { return c == 0x2028 || c == 0x2029; }
// Bidirectional controls, with which "ecila" is shown as "alice", and interlinear annotations. No
// name needs them: letters have their direction by themselves.
bool IsTurning(std::uint32_t c) {
  return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069) || (c >= 0xFFF9 && c <= 0xFFFB);
}
bool IsRefusedInName(std::uint32_t c) { return IsControl(c) || IsSeparator(c) || c == '$'; }

absl::Status HoldsTurning(const std::string& subject) {
  return absl::InvalidArgumentError(
      absl::StrCat("the ", subject,
                   " holds an invisible character that changes the order in which letters are "
                   "shown, or annotates them; leave it out"));
}

}  // namespace

bool IsValidUtf8(std::string_view bytes) {
  if (IsAscii(bytes)) return true;
  while (!bytes.empty()) {
    // Between other characters: eight bytes at a time.
    std::uint64_t word = 0;
    if (bytes.size() >= sizeof word) {
      std::memcpy(&word, bytes.data(), sizeof word);
      if ((word & 0x8080808080808080u) == 0) {
        bytes.remove_prefix(sizeof word);
        continue;
      }
    }
    const CodePoint point = Decode(bytes);
    if (point.size == 0) return false;
    bytes.remove_prefix(point.size);
  }
  return true;
}

absl::Status ValidateName(std::string_view what, std::string_view name, const Limits& limits) {
  const std::string subject(what);
  if (name.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the ", subject, " is empty; give at least one character"));
  }
  if (name.size() > limits.name_bytes_max) {
    return absl::InvalidArgumentError(absl::StrCat("the ", subject, " has ", name.size(),
                                                   " bytes; at most ", limits.name_bytes_max,
                                                   " are allowed"));
  }
  while (!name.empty()) {
    const CodePoint point = Decode(name);
    if (point.size == 0) {
      return absl::InvalidArgumentError(absl::StrCat("the ", subject, " is not valid UTF-8"));
    }
    if (IsRefusedInName(point.value)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the ", subject, " holds a character that is not allowed ($, a control or a line end)"));
    }
    if (IsTurning(point.value)) return HoldsTurning(subject);
    name.remove_prefix(point.size);
  }
  return absl::OkStatus();
}

absl::Status ValidateLogin(std::string_view login, const Limits& limits) {
  if (login.size() > limits.login_bytes_max) {
    return absl::InvalidArgumentError(absl::StrCat("the login name has ", login.size(),
                                                   " bytes; at most ", limits.login_bytes_max,
                                                   " are allowed"));
  }
  if (login.find(' ') != std::string_view::npos) {
    return absl::InvalidArgumentError("the login name holds a space, which is not allowed");
  }
  return ValidateName("login name", login, limits);
}

absl::Status ValidateNote(std::string_view what, std::string_view note, std::size_t bytes_max) {
  const std::string subject(what);
  if (note.size() > bytes_max) {
    return absl::InvalidArgumentError(absl::StrCat("the ", subject, " has ", note.size(),
                                                   " bytes; at most ", bytes_max, " are allowed"));
  }
  while (!note.empty()) {
    const CodePoint point = Decode(note);
    if (point.size == 0) {
      return absl::InvalidArgumentError(absl::StrCat("the ", subject, " is not valid UTF-8"));
    }
    if (IsControl(point.value) || IsSeparator(point.value)) {
      return absl::InvalidArgumentError(
          absl::StrCat("the ", subject, " holds a control character or a line end"));
    }
    if (IsTurning(point.value)) return HoldsTurning(subject);
    note.remove_prefix(point.size);
  }
  return absl::OkStatus();
}

absl::Status ValidateText(std::string_view text, bool allow_empty, const Limits& limits) {
  if (text.empty() && !allow_empty) {
    return absl::InvalidArgumentError("the text is empty; give at least one character");
  }
  if (text.size() > limits.text_bytes_max) {
    return absl::InvalidArgumentError(absl::StrCat("the text has ", text.size(), " bytes; at most ",
                                                   limits.text_bytes_max, " are allowed"));
  }
  if (text.find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError("the text holds a NUL character, which is not allowed");
  }
  if (!IsValidUtf8(text)) return absl::InvalidArgumentError("the text is not valid UTF-8");
  return absl::OkStatus();
}

std::string Quoted(std::string_view text) {
  constexpr std::size_t kBytesMax = 64;
  std::string quoted = "\"";
  while (!text.empty()) {
    if (quoted.size() > kBytesMax) return quoted + "…\"";
    const CodePoint point = Decode(text);
    const bool shown = point.size > 0 && !IsControl(point.value) && !IsSeparator(point.value) &&
                       !IsTurning(point.value);
    const std::size_t size = point.size > 0 ? point.size : 1;
    quoted += shown ? text.substr(0, size) : "?";
    text.remove_prefix(size);
  }
  return quoted + '"';
}

}  // namespace txtchat
