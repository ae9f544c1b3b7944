#include "gateway/line_codec.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace txtchat::gateway {
namespace {

constexpr char kTooLong[] = "(too long)";

std::vector<std::string> TakeAll(LineSplitter& splitter) {
  std::vector<std::string> lines;
  while (auto line = splitter.Next()) {
    lines.push_back(line->too_long ? kTooLong : std::string(line->text));
  }
  return lines;
}

void Append(std::vector<std::string>& to, std::vector<std::string> more) {
  to.insert(to.end(), more.begin(), more.end());
}

// The lines of a stream that comes in these pieces and then ends.
std::vector<std::string> Split(const std::vector<std::string>& pieces, std::size_t max = 100) {
  LineSplitter splitter(max);
  std::vector<std::string> lines;
  for (const std::string& piece : pieces) {
    splitter.Feed(piece);
    Append(lines, TakeAll(splitter));
  }
  splitter.Finish();
  Append(lines, TakeAll(splitter));
  return lines;
}

using Lines = std::vector<std::string>;

TEST(LineSplitter, SplitsAtLineFeeds) { EXPECT_EQ(Split({"one\ntwo\n"}), (Lines{"one", "two"})); }

TEST(LineSplitter, DropsOneCarriageReturnBeforeTheLineFeed) {
  EXPECT_EQ(Split({"a\r\nb\r\r\nc\rd\n\r\n"}), (Lines{"a", "b\r", "c\rd", ""}));
}

TEST(LineSplitter, KeepsEmptyLines) { EXPECT_EQ(Split({"\n\na\n\n"}), (Lines{"", "", "a", ""})); }

TEST(LineSplitter, CountsALastLineWithoutItsEnd) {
  EXPECT_EQ(Split({"one\ntwo"}), (Lines{"one", "two"}));
  EXPECT_EQ(Split({"one\n"}), (Lines{"one"}));
  EXPECT_EQ(Split({""}), Lines{});
}

TEST(LineSplitter, KeepsNulAndOtherBytes) {
  EXPECT_EQ(Split({std::string("a\0b\xFF\n", 5)}), (Lines{std::string("a\0b\xFF", 4)}));
}

TEST(LineSplitter, TakesALineOfExactlyTheLimit) {
  EXPECT_EQ(Split({"12345\n12345\r\n"}, 5), (Lines{"12345", "12345"}));
  EXPECT_EQ(Split({"123456\nok\n"}, 5), (Lines{kTooLong, "ok"}));
  EXPECT_EQ(Split({"12345x\r\nok\n"}, 5), (Lines{kTooLong, "ok"}));
  EXPECT_EQ(Split({"12345\r\r\nok\n"}, 5), (Lines{kTooLong, "ok"}));
}

TEST(LineSplitter, ReportsALongLineOnceHoweverLongItIs) {
  std::vector<std::string> pieces(1'000, std::string(1'000, 'x'));
  pieces.push_back("\nafter\n");
  EXPECT_EQ(Split(pieces, 50), (Lines{kTooLong, "after"}));
}

TEST(LineSplitter, ReportsALongLastLineOnce) {
  EXPECT_EQ(Split({std::string(200, 'x')}), (Lines{kTooLong}));
}

TEST(LineSplitter, MakesTheSameLinesHoweverTheBytesAreCut) {
  const std::string stream =
      "reg$bob\r\n\nsend_msg$-$x$a$b\r\r\n123456789012\nlast\n0123456789\r\nend";
  const Lines whole = Split({stream}, 20);
  const Lines whole_short = Split({stream}, 10);
  for (std::size_t i = 0; i <= stream.size(); ++i) {
    for (std::size_t j = i; j <= stream.size(); ++j) {
      const std::vector<std::string> pieces = {stream.substr(0, i), stream.substr(i, j - i),
                                               stream.substr(j)};
      ASSERT_EQ(Split(pieces, 20), whole) << i << " " << j;
      ASSERT_EQ(Split(pieces, 10), whole_short) << i << " " << j;
    }
  }
  std::vector<std::string> bytes;
  for (char c : stream) bytes.emplace_back(1, c);
  EXPECT_EQ(Split(bytes, 20), whole);
  EXPECT_EQ(Split(bytes, 10), whole_short);
}

TEST(LineSplitter, GoesOnFromWhatWasKept) {
  LineSplitter splitter(100);
  {
    std::string buffer = "one\ntwo\nthree\nfo";
    splitter.Feed(buffer);
    EXPECT_EQ(splitter.Next()->text, "one");
    splitter.Keep();
    buffer.assign(buffer.size(), '#');  // The reader's buffer is somebody else's now.
  }
  EXPECT_EQ(splitter.Next()->text, "two");
  splitter.Keep();
  EXPECT_EQ(TakeAll(splitter), (Lines{"three"}));
  splitter.Feed("ur\n");
  EXPECT_EQ(TakeAll(splitter), (Lines{"four"}));
}

TEST(LineSplitter, HoldsNoMoreThanTheLimitOfALineAndNothingWhenIdle) {
  LineSplitter splitter(100);
  const std::string piece(60, 'x');
  for (int i = 0; i < 50; ++i) {
    splitter.Feed(piece);
    TakeAll(splitter);
    EXPECT_LE(splitter.BytesHeld(), 101u);
  }
  splitter.Feed("\nabc\n");
  EXPECT_EQ(TakeAll(splitter), (Lines{"abc"}));
  EXPECT_EQ(splitter.BytesHeld(), 0u);
}

TEST(LineSplitter, ForgetsEverythingWhenCleared) {
  LineSplitter splitter(100);
  splitter.Feed("a\nb\nc");
  EXPECT_EQ(splitter.Next()->text, "a");
  splitter.Keep();
  splitter.Clear();
  splitter.Finish();
  EXPECT_EQ(TakeAll(splitter), Lines{});
}

TEST(FieldReader, SplitsAtDollars) {
  FieldReader reader("send_msg$u$c$a$b$");
  EXPECT_EQ(reader.Next(), "send_msg");
  EXPECT_EQ(reader.Next(), "u");
  EXPECT_EQ(reader.Next(), "c");
  EXPECT_TRUE(reader.HasNext());
  EXPECT_EQ(reader.Rest(), "a$b$");
  EXPECT_FALSE(reader.HasNext());
}

TEST(FieldReader, CountsEmptyFields) {
  FieldReader reader("a$$");
  EXPECT_EQ(reader.Next(), "a");
  EXPECT_EQ(reader.Next(), "");
  EXPECT_TRUE(reader.HasNext());
  EXPECT_EQ(reader.Next(), "");
  EXPECT_FALSE(reader.HasNext());
}

}  // namespace
}  // namespace txtchat::gateway
