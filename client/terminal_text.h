#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace txtchat::client {

// Makes what other people wrote safe to show. Pure functions.
//
// What they guarantee: the result is valid UTF-8 without any byte or code point that moves the
// cursor, colours the screen, ends a line or reorders what is shown.

// One line, of any bytes. Control characters become their visible pictures (ESC becomes "␛"), a tab
// becomes four spaces, C1 controls, line separators, bidirectional overrides and bytes that are not
// UTF-8 become "�". Everything else is kept.
std::string SanitizeLine(std::string_view text);

// A text of several lines: split at LF, CR LF and CR, each line sanitised. At least one line.
std::vector<std::string> SanitizeText(std::string_view text);

// Escapes in serialised JSON what JSON allows raw but a terminal may obey (DEL, C1 controls, line
// separators, bidirectional overrides), as \uXXXX. The JSON's meaning does not change.
std::string EscapeJsonForTerminal(std::string_view json);

// Columns of a terminal that the sanitised `text` takes.
int DisplayWidth(std::string_view text);

// True if `text` is UTF-8 throughout.
bool IsUtf8(std::string_view text);

// `text` without spaces, tabs and line ends around it.
std::string_view Trim(std::string_view text);

}  // namespace txtchat::client
