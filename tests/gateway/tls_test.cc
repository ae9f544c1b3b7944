// Lines over TLS: the same sessions as without, from their beginning to their end.
#include <string>

#include "gtest/gtest.h"
#include "tests/gateway/held_store.h"
#include "tests/gateway/tls_server.h"

namespace txtchat::gateway {
namespace {

using std::chrono::milliseconds;

TEST(Tls, ClientsWithAndWithoutItChat) {
  TlsServer server;
  TlsGuest alice(server, "alice");
  Guest bob(server.line, "bob");
  const std::string den = alice.Create("den");
  bob.Join(den);
  EXPECT_EQ(alice.Line(), "$$joined: " + den);
  for (int i = 0; i < 2'000; i += 2) {
    alice.Say(den, Numbered(i));
    EXPECT_EQ(bob.Line(), Numbered(i));
    EXPECT_EQ(alice.Line(), Numbered(i));
    bob.Say(den, Numbered(i + 1));
    EXPECT_EQ(alice.Line(), Numbered(i + 1));
    EXPECT_EQ(bob.Line(), Numbered(i + 1));
  }
  alice.ExpectQuiet();
}

TEST(Tls, LinesOfAnySizeArriveWhole) {
  LineServerConfig config;
  config.limits.text_bytes_max = 1 << 20;
  TlsServer server(config);
  TlsGuest alice(server, "alice");
  const std::string den = alice.Create("den");
  for (const std::size_t size : {1, 16'000, 16'384, 16'385, 100'000, 1'000'000}) {
    const std::string text(size, 'y');
    alice.Say(den, text);
    EXPECT_EQ(alice.Line(), text);
  }
  alice.ExpectQuiet();
}

TEST(Tls, GoesOnReceivingAfterTheClientEndedItsSide) {
  TlsServer server;
  Guest alice(server.line, "alice");
  TlsGuest bob(server, "bob");
  bob.Join(alice.LocalAddress());
  EXPECT_EQ(alice.Line(), "$$joined: " + alice.LocalAddress());
  bob.EndSending();
  for (int i = 0; i < 100; ++i) {
    alice.Say(alice.LocalAddress(), std::to_string(i));
    EXPECT_EQ(alice.Line(), std::to_string(i));
    EXPECT_EQ(bob.Line(), std::to_string(i));
  }
}

TEST(Tls, OneThatEndsItsSideIsAnsweredToTheEndAndThenEnded) {
  TlsServer server;
  TlsGuest nobody(server, server.client());
  nobody.Send("ping$a\nping$b");
  nobody.EndSending();
  EXPECT_EQ(nobody.ReadAll(), "$$pong: a\n$$pong: b\n");
  EXPECT_TRUE(nobody.ended_cleanly()) << nobody.error();
  EXPECT_TRUE(nobody.SocketEnds());
  server.AwaitConnections(0);
}

TEST(Tls, TheEndOfTheSessionIsSaidInTls) {
  TlsServer server;
  TlsGuest alice(server, "alice");
  alice.SendLine("quit");
  EXPECT_EQ(alice.ReadAll(), "$$bye: quit\n");
  EXPECT_TRUE(alice.ended_cleanly()) << alice.error();
  EXPECT_TRUE(alice.SocketEnds());
  // It does not matter whether the client says anything more.
  server.AwaitConnections(0);
}

TEST(Tls, AConnectionThatIsResetEndsItsUser) {
  TlsServer server;
  Guest watcher(server.line, "watcher");
  TlsGuest alice(server, "alice");
  alice.Join(watcher.LocalAddress());
  EXPECT_EQ(watcher.Line(), "$$joined: " + watcher.LocalAddress());
  watcher.SendLine("hello$2");
  EXPECT_EQ(watcher.Line(), "$$hello: 2");
  alice.Reset();
  EXPECT_EQ(watcher.Line().rfind("$$left: ", 0), 0u);
  server.AwaitConnections(1);
}

TEST(Tls, AnEndThatTlsDoesNotSayEndsTheUserToo) {
  TlsServer server;
  TlsGuest alice(server, "alice");
  alice.Truncate();
  EXPECT_EQ(alice.ReadAll(), "");
  server.AwaitConnections(0);
}

TEST(Tls, AHalfClosedClientThatGoesIsNoticedWithoutAWrite) {
  TlsServer server;
  TlsGuest alice(server, "alice");
  alice.EndSending();
  alice.Reset();
  server.AwaitConnections(0);
}

TEST(Tls, OneThatReadsLateGetsEverything) {
  constexpr int kMessages = 20'000;
  HeldStore store;
  LineServerConfig config;
  config.store = &store;
  TlsServer server(config);
  Guest host(server.line, "host");
  const std::string den = host.Create("den");
  TlsGuest lazy(server, "lazy", /*receive_buffer_bytes=*/4'096);
  lazy.Join(den);
  EXPECT_EQ(host.Line(), "$$joined: " + den);
  SayNumbered(host, den, 0, kMessages);
  for (int i = 0; i < kMessages; ++i) ASSERT_EQ(lazy.Line(), Numbered(i));
  EXPECT_GT(store.reads(), 0);  // The session felt it, and let the queue go by.
  lazy.ExpectQuiet();
}

TEST(Tls, OneThatNeverReadsIsCutOffByItsSession) {
  LineServerConfig config;
  config.options.write_stall_timeout = milliseconds(100);
  TlsServer server(config);
  Guest host(server.line, "host");
  const std::string den = host.Create("den");
  TlsGuest lazy(server, "lazy", /*receive_buffer_bytes=*/4'096);
  lazy.Join(den);
  EXPECT_EQ(host.Line(), "$$joined: " + den);
  for (int i = 0; server.stats().stalled == 0; ++i) {
    ASSERT_LT(i, 1'000'000);
    host.Say(den, Numbered(i));
    ASSERT_EQ(host.Line(), Numbered(i));
  }
  lazy.ReadAll();  // What was under way comes, and then an end.
  server.AwaitConnections(1);
  host.ExpectQuiet();
}

TEST(Tls, WhatASessionDoesNotTakeIsNotRead) {
  // Answers that are not read make the session stop reading, and so the client's writes stop, too:
  // far fewer bytes than it has are taken.
  LineServerConfig config;
  config.options.write_stall_timeout = milliseconds(100);
  TlsServer server(config);
  TlsGuest flooder(server, server.client());
  std::string pings;
  for (int i = 0; i < 1'000; ++i) pings += "ping$" + std::string(200, 'p') + "\n";
  int sent = 0;
  while (sent < 10'000 && flooder.Send(pings)) ++sent;
  EXPECT_LT(sent, 10'000) << "2 GB of unread answers";
  EXPECT_EQ(server.stats().stalled, 1u);
  server.AwaitConnections(0);
}

TEST(Tls, ADrainTellsEveryoneAndEndsInGoodOrder) {
  TlsServer server;
  TlsGuest alice(server, "alice");
  alice.SendLine("hello$2");
  EXPECT_EQ(alice.Line(), "$$hello: 2");
  // This one has not shaken hands, and is not waited for.
  testing::LineClient stalled(server.port());
  server.AwaitConnections(2);
  EXPECT_EQ(server.line.Drain(), 0u);
  EXPECT_EQ(alice.ReadAll(), "$$bye: the server is stopping\n");
  EXPECT_TRUE(alice.ended_cleanly()) << alice.error();
  EXPECT_TRUE(stalled.ReadsEnd());
}

TEST(Tls, ADrainCountsWhomItCutsOff) {
  TlsServer server;
  Guest host(server.line, "host");
  const std::string den = host.Create("den");
  TlsGuest lazy(server, "lazy", /*receive_buffer_bytes=*/4'096);
  lazy.Join(den);
  EXPECT_EQ(host.Line(), "$$joined: " + den);
  for (int i = 0; i < 20'000; ++i) {
    host.Say(den, Numbered(i));
    ASSERT_EQ(host.Line(), Numbered(i));
  }
  EXPECT_EQ(server.line.Drain(milliseconds(100)), 1u);
}

TEST(Tls, TakesPlacesAndFilesOfTheSameLimits) {
  LineServerConfig config;
  config.options.connections_max = 1;
  TlsServer server(config);
  {
    TlsGuest first(server, "first");
    testing::LineClient second(server.line.port());
    EXPECT_EQ(second.ReadLine().value_or("").rfind("$$error: resource_exhausted: ", 0), 0u);
    const testing::TlsClient third(server.port(), server.client());
    EXPECT_FALSE(third.shook_hands());
  }
  server.AwaitConnections(0);
  EXPECT_EQ(server.stats().refused, 2u);
  Guest again(server.line, "again");
  again.ExpectQuiet();
}

// A socket on 127.0.0.1 and `from` (0: any port), connected to `port`.
int ConnectFrom(std::uint16_t from, std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(from);
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  address.sin_port = htons(port);
  EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return fd;
}

TEST(Tls, AnAddressThatIsConnectedToThePlainPortIsNobodyElse) {
  TlsServer server;
  const int plain = ConnectFrom(0, server.line.port());
  sockaddr_in own{};
  socklen_t size = sizeof own;
  ASSERT_EQ(::getsockname(plain, reinterpret_cast<sockaddr*>(&own), &size), 0);
  server.AwaitConnections(1);
  const int encrypted = ConnectFrom(ntohs(own.sin_port), server.port());
  char byte = 0;
  EXPECT_LE(::recv(encrypted, &byte, 1, 0), 0);
  EXPECT_EQ(server.stats().refused, 1u);
  EXPECT_EQ(::recv(plain, &byte, 1, 0), 1) << "the welcome";
  ::close(encrypted);
  ::close(plain);
  server.AwaitConnections(0);
}

TEST(Connections, RemembersPeersWhileTheyAreThere) {
  Connections connections(10, 10);
  Place one = connections.TryAcquire(1, "peer", false);
  Place two = connections.TryAcquire(1, "peer", false);
  EXPECT_TRUE(connections.Has("peer", false));
  EXPECT_FALSE(connections.Has("peer", true));
  EXPECT_FALSE(connections.Has("other", false));
  one.reset();
  EXPECT_TRUE(connections.Has("peer", false));
  two.reset();
  EXPECT_FALSE(connections.Has("peer", false));
  EXPECT_EQ(connections.open(), 0u);
}

TEST(Connections, CountsFilesBesideConnections) {
  Connections connections(10, 4);
  const Place tls = connections.TryAcquire(3);
  ASSERT_NE(tls, nullptr);
  EXPECT_EQ(connections.TryAcquire(3), nullptr);
  Place plain = connections.TryAcquire();
  ASSERT_NE(plain, nullptr);
  EXPECT_EQ(connections.TryAcquire(), nullptr);
  EXPECT_EQ(connections.open(), 2u);
  const Place shared = plain;
  plain.reset();
  EXPECT_EQ(connections.TryAcquire(), nullptr) << "somebody holds it still";
}

}  // namespace
}  // namespace txtchat::gateway
