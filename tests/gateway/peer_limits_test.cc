// A peer that sends or connects more than it may: it is slowed or refused, and nobody else is.
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/peer_guard.h"
#include "gtest/gtest.h"
#include "tests/gateway/line_server.h"
#include "tests/gateway/tls_server.h"

namespace txtchat::gateway {
namespace {

constexpr const char* kConnectionTooFast =
    "$$error: resource_exhausted: too much comes over this connection at once; slow down";
constexpr const char* kAddressTooFast =
    "$$error: resource_exhausted: too much comes from your address at once; slow down";

/// The tests come from the loopback, which is to be held to the limits as any other address.
PeerLimits OfOneAddress(PeerLimits limits) {
  limits.shared_address_ranges.clear();
  return limits;
}

LineServerConfig With(PeerGuard* peers) {
  LineServerConfig config;
  config.peers = peers;
  return config;
}

/// Has `guest` say so many numbers, all sent before anything is read, and reads them back in order;
/// answers the errors that came between.
std::vector<std::string> SayAndHear(Guest& guest, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) {
    all += "send_msg$-$" + guest.LocalAddress() + "$" + std::to_string(i) + "\n";
  }
  EXPECT_TRUE(guest.Send(all));
  std::vector<std::string> errors;
  for (int i = 0; i < count;) {
    const std::string line = guest.Line();
    if (line == std::to_string(i)) {
      ++i;
    } else {
      errors.push_back(line);
      if (line.find("$$error") != 0) break;
    }
  }
  return errors;
}

TEST(PeerLimits, AFloodIsSlowedAndNothingOfItIsLost) {
  PeerGuard peers({.commands_per_connection_per_s = 250, .commands_per_connection_burst = 100});
  LineServer server(With(&peers));
  Guest flooder(server, "flooder");
  Guest bystander(server, "bystander");
  EXPECT_EQ(SayAndHear(flooder, 500), std::vector<std::string>{kConnectionTooFast});
  EXPECT_GE(server.gateway().stats().slowed, 2u);
  bystander.ExpectQuiet();
}

TEST(PeerLimits, WhoStaysWithinABurstIsNotToldAnything) {
  PeerGuard peers({.commands_per_connection_per_s = 1, .commands_per_connection_burst = 1'000});
  LineServer server(With(&peers));
  Guest alice(server, "alice");
  EXPECT_EQ(SayAndHear(alice, 999), std::vector<std::string>{});
}

TEST(PeerLimits, ASlowedConnectionHoldsUpNobody) {
  PeerGuard peers({.commands_per_connection_per_s = 1, .commands_per_connection_burst = 10});
  LineServerConfig config = With(&peers);
  config.options.io_threads = 1;
  LineServer server(config);
  Guest flooder(server, "flooder");
  // At once, so that those beyond the burst have been read when the server stops.
  std::string flood;
  for (int i = 0; i < 50; ++i) {
    flood += "send_msg$-$" + flooder.LocalAddress() + "$" + std::to_string(i) + "\n";
  }
  flooder.Send(flood);
  EXPECT_EQ(flooder.Line(), "0");
  // The eleventh line would take a second; what another one says meanwhile comes at once.
  Guest alice(server, "alice");
  for (int i = 0; i < 5; ++i) {
    alice.Say(alice.LocalAddress(), "hello");
    EXPECT_EQ(alice.Line(), "hello");
  }
  EXPECT_GE(server.gateway().stats().slowed, 1u);
  server.Drain();
  std::string lines = flooder.ReadAll();
  EXPECT_NE(lines.find("unavailable: the server is stopping"), std::string::npos) << lines;
}

TEST(PeerLimits, BytesAreLimitedToo) {
  PeerGuard peers({.bytes_per_connection_per_s = 400'000, .bytes_per_connection_burst = 64'000});
  LineServer server(With(&peers));
  Guest alice(server, "alice");
  for (int i = 0; i < 20; ++i) alice.Say(alice.LocalAddress(), std::string(20'000, 'x'));
  int texts = 0;
  int errors = 0;
  while (texts < 20) {
    const std::string line = alice.Line();
    (line == kConnectionTooFast ? errors : texts) += 1;
    if (line == "(nothing)") break;
  }
  EXPECT_EQ(errors, 1);
  EXPECT_GE(server.gateway().stats().slowed, 1u);
  alice.ExpectQuiet();
}

TEST(PeerLimits, ConnectionsOfOneAddressShareWhatItMay) {
  PeerGuard peers(
      OfOneAddress({.commands_per_address_per_s = 250, .commands_per_address_burst = 100}));
  LineServer server(With(&peers));
  Guest one(server, "one");
  Guest other(server, "other");
  EXPECT_EQ(SayAndHear(one, 300), std::vector<std::string>{kAddressTooFast});
  EXPECT_EQ(SayAndHear(other, 300), std::vector<std::string>{kAddressTooFast});
}

TEST(PeerLimits, ASharedAddressHasNone) {
  PeerGuard peers({.connections_per_address = 1,
                   .commands_per_address_per_s = 1,
                   .commands_per_address_burst = 1,
                   .bytes_per_address_per_s = 1,
                   .bytes_per_address_burst = 1});
  LineServer server(With(&peers));
  Guest one(server, "one");
  Guest other(server, "other");
  EXPECT_EQ(SayAndHear(one, 500), std::vector<std::string>{});
  EXPECT_EQ(SayAndHear(other, 500), std::vector<std::string>{});
  EXPECT_EQ(server.gateway().stats().slowed, 0u);
}

/// Has the loopback do this until it may no more; it may again only after `ms` and then some.
void UseUp(PeerGuard& peers, const Command& command, std::int64_t ms) {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  const std::int64_t then_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count() + ms;
  const IpAddress loopback = *IpAddress::Parse("127.0.0.1");
  for (int i = 0; i < 100'000 && peers.MayCreate(loopback, command, then_ms).ok(); ++i) {
  }
}

TEST(PeerLimits, WhoRegistersTooManyIsToldWhenToComeAgainAndStaysNobody) {
  PeerGuard peers(OfOneAddress({.registrations_per_address_per_minute = 2}));
  LineServer server(With(&peers));
  Guest one(server, "one");
  UseUp(peers, Register{}, 3'600'000);
  Guest late(server);
  late.SendLine("reg$late");
  EXPECT_EQ(late.Line(),
            "$$error: resource_exhausted: too many users are registered from your address; retry "
            "after 30000 ms");
  late.SendLine("create_chan$-$room");
  EXPECT_EQ(late.Line().substr(0, 25), "$$error: unauthenticated:");
  one.SendLine("reg$another name");
  EXPECT_EQ(one.Line(), one.LocalAddress()) << "who is registered may take another name";
}

TEST(PeerLimits, ARegistrationThatWasRefusedCanBeRepeated) {
  // One in a millisecond, so that there is one before long.
  PeerGuard peers(OfOneAddress({.registrations_per_address_per_minute = 60'000}));
  LineServer server(With(&peers));
  Guest late(server);
  UseUp(peers, Register{}, 20);
  std::string answer;
  for (int tries = 0; tries < 100'000 && answer != late.LocalAddress(); ++tries) {
    late.SendLine("reg$late");
    answer = late.Line();
  }
  EXPECT_EQ(answer, late.LocalAddress());
  late.ExpectQuiet();
}

TEST(PeerLimits, WhatAnAddressMakesIsBoundedWhoeverOfItMakesIt) {
  PeerGuard peers(
      OfOneAddress({.creations_per_address_per_minute = 2, .creations_per_address_burst = 2}));
  LineServer server(With(&peers));
  Guest one(server, "one");
  Guest other(server, "other");
  const std::string room = one.Create("room");
  EXPECT_EQ(room.size(), 10u) << room;
  UseUp(peers, CreateChannel{}, 3'600'000);
  const std::string refusal =
      "$$error: resource_exhausted: too many channels, bans, mutes and invites are made from your "
      "address; retry after 30000 ms";
  EXPECT_EQ(other.Create("room"), refusal);
  one.SendLine("ban$" + room + "$192.0.2.1");
  EXPECT_EQ(one.Line(), refusal);
  other.Join(room);
}

TEST(PeerLimits, OneConnectionTooManyIsToldSo) {
  PeerGuard peers(OfOneAddress({.connections_per_address = 2}));
  LineServer server(With(&peers));
  auto one = std::make_unique<Guest>(server, "one");
  Guest other(server, "other");
  for (int i = 0; i < 10; ++i) {
    testing::LineClient refused(server.port());
    EXPECT_EQ(refused.ReadAll(),
              "$$error: resource_exhausted: your address has its most connections (2); close one "
              "first\n");
  }
  EXPECT_EQ(server.gateway().stats().refused, 10u);
  one->SendLine("quit");
  EXPECT_EQ(one->ReadAll(), "$$bye: quit\n");
  one.reset();
  for (;;) {
    testing::LineClient client(server.port());
    if (client.ReadLine() == std::string(kWelcome)) break;
  }
  other.ExpectQuiet();
}

TEST(PeerLimits, ConnectionsWithTlsCountAsWell) {
  PeerGuard peers(OfOneAddress({.connections_per_address = 2}));
  TlsServer server(With(&peers));
  TlsGuest secret(server, "secret");
  Guest open(server.line, "open");
  testing::LineClient refused(server.line.port());
  EXPECT_EQ(refused.ReadLine()->substr(0, 28), "$$error: resource_exhausted:");
  testing::LineClient refused_with_tls(server.port());
  EXPECT_TRUE(refused_with_tls.ReadsEnd());
  secret.ExpectQuiet();
  open.ExpectQuiet();
}

}  // namespace
}  // namespace txtchat::gateway
