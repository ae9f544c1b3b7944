#include "client/utf8.h"

#include <gtest/gtest.h>

namespace txtchat::client {
namespace {

TEST(Utf8, DecodesWhatItEncodes) {
  for (char32_t rune = 0; rune <= 0x10FFFF; rune += 7) {
    if (rune >= 0xD800 && rune <= 0xDFFF) continue;
    std::string bytes;
    AppendRune(rune, bytes);
    const DecodedRune decoded = DecodeRune(bytes);
    ASSERT_TRUE(decoded.valid) << static_cast<unsigned>(rune);
    ASSERT_EQ(decoded.rune, rune);
    ASSERT_EQ(decoded.length, bytes.size());
    ASSERT_EQ(RuneLength(static_cast<unsigned char>(bytes[0])), bytes.size());
  }
}

TEST(Utf8, TakesOneByteOfWhatIsInvalid) {
  // Lone continuation, overlong, surrogate, above U+10FFFF, cut, wrong continuation.
  for (const std::string_view bytes : {"\x80", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80",
                                       "\xF4\x90\x80\x80", "\xE2\x82", "\xE2\x28\xA1", "\xFF"}) {
    const DecodedRune decoded = DecodeRune(bytes);
    EXPECT_FALSE(decoded.valid);
    EXPECT_EQ(decoded.length, 1u);
    EXPECT_EQ(decoded.rune, 0xFFFDu);
  }
}

TEST(Utf8, KnowsWideAndZeroWidthRunes) {
  EXPECT_EQ(RuneWidth(U'a'), 1);
  EXPECT_EQ(RuneWidth(U'é'), 1);
  EXPECT_EQ(RuneWidth(U'漢'), 2);
  EXPECT_EQ(RuneWidth(U'한'), 2);
  EXPECT_EQ(RuneWidth(U'😀'), 2);
  EXPECT_EQ(RuneWidth(U'\u0301'), 0);
  EXPECT_EQ(RuneWidth(U'\u200D'), 0);
}

}  // namespace
}  // namespace txtchat::client
