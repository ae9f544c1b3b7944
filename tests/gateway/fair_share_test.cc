#include "gateway/fair_share.h"

#include "gtest/gtest.h"

namespace txtchat::gateway {
namespace {

TEST(FairShare, ANewcomerIsLightWhenItHasBeenThereForAMoment) {
  const FairShare share(1'000);
  EXPECT_FALSE(share.IsLight(1'000));
  EXPECT_FALSE(share.IsLight(1'019));
  EXPECT_TRUE(share.IsLight(1'020));
}

TEST(FairShare, WhoSendsAsPeopleDoStaysLight) {
  FairShare share(0);
  for (std::int64_t now_ms = 1'000; now_ms < 100'000; now_ms += 25) {
    EXPECT_TRUE(share.IsLight(now_ms));
    share.Take(1, now_ms);
  }
}

TEST(FairShare, ABurstIsWithinIt) {
  FairShare share(0);
  for (int i = 0; i < FairShare::kBurst; ++i) {
    EXPECT_TRUE(share.IsLight(60'000));
    share.Take(1, 60'000);
  }
  EXPECT_FALSE(share.IsLight(60'000));
}

TEST(FairShare, WhoWasBusyIsLightAgainAfterTwoSecondsOfSilence) {
  FairShare share(0);
  for (int i = 0; i < 1'000'000; ++i) share.Take(1, 1'000);
  EXPECT_FALSE(share.IsLight(1'000 + FairShare::kDebtMaxMs));
  EXPECT_TRUE(share.IsLight(1'000 + FairShare::kDebtMaxMs + 20));
}

TEST(FairShare, WhoNeverStopsIsNeverLight) {
  FairShare share(0);
  for (std::int64_t now_ms = 0; now_ms < 10'000; ++now_ms) {
    share.Take(1, now_ms);
    EXPECT_FALSE(share.IsLight(now_ms));
  }
}

TEST(FairShare, ALongLineCostsMore) {
  EXPECT_EQ(CostOfLine(0), 1);
  EXPECT_EQ(CostOfLine(1'023), 1);
  EXPECT_EQ(CostOfLine(32 * 1'024), 33);
}

TEST(LightPresence, IsRememberedForAWhile) {
  LightPresence light;
  EXPECT_FALSE(light.Is(0));
  light.Note(10'000);
  EXPECT_TRUE(light.Is(10'000));
  EXPECT_TRUE(light.Is(10'000 + LightPresence::kRemembersMs - 1));
  EXPECT_FALSE(light.Is(10'000 + LightPresence::kRemembersMs));
}

TEST(LightPresence, IsRenewed) {
  LightPresence light;
  for (std::int64_t now_ms = 0; now_ms < 20'000; now_ms += 100) light.Note(now_ms);
  EXPECT_TRUE(light.Is(20'000 + 4'000));
}

}  // namespace
}  // namespace txtchat::gateway
