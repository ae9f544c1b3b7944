#include "client/terminal_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "client/utf8.h"

namespace txtchat::client {
namespace {

using ::testing::ElementsAre;

TEST(SanitizeLine, KeepsOrdinaryText) {
  EXPECT_EQ(SanitizeLine("héllo, 世界 😀 $x \\ \"q\""), "héllo, 世界 😀 $x \\ \"q\"");
}

TEST(SanitizeLine, ShowsControlsInsteadOfObeyingThem) {
  EXPECT_EQ(SanitizeLine("a\x1b[2Jb"), "a␛[2Jb");
  EXPECT_EQ(SanitizeLine("a\rb\nc\bd\ae"), "a␍b␊c␈d␇e");
  EXPECT_EQ(SanitizeLine("a\x7f"), "a␡");
  EXPECT_EQ(SanitizeLine(std::string_view("\0", 1)), "␀");
}

TEST(SanitizeLine, ReplacesC1ControlsAndReordering) {
  EXPECT_EQ(SanitizeLine("\xC2\x9B"
                         "31m"),
            "�31m");  // CSI as one code point
  EXPECT_EQ(SanitizeLine("a\xE2\x80\xAE"
                         "b"),
            "a�b");  // right-to-left override
  EXPECT_EQ(SanitizeLine("a\xE2\x81\xA6"
                         "b"),
            "a�b");  // isolate
  EXPECT_EQ(SanitizeLine("a\xE2\x80\xA8"
                         "b"),
            "a�b");  // line separator
}

TEST(SanitizeLine, ReplacesEachByteThatIsNotUtf8) { EXPECT_EQ(SanitizeLine("a\xFF\xC0z"), "a��z"); }

TEST(SanitizeLine, SpreadsTabs) { EXPECT_EQ(SanitizeLine("a\tb"), "a    b"); }

TEST(SanitizeLine, LeavesNothingHostileInAnyBytes) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 generator(seed);
  std::uniform_int_distribution<int> byte(0, 255);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    for (int i = 0; i < 40; ++i) bytes += static_cast<char>(byte(generator));
    const std::string safe = SanitizeLine(bytes);
    ASSERT_TRUE(IsUtf8(safe));
    for (std::string_view rest = safe; !rest.empty();) {
      const DecodedRune decoded = DecodeRune(rest);
      ASSERT_FALSE(decoded.rune < 0x20 || (decoded.rune >= 0x7F && decoded.rune <= 0x9F));
      rest.remove_prefix(decoded.length);
    }
    ASSERT_EQ(SanitizeLine(safe), safe);
  }
}

TEST(SanitizeText, SplitsAtEveryKindOfLineEnd) {
  EXPECT_THAT(SanitizeText("a\nb\r\nc\rd"), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(SanitizeText(""), ElementsAre(""));
  EXPECT_THAT(SanitizeText("a\n"), ElementsAre("a", ""));
}

TEST(EscapeJsonForTerminal, EscapesWhatJsonAllowsRaw) {
  EXPECT_EQ(EscapeJsonForTerminal("{\"t\":\"\x7f\xC2\x9Bé世\"}"), "{\"t\":\"\\u007f\\u009bé世\"}");
  EXPECT_EQ(EscapeJsonForTerminal("\"\xE2\x80\xAE\""), "\"\\u202e\"");
}

TEST(DisplayWidth, CountsColumns) {
  EXPECT_EQ(DisplayWidth(""), 0);
  EXPECT_EQ(DisplayWidth("aé世"), 4);
}

TEST(Trim, TakesSpaceFromBothEnds) {
  EXPECT_EQ(Trim(" \t a b \r\n"), "a b");
  EXPECT_EQ(Trim(" \t"), "");
}

}  // namespace
}  // namespace txtchat::client
