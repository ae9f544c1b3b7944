#include "gateway/pace.h"

#include "gtest/gtest.h"

namespace txtchat::gateway {
namespace {

const IpAddress kPeer = *IpAddress::Parse("192.0.2.1");

TEST(Pace, HasNoLimitsWithoutAGuard) {
  Pace pace(nullptr, kPeer);
  for (int i = 0; i < 100'000; ++i) ASSERT_TRUE(pace.CountLine(0).ok());
  EXPECT_TRUE(pace.CountBytes(std::size_t{1} << 40, 0).ok());
  EXPECT_TRUE(pace.Wait(0).ok());
}

TEST(Pace, WaitsForMoreThanOneLineAtATime) {
  PeerGuard guard({.commands_per_connection_per_s = 1'000, .commands_per_connection_burst = 500});
  Pace pace(&guard, kPeer);
  for (int i = 0; i < 499; ++i) ASSERT_TRUE(pace.CountLine(0).ok()) << i;
  EXPECT_EQ(pace.CountLine(0).retry_after_ms, 1);
  EXPECT_EQ(pace.Wait(0).retry_after_ms, 50);
  EXPECT_FALSE(pace.Wait(49).ok());
  EXPECT_TRUE(pace.Wait(50).ok());
}

TEST(Pace, WaitsForNoMoreThanABurst) {
  PeerGuard guard({.commands_per_connection_per_s = 1'000, .commands_per_connection_burst = 1});
  Pace pace(&guard, kPeer);
  EXPECT_FALSE(pace.CountLine(0).ok());
  EXPECT_EQ(pace.Wait(0).retry_after_ms, 1);
}

TEST(Pace, CountsBytesByThemselves) {
  PeerGuard guard({.bytes_per_connection_per_s = 1'000, .bytes_per_connection_burst = 2'000});
  Pace pace(&guard, kPeer);
  EXPECT_TRUE(pace.CountBytes(1'999, 0).ok());
  EXPECT_FALSE(pace.CountBytes(1'001, 0).ok()) << "it has come, and is owed";
  EXPECT_TRUE(pace.CountLine(0).ok());
  EXPECT_EQ(pace.Wait(0).retry_after_ms, 1'050);
}

TEST(Pace, SharesWhatTheAddressMay) {
  PeerGuard guard({.commands_per_address_per_s = 1'000, .commands_per_address_burst = 100});
  Pace one(&guard, kPeer);
  Pace other(&guard, kPeer);
  Pace stranger(&guard, *IpAddress::Parse("192.0.2.2"));
  Pace local(&guard, *IpAddress::Parse("127.0.0.1"));
  for (int i = 0; i < 99; ++i) ASSERT_TRUE((i % 2 == 0 ? one : other).CountLine(0).ok());
  const Verdict verdict = one.CountLine(0);
  EXPECT_EQ(verdict.retry_after_ms, 1);
  EXPECT_EQ(verdict.whose, Verdict::Whose::kAddress);
  EXPECT_EQ(other.Wait(0).retry_after_ms, 50);
  EXPECT_TRUE(stranger.CountLine(0).ok());
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(local.CountLine(0).ok());
}

}  // namespace
}  // namespace txtchat::gateway
