#include "core/text.h"

#include <string>

#include "gtest/gtest.h"

namespace txtchat {
namespace {

using absl::StatusCode;

TEST(Utf8, AcceptsEveryLengthAtItsBounds) {
  for (const char* valid : {"", "a", "\x7f", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
                            "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF",
                            "eight by", "nine byte", "sixteen bytes ok\xC3\xA9"}) {
    EXPECT_TRUE(IsValidUtf8(valid)) << valid;
  }
}

TEST(Utf8, RefusesOverlongSurrogateTooLargeAndCutForms) {
  for (const char* invalid :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\xBF", "\xED\xA0\x80",
        "\xE2\x82", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF",
        "\xF0\x90\x80", "12345678\xFF", "1234567\xC2"}) {
    EXPECT_FALSE(IsValidUtf8(invalid)) << invalid;
  }
}

TEST(Utf8, FindsABadByteAtEveryPlace) {
  for (std::size_t place = 0; place < 40; ++place) {
    std::string text(40, 'x');
    text[place] = '\xFE';
    EXPECT_FALSE(IsValidUtf8(text)) << place;
  }
}

TEST(Names, HoldOneToTheLimitOfBytes) {
  const Limits limits;
  EXPECT_EQ(ValidateName("name", "", limits).code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(ValidateName("name", "x", limits).ok());
  EXPECT_TRUE(ValidateName("name", std::string(limits.name_bytes_max, 'x'), limits).ok());
  const absl::Status long_one =
      ValidateName("channel name", std::string(limits.name_bytes_max + 1, 'x'), limits);
  EXPECT_EQ(long_one.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(long_one.message(), "the channel name has 129 bytes; at most 128 are allowed");
}

TEST(Names, RefuseDollarControlsAndLineEnds) {
  for (const std::string& name :
       {std::string("a$b"), std::string("a\nb"), std::string("a\rb"), std::string("a\tb"),
        std::string("a\x7f"), std::string("nul\0", 4), std::string("\xC2\x85"),
        std::string("\xE2\x80\xA8"), std::string("\xE2\x80\xA9"), std::string("bad\xFF")}) {
    EXPECT_EQ(ValidateName("name", name, {}).code(), StatusCode::kInvalidArgument) << name;
  }
  EXPECT_TRUE(ValidateName("name", "Zo\xC3\xAB \xF0\x9F\x98\x80", {}).ok());
}

/// The ends of each range of what turns the order of letters, or annotates them.
constexpr const char* kTurning[] = {
    "\xD8\x9C",      // U+061C
    "\xE2\x80\x8E",  // U+200E
    "\xE2\x80\x8F",  // U+200F
    "\xE2\x80\xAA",  // U+202A
    "\xE2\x80\xAE",  // U+202E
    "\xE2\x81\xA6",  // U+2066
    "\xE2\x81\xA9",  // U+2069
    "\xEF\xBF\xB9",  // U+FFF9
    "\xEF\xBF\xBB",  // U+FFFB
};

TEST(Names, RefuseWhatTurnsTheOrderOfLetters) {
  for (const std::string turning : kTurning) {
    const absl::Status refused = ValidateName("user name", turning + "ecila", {});
    EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument) << turning;
    EXPECT_NE(refused.message().find("changes the order in which letters are shown"),
              std::string::npos)
        << refused;
    EXPECT_FALSE(ValidateLogin("a" + turning, {}).ok()) << turning;
    EXPECT_FALSE(ValidateNote("topic", "tea " + turning, 100).ok()) << turning;
    EXPECT_TRUE(ValidateText("tea " + turning, false, {}).ok()) << turning;
    EXPECT_EQ(Quoted("a" + turning), "\"a?\"");
  }
  for (const std::string beside :
       {"\xD8\x9B", "\xD8\x9D", "\xE2\x80\x8D", "\xE2\x80\x90", "\xE2\x80\xAF", "\xE2\x81\xA5",
        "\xE2\x81\xAA", "\xEF\xBF\xB8", "\xEF\xBF\xBC", "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D"}) {
    EXPECT_TRUE(ValidateName("user name", beside, {}).ok()) << beside;
  }
}

TEST(Texts, MayBeEmptyOnlyWhereAllowed) {
  EXPECT_EQ(ValidateText("", false, {}).code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(ValidateText("", true, {}).ok());
}

TEST(Texts, KeepLineEndsAndControlsButNeverNul) {
  EXPECT_TRUE(ValidateText("a\nb\r\x1b[2J$$", false, {}).ok());
  EXPECT_FALSE(ValidateText(std::string_view("a\0b", 3), false, {}).ok());
  EXPECT_FALSE(ValidateText("\xC0\xAF", false, {}).ok());
}

TEST(Texts, AreBoundedInBytes) {
  Limits limits;
  limits.text_bytes_max = 4;
  EXPECT_TRUE(ValidateText("\xF0\x9F\x98\x80", false, limits).ok());
  EXPECT_EQ(ValidateText("12345", false, limits).message(),
            "the text has 5 bytes; at most 4 are allowed");
}

TEST(Quoted, IsShortValidAndOnOneLineWhateverComes) {
  EXPECT_EQ(Quoted("general"), "\"general\"");
  EXPECT_EQ(Quoted("a\nb\xFF\x1b[2J\xE2\x80\xA8"), "\"a?b??[2J?\"");
  EXPECT_EQ(Quoted(std::string(70, 'x')), "\"" + std::string(64, 'x') + "…\"");
  std::string euros;
  for (int i = 0; i < 100'000; ++i) euros += "\xE2\x82\xAC";
  EXPECT_TRUE(IsValidUtf8(Quoted(euros)));
  EXPECT_LT(Quoted(euros).size(), 80u);
}

}  // namespace
}  // namespace txtchat
