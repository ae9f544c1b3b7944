#include "client/backoff.h"

#include <gtest/gtest.h>

#include <random>

namespace txtchat::client {
namespace {

using std::chrono::milliseconds;

Backoff::Options Plain() { return {milliseconds(500), milliseconds(30'000), 2.0, 0.5}; }

TEST(Backoff, DoublesUpToTheCap) {
  Backoff backoff(Plain(), [] { return 0.0; });
  for (const int expected : {500, 1000, 2000, 4000, 8000, 16'000, 30'000, 30'000, 30'000}) {
    EXPECT_EQ(backoff.Next(), milliseconds(expected));
  }
}

TEST(Backoff, StaysAtTheCapForEver) {
  Backoff backoff(Plain(), [] { return 0.0; });
  for (int i = 0; i < 10'000; ++i) ASSERT_LE(backoff.Next(), milliseconds(30'000));
}

TEST(Backoff, ResetStartsAnew) {
  Backoff backoff(Plain(), [] { return 0.0; });
  backoff.Next();
  backoff.Next();
  backoff.Reset();
  EXPECT_EQ(backoff.Next(), milliseconds(500));
}

TEST(Backoff, JitterKeepsBetweenHalfAndAllOfTheDelay) {
  const unsigned seed = std::random_device{}();
  RecordProperty("seed", static_cast<int>(seed));
  SCOPED_TRACE(seed);
  std::mt19937 generator(seed);
  Backoff backoff(Plain(),
                  [&] { return std::uniform_real_distribution<double>(0.0, 1.0)(generator); });
  double whole = 500;
  for (int i = 0; i < 100; ++i) {
    const auto delay = static_cast<double>(backoff.Next().count());
    EXPECT_LE(delay, whole);
    EXPECT_GE(delay, whole / 2 - 1);
    whole = std::min(whole * 2, 30'000.0);
  }
}

}  // namespace
}  // namespace txtchat::client
