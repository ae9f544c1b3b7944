#include "core/connection_limiter.h"

#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace txtchat {
namespace {

using Place = ConnectionLimiter::Place;

const IpAddress kOne = *IpAddress::Parse("192.0.2.1");
const IpAddress kOther = *IpAddress::Parse("192.0.2.2");

TEST(ConnectionLimiter, CountsEachAddressByItself) {
  ConnectionLimiter limiter(2);
  std::vector<Place> places;
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(places.emplace_back(limiter.TryAcquire(kOne)).held());
    EXPECT_TRUE(places.emplace_back(limiter.TryAcquire(kOther)).held());
  }
  EXPECT_FALSE(limiter.TryAcquire(kOne).held());
  EXPECT_EQ(limiter.open(kOne), 2u);
  places.erase(places.begin());
  EXPECT_EQ(limiter.open(kOne), 1u);
  EXPECT_TRUE(limiter.TryAcquire(kOne).held());
  places.clear();
  EXPECT_EQ(limiter.open(kOne), 0u);
  EXPECT_EQ(limiter.open(kOther), 0u);
}

TEST(ConnectionLimiter, GivesAPlaceBackOnce) {
  ConnectionLimiter limiter(1);
  Place first = limiter.TryAcquire(kOne);
  Place second = std::move(first);
  first = Place();
  EXPECT_EQ(limiter.open(kOne), 1u);
  second = limiter.TryAcquire(kOther);
  EXPECT_EQ(limiter.open(kOne), 0u);
  EXPECT_EQ(limiter.open(kOther), 1u);
}

TEST(ConnectionLimiter, HasNoLimitWithZero) {
  ConnectionLimiter limiter(0);
  std::vector<Place> places;
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_TRUE(places.emplace_back(limiter.TryAcquire(kOne)).held());
  }
}

TEST(ConnectionLimiter, LooksForEndedOnesBeforeItRefuses) {
  ConnectionLimiter limiter(1);
  std::optional<Place> ended = limiter.TryAcquire(kOne);
  int asked = 0;
  limiter.SetFinder([&](const IpAddress& address) {
    EXPECT_EQ(address, kOne);
    ++asked;
    ended.reset();
  });
  const Place next = limiter.TryAcquire(kOne);
  EXPECT_TRUE(next.held());
  EXPECT_FALSE(limiter.TryAcquire(kOne).held());
  EXPECT_EQ(asked, 2);
  limiter.SetFinder(nullptr);
  EXPECT_FALSE(limiter.TryAcquire(kOne).held());
  EXPECT_EQ(asked, 2);
}

TEST(ConnectionLimiter, CountsWhatManyThreadsDo) {
  ConnectionLimiter limiter(3);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&limiter] {
      for (int j = 0; j < 5'000; ++j) {
        const Place place = limiter.TryAcquire(kOne);
        EXPECT_LE(limiter.open(kOne), 3u);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(limiter.open(kOne), 0u);
}

}  // namespace
}  // namespace txtchat
