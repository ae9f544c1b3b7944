// What users may write: names and texts. Pure functions, thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "core/limits.h"

namespace txtchat {

/// Whether `bytes` is well-formed UTF-8 (The Unicode Standard, table 3-7: no overlong forms, no
/// surrogates, nothing above U+10FFFF).
bool IsValidUtf8(std::string_view bytes);

/// Checks a display name (`what` names it in the message, as in "channel name"): UTF-8, 1 to
/// `name_bytes_max` bytes, no `$`, no control characters, no line or paragraph separators, nothing
/// that changes the order of letters (bidirectional controls). Returns OK or INVALID_ARGUMENT.
absl::Status ValidateName(std::string_view what, std::string_view name, const Limits& limits);

/// Checks a login name, in its one form: UTF-8, 1 to `login_bytes_max` bytes, no `$`, no spaces, no
/// control characters, and otherwise as a display name. Returns OK or INVALID_ARGUMENT.
absl::Status ValidateLogin(std::string_view login, const Limits& limits);

/// Checks a note of one line, such as a topic: UTF-8, at most `bytes_max` bytes, no control
/// characters, and otherwise as a display name, but `$`. May be empty. OK or INVALID_ARGUMENT.
absl::Status ValidateNote(std::string_view what, std::string_view note, std::size_t bytes_max);

/// Checks a message's text: UTF-8 without NUL, at most `text_bytes_max` bytes, and not empty unless
/// `allow_empty` (the line protocol delivers empty lines). Returns OK or INVALID_ARGUMENT.
absl::Status ValidateText(std::string_view text, bool allow_empty, const Limits& limits);

/// `text` in double quotes for an error message: cut after about 64 bytes, with `?` for what is not
/// UTF-8 or a control or bidi character. Whatever a peer sent, the result is short and fits on a
/// line.
std::string Quoted(std::string_view text);

}  // namespace txtchat
