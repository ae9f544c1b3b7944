// How text of users may appear on a line. Pure functions, thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace txtchat::gateway {

/// Bytes of the control character that `text` begins with; 0 where it begins with none. Controls
/// are U+0000 to U+001F but tab, U+007F, and U+0080 to U+009F. Line ends are among them.
std::size_t ControlBytes(std::string_view text);

/// Bytes at the beginning of `text` that are shown as they are, wherever text is shown: up to a
/// control, a tab, a backslash, or what may be one of these. Most texts are nothing else.
std::size_t PlainRun(std::string_view text);

/// Appends `text` without its controls, so that it stays on one line.
void AppendOneLine(std::string_view text, std::string& out);

/// The same, cut to `bytes_max` bytes with `...` where it is longer. Never inside of a character.
std::string OneLine(std::string_view text, std::size_t bytes_max);

/// Appends a text for the tagged dialect: `\\`, `\n` and `\r` stand for backslash, line feed and
/// carriage return; other controls are removed.
void AppendEscapedText(std::string_view text, std::string& out);

/// Appends a name for the tagged dialect: backslash and colon get a backslash before them, so that
/// the first `: ` behind a name is always the server's.
void AppendEscapedName(std::string_view name, std::string& out);

}  // namespace txtchat::gateway
