#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace txtchat::client {

// One step through text that may not be UTF-8.
struct DecodedRune {
  char32_t rune;       // U+FFFD if `valid` is false
  std::size_t length;  // bytes taken, at least 1
  bool valid;
};

// Decodes the first code point of `text`, which must not be empty. Overlong forms, surrogates,
// values above U+10FFFF and cut sequences are invalid and take one byte.
DecodedRune DecodeRune(std::string_view text);

// Appends `rune`, which must be a Unicode scalar value, to `out` as UTF-8.
void AppendRune(char32_t rune, std::string& out);

// How many bytes the sequence that starts with `lead` should have; 1 for a byte that starts none.
std::size_t RuneLength(unsigned char lead);

// Terminal columns that `rune` takes: 0 for combining and zero-width ones, 2 for wide ones, else 1.
// An approximation that needs no locale; good enough to place a cursor.
int RuneWidth(char32_t rune);

}  // namespace txtchat::client
