// A table that is shared: whoever is greedy leaves room for whoever comes next.
#include "core/shared_table.h"

#include <cstddef>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace txtchat {
namespace {

constexpr std::size_t kSize = 200'000;
constexpr std::size_t kHolderMax = 1'000;

/// Holders of one table, that take whatever they get.
class Greedy {
 public:
  /// False: it may not.
  bool Add(std::size_t holder) {
    if (holder >= held_.size()) held_.resize(holder + 1);
    std::size_t& held = held_[holder];
    if (held >= HolderMost({kSize, used_, kHolderMax})) return false;
    used_ += SharedEntries(held + 1) - SharedEntries(held);
    ++held;
    EXPECT_LE(used_, kSize);
    return true;
  }
  /// All that the holder gets; answers how many it has then.
  std::size_t Fill(std::size_t holder) {
    while (Add(holder)) {
    }
    return held_[holder];
  }

 private:
  std::vector<std::size_t> held_;
  std::size_t used_ = 0;
};

TEST(SharedTable, GivesOneHolderItsMostWhileThereIsMuch) {
  Greedy greedy;
  EXPECT_EQ(greedy.Fill(0), kHolderMax);
  EXPECT_EQ(greedy.Fill(1), kHolderMax);
}

TEST(SharedTable, LeavesMuchToANewcomerAfterAsManyAsUsedToFillIt) {
  Greedy greedy;
  for (std::size_t i = 0; i < kSize / kHolderMax; ++i) greedy.Fill(i);
  EXPECT_GE(greedy.Fill(kSize), 300u);
}

TEST(SharedTable, LeavesANewcomerItsOwnHoweverManyWereGreedy) {
  Greedy greedy;
  for (std::size_t i = 0; i < 10'000; ++i) EXPECT_GE(greedy.Fill(i), kOwnEntries);
  EXPECT_EQ(greedy.Fill(10'000), kOwnEntries) << "the shared part is used up";
}

TEST(SharedTable, LeavesANewcomerItsOwnWhoeverComesWhen) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (const std::size_t holders : {10u, 500u, 5'000u}) {
    Greedy greedy;
    std::uniform_int_distribution<std::size_t> any(0, holders - 1);
    for (std::size_t i = 0; i < 2 * kSize; ++i) greedy.Add(any(random));
    EXPECT_GE(greedy.Fill(holders), kOwnEntries) << holders;
  }
}

TEST(SharedTable, LetsNobodyHaveMoreThanAHolderMay) {
  EXPECT_EQ(HolderMost({kSize, 0, 2}), 2u);
  EXPECT_EQ(HolderMost({0, 0, kHolderMax}), kOwnEntries);
  EXPECT_EQ(HolderMost({1, 0, kHolderMax}), kOwnEntries + 1);
  EXPECT_EQ(HolderMost({10, 20, kHolderMax}), kOwnEntries) << "more than there is, after a restart";
}

}  // namespace
}  // namespace txtchat
