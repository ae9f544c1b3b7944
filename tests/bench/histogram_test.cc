#include "bench/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace txtchat::bench {
namespace {

TEST(Histogram, IsAllZeroWhileEmpty) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.min(), 0u);
  EXPECT_EQ(histogram.max(), 0u);
  EXPECT_EQ(histogram.mean(), 0.0);
  EXPECT_EQ(histogram.Percentile(50), 0u);
}

TEST(Histogram, IsExactForSmallValues) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 100; ++value) histogram.Record(value);
  EXPECT_EQ(histogram.Percentile(0), 1u);
  EXPECT_EQ(histogram.Percentile(50), 50u);
  EXPECT_EQ(histogram.Percentile(99), 99u);
  EXPECT_EQ(histogram.Percentile(99.5), 100u);
  EXPECT_EQ(histogram.Percentile(100), 100u);
  EXPECT_EQ(histogram.mean(), 50.5);
}

TEST(Histogram, CountsZero) {
  Histogram histogram;
  histogram.Record(0, 3);
  histogram.Record(7);
  EXPECT_EQ(histogram.Percentile(50), 0u);
  EXPECT_EQ(histogram.min(), 0u);
  EXPECT_EQ(histogram.max(), 7u);
}

// Every power of two and its neighbours: where the buckets change their width.
TEST(Histogram, RoundsEachValueUpByLessThanASixtyFourth) {
  for (unsigned bits = 0; bits <= Histogram::kValueBits; ++bits) {
    for (const std::int64_t offset : {-1, 0, 1}) {
      const std::uint64_t value = (std::uint64_t{1} << bits) + static_cast<std::uint64_t>(offset);
      if (value > Histogram::kValueMax) continue;
      Histogram histogram;
      histogram.Record(value);
      histogram.Record(Histogram::kValueMax);
      const std::uint64_t told = histogram.Percentile(50);
      EXPECT_GE(told, value);
      EXPECT_LE(static_cast<double>(told - value), static_cast<double>(value) / 64.0) << value;
    }
  }
}

TEST(Histogram, TakesGreaterValuesForTheGreatest) {
  Histogram histogram;
  histogram.Record(~std::uint64_t{0});
  EXPECT_EQ(histogram.max(), Histogram::kValueMax);
  EXPECT_EQ(histogram.Percentile(50), Histogram::kValueMax);
}

TEST(Histogram, AgreesWithSortingRandomValues) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  Histogram histogram;
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t value = random() >> (20 + random() % 44);
    values.push_back(value);
    histogram.Record(value);
  }
  std::sort(values.begin(), values.end());
  for (const double percent : {1.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
    const auto rank =
        static_cast<std::size_t>(std::ceil(percent / 100.0 * static_cast<double>(values.size())));
    const std::uint64_t exact = values[rank - 1];
    EXPECT_GE(histogram.Percentile(percent), exact) << percent;
    EXPECT_LE(static_cast<double>(histogram.Percentile(percent)),
              static_cast<double>(exact) * (1.0 + 1.0 / 64.0))
        << percent;
  }
}

TEST(Histogram, MergesAsIfOneHadSeenEverything) {
  Histogram one;
  Histogram other;
  Histogram both;
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    (i % 3 == 0 ? one : other).Record(i * i);
    both.Record(i * i);
  }
  one.Merge(other);
  EXPECT_EQ(one.count(), both.count());
  EXPECT_EQ(one.min(), both.min());
  EXPECT_EQ(one.max(), both.max());
  EXPECT_EQ(one.mean(), both.mean());
  for (const double percent : {10.0, 50.0, 99.0}) {
    EXPECT_EQ(one.Percentile(percent), both.Percentile(percent));
  }
}

}  // namespace
}  // namespace txtchat::bench
