#include "core/rate_limiter.h"

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace txtchat {
namespace {

TEST(TokenBucket, GivesABurstAndThenTheRate) {
  const Rate rate{.tokens = 10, .burst = 5};
  TokenBucket bucket;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(bucket.TryTake(rate, 1, 1'000), 0) << i;
  EXPECT_EQ(bucket.TryTake(rate, 1, 1'000), 100);
  EXPECT_EQ(bucket.TryTake(rate, 1, 1'099), 1);
  EXPECT_EQ(bucket.TryTake(rate, 1, 1'100), 0);
  EXPECT_EQ(bucket.TryTake(rate, 2, 1'100), 200);
}

TEST(TokenBucket, KeepsWhatIsLessThanAToken) {
  const Rate rate{.tokens = 3, .burst = 1};  // One in 333⅓ ms.
  TokenBucket bucket;
  int taken = 0;
  for (std::int64_t ms = 0; ms < 10'000; ++ms) taken += bucket.TryTake(rate, 1, ms) == 0 ? 1 : 0;
  EXPECT_EQ(taken, 1 + 29) << "the tokens of ten seconds, less those of the last 334 ms";
}

TEST(TokenBucket, HoldsNoMoreThanTheBurst) {
  const Rate rate{.tokens = 1'000, .burst = 5};
  TokenBucket bucket;
  bucket.Take(rate, 5, 0);
  EXPECT_FALSE(bucket.IsFull(rate, 4));
  EXPECT_TRUE(bucket.IsFull(rate, 5));
  EXPECT_EQ(bucket.TryTake(rate, 5, 1'000'000), 0);
  EXPECT_EQ(bucket.TryTake(rate, 1, 1'000'000), 1);
}

TEST(TokenBucket, TakesBackNoMoreThanIsMissing) {
  const Rate rate{.tokens = 1, .burst = 3};
  TokenBucket bucket;
  bucket.PutBack(rate, 5, 0);
  bucket.Take(rate, 3, 0);
  bucket.PutBack(rate, 1, 500);  // 2.5 were missing.
  EXPECT_EQ(bucket.TryTake(rate, 1, 500), 0);
  EXPECT_EQ(bucket.WaitMs(rate, 1, 500), 500);
  bucket.PutBack(rate, 9, 500);
  EXPECT_TRUE(bucket.IsFull(rate, 500));
  EXPECT_EQ(bucket.TryTake(rate, 3, 500), 0);
  EXPECT_EQ(bucket.WaitMs(rate, 1, 500), 1'000);
  TokenBucket unlimited;
  unlimited.PutBack({}, 1, 0);
  EXPECT_EQ(unlimited.TryTake({}, 100, 0), 0);
}

TEST(TokenBucket, LendsWhatIsLargerThanItself) {
  const Rate rate{.tokens = 100, .burst = 10};
  TokenBucket bucket;
  EXPECT_EQ(bucket.TryTake(rate, 50, 0), 0) << "it is full, and never holds more";
  EXPECT_EQ(bucket.WaitMs(rate, 1, 0), 410) << "what is owed comes first";
  EXPECT_EQ(bucket.WaitMs(rate, 50, 0), 500);
}

TEST(TokenBucket, IsNotConfusedByAClockThatStepsBack) {
  const Rate rate{.tokens = 10, .burst = 1};
  TokenBucket bucket;
  EXPECT_EQ(bucket.TryTake(rate, 1, 1'000), 0);
  EXPECT_EQ(bucket.TryTake(rate, 1, 500), 100);
  EXPECT_EQ(bucket.TryTake(rate, 1, 1'100), 0);
}

TEST(TokenBucket, OverflowsAtNoEnd) {
  constexpr std::int64_t kMuch = std::int64_t{1} << 40;
  const Rate rate{.tokens = kMuch, .burst = kMuch, .period_ms = 60'000};
  TokenBucket bucket;
  for (int i = 0; i < 1'000; ++i) bucket.Take(rate, kMuch, 0);
  EXPECT_GT(bucket.WaitMs(rate, 1, 0), 0);
  EXPECT_EQ(bucket.WaitMs(rate, 1, std::int64_t{1} << 62), 0);
  const Rate slow{.tokens = 1, .burst = 1, .period_ms = 60'000};
  TokenBucket other;
  other.Take(slow, std::int64_t{1} << 62, 0);
  EXPECT_GT(other.WaitMs(slow, 1, 0), 0);
}

TEST(TokenBucket, HasNoLimitWithoutARate) {
  const Rate none;
  TokenBucket bucket;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(bucket.TryTake(none, 1'000'000, 0), 0);
}

TEST(TokenBucket, NeverGivesMoreThanItsRateAllows) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto up_to = [&random](std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(1, most)(random);
  };
  for (int round = 0; round < 200; ++round) {
    const Rate rate{
        .tokens = up_to(5'000), .burst = up_to(5'000), .period_ms = up_to(2) == 1 ? 1'000 : 60'000};
    TokenBucket bucket;
    std::int64_t now = up_to(1'000'000);
    const std::int64_t begin = now;
    std::int64_t taken = 0;
    for (int i = 0; i < 500; ++i) {
      const std::int64_t cost = up_to(rate.burst);
      const std::int64_t wait = bucket.TryTake(rate, cost, now);
      if (wait == 0) {
        taken += cost;
      } else if (up_to(2) == 1) {
        // It is exact: a millisecond sooner it is not there.
        ASSERT_GT(bucket.WaitMs(rate, cost, now + wait - 1), 0);
        ASSERT_EQ(bucket.WaitMs(rate, cost, now + wait), 0);
        now += wait;
      }
      now += up_to(3) - 1;
      ASSERT_LE((taken - rate.burst) * rate.period_ms, (now - begin) * rate.tokens);
    }
  }
}

// --- RateTable.

PeerKey Key(std::uint32_t number) {
  return {IpAddress::FromV4({10, static_cast<std::uint8_t>(number >> 16),
                             static_cast<std::uint8_t>(number >> 8),
                             static_cast<std::uint8_t>(number)})};
}

constexpr RateTable::Rates kTenASecond{.commands = {.tokens = 10, .burst = 10},
                                       .bytes = {.tokens = 1'000, .burst = 1'000}};

TEST(RateTable, KeepsEachKeyApart) {
  RateTable table(kTenASecond, 1'000);
  EXPECT_EQ(table.TryTake(Key(1), {.commands = 10}, 0), 0);
  EXPECT_EQ(table.TryTake(Key(1), {.commands = 1}, 0), 100);
  EXPECT_EQ(table.TryTake(Key(2), {.commands = 10}, 0), 0);
  PeerKey port = Key(1);
  port.port = 7;
  EXPECT_EQ(table.TryTake(port, {.commands = 10}, 0), 0);
}

TEST(RateTable, TakesAllOrNothing) {
  RateTable table(kTenASecond, 1'000);
  EXPECT_EQ(table.TryTake(Key(1), {.commands = 1, .bytes = 1'000}, 0), 0);
  EXPECT_EQ(table.TryTake(Key(1), {.commands = 1, .bytes = 500}, 0), 500);
  EXPECT_EQ(table.TryTake(Key(1), {.commands = 9}, 0), 0) << "the refused command was not taken";
  EXPECT_EQ(table.Take(Key(1), {.commands = 5}, 0), 600);
  EXPECT_EQ(table.WaitMs(Key(1), {.commands = 1}, 0), 600);
  EXPECT_EQ(table.WaitMs(Key(1), {.attempts = 1}, 0), 0) << "without a rate, without a limit";
}

TEST(RateTable, ForgetsThoseThatAreFullAgain) {
  RateTable table(kTenASecond, 16'000);
  for (std::uint32_t i = 0; i < 10'000; ++i) table.Take(Key(i), {.commands = 1}, 0);
  EXPECT_GT(table.size(), 9'000u);
  // All are full after 100 ms; each newcomer has some of them forgotten.
  for (std::uint32_t i = 0; i < 5'000; ++i) table.Take(Key(20'000 + i), {.commands = 1}, 100);
  EXPECT_LT(table.size(), 5'500u);
}

TEST(RateTable, LetsNewcomersShareWhenItIsFull) {
  RateTable table(kTenASecond, 160);
  for (std::uint32_t i = 0; i < 10'000; ++i) table.Take(Key(i), {.commands = 10}, 0);
  EXPECT_EQ(table.size(), 160u);
  EXPECT_GT(table.TryTake(Key(1'000'000), {.commands = 1}, 0), 0) << "the others used it up";
  // When there is room again, one of its own.
  EXPECT_EQ(table.TryTake(Key(1'000'000), {.commands = 10}, 1'000), 0);
  EXPECT_LE(table.size(), 160u);
}

TEST(RateTable, CountsWhatManyThreadsTake) {
  RateTable table({.commands = {.tokens = 1, .burst = 1'000}}, 1'000);
  std::array<int, 4> taken{};
  std::vector<std::thread> threads;
  for (int& mine : taken) {
    threads.emplace_back([&table, &mine] {
      for (int i = 0; i < 2'000; ++i) mine += table.TryTake(Key(7), {.commands = 1}, 0) == 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken[0] + taken[1] + taken[2] + taken[3], 1'000);
}

}  // namespace
}  // namespace txtchat
