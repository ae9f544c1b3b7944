#include "core/page_cache.h"

#include <cstdint>
#include <string>

#include "gtest/gtest.h"

namespace txtchat {
namespace {

constexpr std::size_t kEventBytes = 1'000;

/// A page of one event, `after` + 1.
HistoryPage PageAfter(std::uint64_t after) {
  HistoryPage page{.after = after, .covers_to = after + 1};
  page.chunk = EncodedChunk::Make(after + 1, 1, kEventBytes);
  page.chunk->Append(std::string(kEventBytes, 'x'));
  return page;
}

bool Holds(PageCache& cache, ChannelKey channel, std::uint64_t after) {
  return cache.Find({.channel = channel, .after = after, .up_to = after + 1}).has_value();
}

TEST(PageCache, KeepsThosePagesThatWereWantedLast) {
  PageCache cache(3 * kEventBytes + 500);
  for (ChannelKey channel = 1; channel <= 3; ++channel) cache.Add(channel, PageAfter(0), 0);
  ASSERT_TRUE(Holds(cache, 1, 0));
  cache.Add(4, PageAfter(0), 0);
  EXPECT_TRUE(Holds(cache, 1, 0));
  EXPECT_FALSE(Holds(cache, 2, 0));
  EXPECT_TRUE(Holds(cache, 3, 0));
  EXPECT_TRUE(Holds(cache, 4, 0));
  EXPECT_LE(cache.bytes(), 3 * kEventBytes + 500);
}

TEST(PageCache, KeepsNoMoreThanSoManyPagesHoweverSmall) {
  PageCache cache(1 << 20);
  for (std::uint64_t after = 0; after <= PageCache::kPagesMax; ++after) {
    cache.Add(1, {.after = after, .covers_to = after + 1}, 0);
  }
  EXPECT_FALSE(Holds(cache, 1, 0));
  EXPECT_TRUE(Holds(cache, 1, 1));
}

TEST(PageCache, KeepsNothingThatIsTooLarge) {
  PageCache none(0);
  none.Add(1, PageAfter(0), 0);
  EXPECT_FALSE(Holds(none, 1, 0));
  EXPECT_EQ(none.bytes(), 0u);
}

TEST(PageCache, ForgetsThePagesOfOneChannelOrOfAll) {
  PageCache cache(1 << 20);
  for (ChannelKey channel = 1; channel <= 3; ++channel) {
    cache.Add(channel, PageAfter(0), 0);
    cache.Add(channel, PageAfter(1), 0);
  }
  const std::size_t all = cache.bytes();
  cache.Forget(2);
  EXPECT_TRUE(Holds(cache, 1, 0));
  EXPECT_FALSE(Holds(cache, 2, 0));
  EXPECT_FALSE(Holds(cache, 2, 1));
  EXPECT_TRUE(Holds(cache, 3, 1));
  EXPECT_EQ(cache.bytes(), all / 3 * 2);
  cache.ForgetAll();
  EXPECT_FALSE(Holds(cache, 1, 0));
  EXPECT_FALSE(Holds(cache, 3, 1));
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST(PageCache, KeepsNoPageThatWasReadBeforeSomethingWasForgotten) {
  PageCache cache(1 << 20);
  std::uint64_t generation = cache.Generation();
  cache.Forget(1);
  cache.Add(1, PageAfter(0), generation);
  EXPECT_FALSE(Holds(cache, 1, 0));
  generation = cache.Generation();
  cache.ForgetAll();
  cache.Add(1, PageAfter(0), generation);
  EXPECT_FALSE(Holds(cache, 1, 0));
  cache.Add(1, PageAfter(0), cache.Generation());
  EXPECT_TRUE(Holds(cache, 1, 0));
}

}  // namespace
}  // namespace txtchat
