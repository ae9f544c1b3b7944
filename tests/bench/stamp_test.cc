#include "bench/stamp.h"

#include <gtest/gtest.h>

namespace txtchat::bench {
namespace {

std::string Write(const StampCodec& codec, const Stamp& stamp) {
  std::string text;
  codec.Append(stamp, text);
  return text;
}

TEST(Stamp, ReadsWhatItHasWritten) {
  const StampCodec codec(64);
  for (const Stamp& stamp :
       {Stamp{}, Stamp{1, 2, 3},
        Stamp{Stamp::kPublishersMax - 1, Stamp::kNumbersMax - 1, (std::uint64_t{1} << 54) - 1}}) {
    const std::string text = Write(codec, stamp);
    EXPECT_EQ(text.size(), 64u);
    Stamp read;
    ASSERT_TRUE(codec.Read(text, read)) << text;
    EXPECT_EQ(read.publisher, stamp.publisher);
    EXPECT_EQ(read.number, stamp.number);
    EXPECT_EQ(read.time_ns, stamp.time_ns);
  }
}

TEST(Stamp, FitsIntoTheLeastText) {
  const StampCodec codec(Stamp::kBytes);
  Stamp read;
  EXPECT_TRUE(codec.Read(Write(codec, {7, 8, 9}), read));
  EXPECT_EQ(read.number, 8u);
}

TEST(Stamp, HoldsNothingThatADialectWouldChange) {
  const std::string text = Write(StampCodec(1'000), {123'456, 789'012'345, 987'654'321});
  EXPECT_EQ(text.find_first_of("$\\\n\r:"), std::string::npos);
  EXPECT_EQ(text.front(), '#');
}

TEST(Stamp, RefusesEveryDamage) {
  const StampCodec codec(64);
  const std::string text = Write(codec, {5, 6, 7});
  Stamp read;
  EXPECT_FALSE(codec.Read("", read));
  EXPECT_FALSE(codec.Read(text.substr(0, 63), read));
  EXPECT_FALSE(codec.Read(text + "0", read));
  EXPECT_FALSE(codec.Read(" " + text.substr(1), read));
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] = '!';
    EXPECT_FALSE(codec.Read(damaged, read)) << i;
  }
}

TEST(Stamp, ClockOnlyGoesForward) {
  const std::uint64_t before = NowNanos();
  EXPECT_GE(NowNanos(), before);
}

}  // namespace
}  // namespace txtchat::bench
