#include "bench/line_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace txtchat::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LineReaderTest : public ::testing::Test {
 protected:
  LineReaderTest() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends_), 0); }
  ~LineReaderTest() override {
    close(ends_[0]);
    if (ends_[1] >= 0) close(ends_[1]);
  }

  void Write(const std::string& bytes) {
    ASSERT_EQ(write(ends_[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  std::vector<std::string> Read(std::size_t bytes_max = LineReader::kBufferBytes) {
    std::vector<std::string> lines;
    outcome_ = reader_.Read(ends_[0], partial_, bytes_max);
    if (outcome_ == LineReader::Outcome::kRead) {
      reader_.CutLines(partial_, [&](std::string_view line) { lines.emplace_back(line); });
    }
    return lines;
  }

  int ends_[2] = {-1, -1};
  LineReader reader_;
  std::string partial_;
  LineReader::Outcome outcome_ = LineReader::Outcome::kRead;
};

TEST_F(LineReaderTest, CutsLinesAndKeepsTheBeginningOfTheNext) {
  Write("one\n\nthr");
  EXPECT_THAT(Read(), ElementsAre("one", ""));
  EXPECT_EQ(partial_, "thr");
  Write("ee\nfour\n");
  EXPECT_THAT(Read(), ElementsAre("three", "four"));
  EXPECT_EQ(partial_, "");
}

TEST_F(LineReaderTest, PutsALineTogetherByteByByte) {
  const std::string bytes = "a line\n";
  for (const char byte : bytes.substr(0, bytes.size() - 1)) {
    Write(std::string(1, byte));
    EXPECT_THAT(Read(), IsEmpty());
  }
  Write("\n");
  EXPECT_THAT(Read(), ElementsAre("a line"));
}

TEST_F(LineReaderTest, ReadsNoMoreThanAskedFor) {
  Write("12\n34\n");
  EXPECT_THAT(Read(4), ElementsAre("12"));
  EXPECT_THAT(Read(4), ElementsAre("34"));
}

TEST_F(LineReaderTest, TellsNothingThereFromTheEnd) {
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_EQ(outcome_, LineReader::Outcome::kEmpty);
  close(std::exchange(ends_[1], -1));
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_EQ(outcome_, LineReader::Outcome::kEnd);
}

TEST(LineSocket, SaysThatAHostCannotBeResolved) {
  EXPECT_EQ(Resolve({"no.such.host.invalid", 1}).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace txtchat::bench
