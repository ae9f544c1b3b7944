#include "core/peer_guard.h"

#include <string_view>
#include <vector>

#include "core/retry_after.h"
#include "gtest/gtest.h"

namespace txtchat {
namespace {

IpAddress At(std::string_view text) { return *IpAddress::Parse(text); }

TEST(PeerGuard, CountsAnIpv6NetworkAsOneAddress) {
  const PeerGuard guard({});
  EXPECT_EQ(guard.BlockOf(At("2001:db8:1:2::3")), guard.BlockOf(At("2001:db8:1:2:ffff::4")));
  EXPECT_NE(guard.BlockOf(At("2001:db8:1:2::3")), guard.BlockOf(At("2001:db8:1:3::3")));
  EXPECT_NE(guard.BlockOf(At("192.0.2.1")), guard.BlockOf(At("192.0.2.2")));
}

TEST(PeerGuard, HoldsNoSharedAddressToWhatOnePeerMay) {
  PeerGuard guard({.commands_per_address_per_s = 1,
                   .commands_per_address_burst = 1,
                   .attempts_per_address_per_minute = 1});
  for (const char* shared : {"127.0.0.1", "::1", "10.1.2.3", "172.17.0.1", "192.168.1.1", "fd00::1",
                             "fe80::1", "169.254.1.1", "100.64.0.1", "::"}) {
    EXPECT_FALSE(guard.BlockOf(At(shared)).known()) << shared;
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(guard.TryTake(guard.BlockOf(At(shared)), 1, 1, 0).ok()) << shared;
      EXPECT_TRUE(guard.TryTakeAttempt(At(shared), 0).ok()) << shared;
    }
  }
  for (const char* own : {"192.0.2.1", "2001:db8::1", "172.32.0.1", "100.128.0.1"}) {
    EXPECT_TRUE(guard.TryTake(guard.BlockOf(At(own)), 1, 1, 0).ok()) << own;
    const Verdict verdict = guard.TryTake(guard.BlockOf(At(own)), 1, 1, 0);
    EXPECT_EQ(verdict.retry_after_ms, 1'000) << own;
    EXPECT_EQ(verdict.whose, Verdict::Whose::kAddress);
  }
}

TEST(PeerGuard, HoldsEachConnectionToItsOwn) {
  PeerGuard guard({.commands_per_connection_per_s = 2,
                   .commands_per_connection_burst = 2,
                   .commands_per_address_per_s = 3,
                   .commands_per_address_burst = 3});
  const IpAddress peer = At("192.0.2.1");
  EXPECT_TRUE(guard.TryTakeCall(peer, 1, 10, 0).ok());
  EXPECT_TRUE(guard.TryTakeCall(peer, 1, 10, 0).ok());
  const Verdict of_connection = guard.TryTakeCall(peer, 1, 10, 0);
  EXPECT_EQ(of_connection.retry_after_ms, 500);
  EXPECT_EQ(of_connection.whose, Verdict::Whose::kConnection);
  EXPECT_TRUE(guard.TryTakeCall(peer, 2, 10, 0).ok());
  EXPECT_EQ(guard.TryTakeCall(peer, 2, 10, 0).whose, Verdict::Whose::kAddress);
  EXPECT_TRUE(guard.TryTakeCall(At("10.0.0.1"), 1, 10, 0).ok());
  EXPECT_TRUE(guard.TryTakeCall(At("10.0.0.1"), 1, 10, 0).ok());
  EXPECT_FALSE(guard.TryTakeCall(At("10.0.0.1"), 1, 10, 0).ok()) << "a shared address, but its own";
}

TEST(PeerGuard, CountsBytesOfCalls) {
  PeerGuard guard({.bytes_per_connection_per_s = 1'000, .bytes_per_connection_burst = 1'000});
  const IpAddress peer = At("192.0.2.1");
  EXPECT_TRUE(guard.TryTakeCall(peer, 1, 5'000, 0).ok()) << "more than the burst, while it is full";
  EXPECT_EQ(guard.TryTakeCall(peer, 1, 100, 0).retry_after_ms, 4'100);
}

TEST(PeerGuard, HoldsAttemptsToTheirMinute) {
  PeerGuard guard({.attempts_per_address_per_minute = 2});
  const IpAddress peer = At("192.0.2.1");
  EXPECT_TRUE(guard.TryTakeAttempt(peer, 0).ok());
  EXPECT_TRUE(guard.TryTakeAttempt(peer, 0).ok());
  EXPECT_EQ(guard.TryTakeAttempt(peer, 0).retry_after_ms, 30'000);
  EXPECT_TRUE(guard.TryTakeAttempt(peer, 30'000).ok());
}

TEST(PeerGuard, HoldsWhatAnAddressRegistersToItsMinute) {
  PeerGuard guard({.registrations_per_address_per_minute = 2});
  const IpAddress peer = At("192.0.2.1");
  EXPECT_TRUE(guard.MayCreate(peer, Register{}, 0).ok());
  EXPECT_TRUE(guard.MayCreate(peer, CreateAccount{}, 0).ok());
  const absl::Status refusal = guard.MayCreate(peer, Register{}, 0);
  EXPECT_EQ(refusal.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(refusal.message(),
            "too many users are registered from your address; retry after 30000 ms");
  EXPECT_EQ(RetryAfterMs(refusal), 30'000);
  EXPECT_FALSE(guard.MayCreate(peer, CreateAccount{}, 0).ok());
  EXPECT_TRUE(guard.MayCreate(peer, CreateChannel{}, 0).ok()) << "that is another matter";
  EXPECT_TRUE(guard.MayCreate(At("192.0.2.2"), Register{}, 0).ok());
  EXPECT_TRUE(guard.MayCreate(peer, Register{}, 30'000).ok());
}

TEST(PeerGuard, HoldsWhatAnAddressMakesToItsMinute) {
  PeerGuard guard({.creations_per_address_per_minute = 6, .creations_per_address_burst = 4});
  const IpAddress peer = At("2001:db8:1:2::3");
  EXPECT_TRUE(guard.MayCreate(peer, CreateChannel{}, 0).ok());
  EXPECT_TRUE(guard.MayCreate(peer, OpenDirect{}, 0).ok());
  EXPECT_TRUE(guard.MayCreate(peer, Sanction{}, 0).ok());
  EXPECT_TRUE(guard.MayCreate(peer, CreateInvite{}, 0).ok());
  const absl::Status refusal = guard.MayCreate(At("2001:db8:1:2::4"), CreateChannel{}, 0);
  EXPECT_EQ(refusal.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(refusal.message(),
            "too many channels, bans, mutes and invites are made from your address; retry after "
            "10000 ms");
  for (const Command& command : std::vector<Command>{Register{}, Send{}, Join{}, OpenSession{},
                                                     ListChannels{}, JoinByInvite{}, Pardon{}}) {
    EXPECT_TRUE(guard.MayCreate(peer, command, 0).ok()) << command.index();
  }
}

TEST(PeerGuard, HoldsNobodyToWhatASharedAddressMakes) {
  PeerGuard guard({.registrations_per_address_per_minute = 1,
                   .creations_per_address_per_minute = 1,
                   .creations_per_address_burst = 1});
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(guard.MayCreate(At("172.17.0.1"), Register{}, 0).ok());
    EXPECT_TRUE(guard.MayCreate(At("172.17.0.1"), CreateChannel{}, 0).ok());
    EXPECT_TRUE(guard.MayCreate({}, CreateChannel{}, 0).ok());
  }
  PeerGuard unlimited(
      {.registrations_per_address_per_minute = 0, .creations_per_address_per_minute = 0});
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(unlimited.MayCreate(At("192.0.2.1"), Register{}, 0).ok());
    ASSERT_TRUE(unlimited.MayCreate(At("192.0.2.1"), CreateChannel{}, 0).ok());
  }
}

TEST(PeerGuard, CountsNoAttemptThatWasRightButHoldsItWhileItIsUnderWay) {
  PeerGuard guard({.attempts_per_address_per_minute = 2});
  const IpAddress peer = At("192.0.2.1");
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(guard.TryTakeAttempt(peer, 0).ok()) << i;
    guard.PutBackAttempt(peer, 0);
  }
  ASSERT_TRUE(guard.TryTakeAttempt(peer, 0).ok());
  ASSERT_TRUE(guard.TryTakeAttempt(peer, 0).ok());
  EXPECT_FALSE(guard.TryTakeAttempt(peer, 0).ok()) << "two are under way";
  guard.PutBackAttempt(peer, 0);
  EXPECT_TRUE(guard.TryTakeAttempt(peer, 0).ok());
  EXPECT_FALSE(guard.TryTakeAttempt(peer, 0).ok()) << "one was not right";
  guard.PutBackAttempt(At("192.0.2.2"), 0);
  guard.PutBackAttempt({}, 0);
  EXPECT_FALSE(guard.TryTakeAttempt(peer, 0).ok()) << "those were others";
}

TEST(PeerGuard, HasEnoughOfAConnectionAfterSomeStrikes) {
  PeerGuard guard({.strikes_per_connection_per_s = 10, .strikes_per_connection_burst = 3});
  const PeerKey one{At("127.0.0.1"), 1};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(guard.MayGoOn(one, 0));
  EXPECT_FALSE(guard.MayGoOn(one, 0));
  EXPECT_TRUE(guard.MayGoOn({At("127.0.0.1"), 2}, 0));
  EXPECT_TRUE(guard.MayGoOn(one, 100));
}

TEST(PeerGuard, HoldsNobodyToALimitOfZero) {
  PeerGuard guard({.commands_per_connection_per_s = 0,
                   .bytes_per_connection_per_s = 0,
                   .connections_per_address = 0,
                   .commands_per_address_per_s = 0,
                   .bytes_per_address_per_s = 0,
                   .attempts_per_address_per_minute = 0});
  const IpAddress peer = At("192.0.2.1");
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_TRUE(guard.TryTakeCall(peer, 1, 1'000'000, 0).ok());
    ASSERT_TRUE(guard.TryTakeAttempt(peer, 0).ok());
  }
}

}  // namespace
}  // namespace txtchat
