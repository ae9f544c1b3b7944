// What a retention policy finds to trim.
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "storage/sqlite_store.h"
#include "tests/storage/store_world.h"

namespace txtchat::storage {
namespace {

/// Channels with events at seconds 1, 2, 3, …; each text has ten bytes.
class RetentionTest : public ::testing::Test, protected StoreWorld {
 protected:
  void SetUp() override { Open(); }
  void Fill(ChannelKey channel, int events) {
    StoreBatch batch = {NewChannel(channel, absl::StrCat("c", channel))};
    for (int i = 0; i < events; ++i) batch.push_back(Posts(channel, 1, "0123456789"));
    ASSERT_TRUE(Ok(Commit(batch)));
  }
  std::string Surplus(const RetentionPolicy& policy, std::int64_t now_ms = 0,
                      std::size_t trims_max = 99, std::uint64_t step_max = 99) {
    const auto trims = store->FindSurplus(policy, now_ms, trims_max, step_max);
    if (!trims.ok()) return trims.status().ToString();
    return absl::StrJoin(*trims, " ", [](std::string* out, const TrimChannel& trim) {
      absl::StrAppend(out, trim.channel, ":", trim.first_kept);
    });
  }
};

TEST_F(RetentionTest, FindsNothingWithoutAPolicyOrWithinIt) {
  Fill(1, 10);
  EXPECT_EQ(Surplus({}), "");
  EXPECT_EQ(Surplus({.age_max_ms = 9000, .events_max = 10, .bytes_max = 100}, 10'000), "");
}

TEST_F(RetentionTest, CountsEvents) {
  Fill(1, 10);
  EXPECT_EQ(Surplus({.events_max = 4}), "1:7");
  EXPECT_EQ(Surplus({.events_max = 4}, 0, 99, 2), "1:3") << "a small step";
}

TEST_F(RetentionTest, SumsUpBytes) {
  Fill(1, 10);
  EXPECT_EQ(Surplus({.bytes_max = 45}), "1:7");
  EXPECT_EQ(Surplus({.bytes_max = 40}), "1:7");
  EXPECT_EQ(Surplus({.bytes_max = 39}), "1:8");
  EXPECT_EQ(Surplus({.bytes_max = 5}), "1:11") << "not even the newest fits";
}

TEST_F(RetentionTest, LooksAtTheAge) {
  Fill(1, 10);
  EXPECT_EQ(Surplus({.age_max_ms = 5000}, 10'000), "1:5");
  EXPECT_EQ(Surplus({.age_max_ms = 5000}, 10'001), "1:6");
  EXPECT_EQ(Surplus({.age_max_ms = 5000}, 99'000), "1:11");
}

TEST_F(RetentionTest, TakesTheStrictestOfTheThree) {
  Fill(1, 10);
  EXPECT_EQ(Surplus({.age_max_ms = 5000, .events_max = 4, .bytes_max = 45}, 10'000), "1:7");
  EXPECT_EQ(Surplus({.age_max_ms = 5000, .events_max = 9, .bytes_max = 25}, 10'000), "1:9");
}

TEST_F(RetentionTest, GoesOnFromWhatWasTrimmedAlsoWhenOpenedAgain) {
  Fill(1, 10);
  ASSERT_TRUE(Ok(Commit({TrimChannel{1, 5}})));
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(Surplus({.events_max = 6}), "");
    EXPECT_EQ(Surplus({.bytes_max = 60}), "");
    EXPECT_EQ(Surplus({.age_max_ms = 5000}, 10'000), "");
    EXPECT_EQ(Surplus({.events_max = 5}), "1:6");
    EXPECT_EQ(Surplus({.bytes_max = 59}), "1:6");
    EXPECT_EQ(Surplus({.age_max_ms = 4000}, 10'000), "1:6");
    Open();
  }
  ASSERT_TRUE(Ok(Commit({TrimChannel{1, 11}})));
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(Surplus({.age_max_ms = 1, .events_max = 1, .bytes_max = 1}, 99'000), "");
    Open();
  }
  ASSERT_TRUE(Ok(Commit({Posts(1, 1, "0123456789")})));
  EXPECT_EQ(Surplus({.bytes_max = 10}), "");
  EXPECT_EQ(Surplus({.bytes_max = 9}), "1:12");
  EXPECT_EQ(Surplus({.age_max_ms = 1000}, 12'001), "1:12");
}

TEST_F(RetentionTest, ForgetsNoChannelWhenItFindsOnlyAFewAtATime) {
  for (ChannelKey channel = 1; channel <= 5; ++channel) Fill(channel, 3);
  EXPECT_EQ(Surplus({.events_max = 2}, 0, 2), "1:2 2:2");
  EXPECT_EQ(Surplus({.events_max = 2}, 0, 2), "3:2 4:2");
  EXPECT_EQ(Surplus({.events_max = 2}, 0, 2), "5:2 1:2");
  EXPECT_EQ(Surplus({.events_max = 2}, 0, 9), "2:2 3:2 4:2 5:2 1:2");
}

TEST_F(RetentionTest, LeavesGuestsChannelsInTheNurseryAlone) {
  ASSERT_TRUE(Ok(Commit(Guest(3, 30, "[::1]:5000"))));
  ASSERT_TRUE(Ok(Commit({Comes(30, 3), Comes(30, 4)})));
  EXPECT_EQ(Surplus({.age_max_ms = 1, .events_max = 1}, 99'000), "");
}

}  // namespace
}  // namespace txtchat::storage
