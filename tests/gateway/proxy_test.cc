// Connections through a proxy: each is held for its client's, and nothing else is believed.
#include <chrono>
#include <string>

#include "core/peer_guard.h"
#include "gtest/gtest.h"
#include "tests/gateway/line_server.h"
#include "tests/gateway/proxy_header.h"
#include "tests/gateway/tls_server.h"

namespace txtchat::gateway {
namespace {

using testing::LineClient;
using testing::ProxyHeaderBytes;
using testing::ProxyHeaderFor;
using Proxied = Speaker<LineClient>;

LineServerConfig BehindLoopback(PeerGuard* peers = nullptr) {
  LineServerConfig config;
  config.options.proxy_protocol_from = {*IpRange::Parse("127.0.0.0/8")};
  config.peers = peers;
  return config;
}

TEST(Proxy, ItsClientsAddressIsTheUsersId) {
  LineServer server(BehindLoopback());
  Proxied alice(server.port());
  alice.Send(ProxyHeaderFor("192.0.2.1", 4'321) + "reg$alice\n");
  EXPECT_EQ(alice.Line(), std::string(kWelcome));
  EXPECT_EQ(alice.Line(), "192.0.2.1:4321");
  Proxied bob(server.port());
  for (const char byte : ProxyHeaderFor("2001:db8::7", 80)) bob.Send(std::string(1, byte));
  EXPECT_EQ(bob.Line(), std::string(kWelcome));
  bob.SendLine("reg$bob");
  EXPECT_EQ(bob.Line(), "[2001:db8::7]:80");
  bob.Join("192.0.2.1:4321");
  EXPECT_EQ(alice.Line(), "$$joined: 192.0.2.1:4321");
  EXPECT_EQ(server.gateway().stats().connections, 2u);
}

TEST(Proxy, ItsOwnConnectionsAreItsOwn) {
  LineServer server(BehindLoopback());
  for (const int command : {0x20, 0x21}) {
    Proxied check(server.port());
    check.Send(ProxyHeaderBytes(command, 0x00, ""));
    EXPECT_EQ(check.Line(), std::string(kWelcome));
    check.SendLine("reg$check");
    EXPECT_EQ(check.Line(), check.LocalAddress());
  }
}

TEST(Proxy, AConnectionWithoutAHeaderIsClosed) {
  LineServer server(BehindLoopback());
  LineClient plain(server.port());
  plain.SendLine("reg$alice");
  EXPECT_EQ(plain.ReadAll(), "");
  LineClient ended(server.port());
  ended.Send(ProxyHeaderFor("192.0.2.1", 80).substr(0, 20));
  ended.EndSending();
  EXPECT_EQ(ended.ReadAll(), "");
  EXPECT_EQ(server.gateway().stats().proxy_failed, 2u);
  while (server.gateway().stats().connections != 0) ::poll(nullptr, 0, 1);
}

TEST(Proxy, AHeaderThatDoesNotComeIsNotWaitedForLong) {
  LineServerConfig config = BehindLoopback();
  config.options.tls_handshake_timeout = std::chrono::milliseconds(30);
  LineServer server(config);
  LineClient silent(server.port());
  EXPECT_EQ(silent.ReadAll(), "");
  LineClient slow(server.port());
  slow.Send(ProxyHeaderFor("192.0.2.1", 80).substr(0, 27));
  EXPECT_EQ(slow.ReadAll(), "");
  EXPECT_EQ(server.gateway().stats().proxy_failed, 2u);
}

TEST(Proxy, OnlyProxiesAreBelieved) {
  LineServerConfig config;
  config.options.proxy_protocol_from = {*IpRange::Parse("192.0.2.0/24")};
  LineServer server(config);
  Guest alice(server, "alice");
  Proxied liar(server.port());
  EXPECT_EQ(liar.Line(), std::string(kWelcome));
  liar.Send(ProxyHeaderFor("192.0.2.1", 80) + "\n");
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(liar.Line().substr(0, 9), "$$error: ") << "lines that are no commands";
  }
  liar.SendLine("reg$liar");
  EXPECT_EQ(liar.Line(), liar.LocalAddress());
}

TEST(Proxy, LimitsAreThoseOfTheClientsAddress) {
  PeerGuard peers({.connections_per_address = 1});
  LineServer server(BehindLoopback(&peers));
  Proxied one(server.port());
  one.Send(ProxyHeaderFor("192.0.2.1", 1) + "ping$1\n");
  EXPECT_EQ(one.Line(), std::string(kWelcome));
  LineClient second(server.port());
  second.Send(ProxyHeaderFor("192.0.2.1", 2));
  EXPECT_EQ(second.ReadAll(),
            "$$error: resource_exhausted: your address has its most connections (1); close one "
            "first\n");
  Proxied other(server.port());
  other.Send(ProxyHeaderFor("192.0.2.2", 2));
  EXPECT_EQ(other.Line(), std::string(kWelcome));
}

TEST(Proxy, AnAddressThatComesAgainTakesOver) {
  LineServer server(BehindLoopback());
  Proxied first(server.port());
  first.Send(ProxyHeaderFor("192.0.2.1", 7) + "reg$first\n");
  EXPECT_EQ(first.Line(), std::string(kWelcome));
  EXPECT_EQ(first.Line(), "192.0.2.1:7");
  Proxied second(server.port());
  second.Send(ProxyHeaderFor("192.0.2.1", 7) + "reg$second\n");
  EXPECT_EQ(second.Line(), std::string(kWelcome));
  EXPECT_EQ(second.Line(), "192.0.2.1:7");
  EXPECT_EQ(first.Line().substr(0, 17), "$$error: aborted:");
}

TEST(Proxy, TheHeaderComesBeforeTls) {
  LineServerConfig config = BehindLoopback();
  TlsServer server(config);
  testing::TlsClientOptions options = server.client();
  options.before_handshake = ProxyHeaderFor("192.0.2.9", 99);
  TlsGuest alice(server, options);
  alice.SendLine("reg$alice");
  EXPECT_EQ(alice.Line(), "192.0.2.9:99");
  LineClient without(server.port());
  without.Send("\x16\x03\x01");  // TLS, as others would begin.
  EXPECT_EQ(without.ReadAll(), "");
  EXPECT_EQ(server.stats().proxy_failed, 1u);
}

TEST(Proxy, AStopDoesNotWaitForHeaders) {
  LineServer server(BehindLoopback());
  LineClient silent(server.port());
  silent.Send("\r\n");
  while (server.gateway().stats().connections == 0) ::poll(nullptr, 0, 1);
  EXPECT_EQ(server.Drain(), 0u);
  EXPECT_EQ(silent.ReadAll(), "");
}

}  // namespace
}  // namespace txtchat::gateway
