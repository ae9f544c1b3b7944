// The end of the server in good order.
#include <algorithm>
#include <string>

#include "gtest/gtest.h"
#include "tests/gateway/held_store.h"
#include "tests/gateway/line_server.h"

namespace txtchat::gateway {
namespace {

using std::chrono::milliseconds;

TEST(Drain, DeliversWhatWasAcceptedAndSaysGoodbyeToTaggedClients) {
  LineServer server;
  Guest alice(server, "alice");
  Guest bob(server, "bob");
  bob.Join(alice.LocalAddress());
  EXPECT_EQ(alice.Line(), "$$joined: " + alice.LocalAddress());
  bob.SendLine("hello$2");
  EXPECT_EQ(bob.Line(), "$$hello: 2");
  for (int i = 0; i < 1'000; ++i) alice.Say(alice.LocalAddress(), std::to_string(i));
  // All of them are with the sequencer once the answer to what follows has come.
  alice.SendLine("ping$all");
  std::string last;
  for (int i = 0; i < 1'000; ++i) last = alice.Line();
  EXPECT_EQ(last, "999");
  EXPECT_EQ(alice.Line(), "$$pong: all");

  EXPECT_EQ(server.Drain(), 0u);
  EXPECT_EQ(alice.ReadAll(), "");
  const std::string seen = bob.ReadAll();
  EXPECT_NE(seen.find(" alice: 999\n$$bye: the server is stopping\n"), std::string::npos);
  EXPECT_EQ(seen.find("$$bye: the server is stopping\n"), seen.rfind("$$bye"));
  EXPECT_EQ(server.gateway().stats().connections, 0u);
}

TEST(Drain, WaitsForASlowReader) {
  LineServer server;
  Guest host(server, "host");
  const std::string den = host.Create("den");
  Guest slow(server, "slow", /*receive_buffer_bytes=*/4'096);
  slow.Join(den);
  EXPECT_EQ(host.Line(), "$$joined: " + den);
  const std::string text(20'000, 'x');
  for (int i = 0; i < 200; ++i) {
    host.Say(den, text + std::to_string(i));
    EXPECT_EQ(host.Line(), text + std::to_string(i));
  }
  std::thread reader([&] {
    for (int i = 0; i < 200; ++i) ASSERT_EQ(slow.Line(), text + std::to_string(i));
    EXPECT_TRUE(slow.ReadsEnd());
  });
  EXPECT_EQ(server.Drain(), 0u);
  reader.join();
}

TEST(Drain, CutsOneThatReadsNothing) {
  LineServer server;
  Guest host(server, "host");
  const std::string den = host.Create("den");
  Guest stuck(server, "stuck", /*receive_buffer_bytes=*/4'096);
  stuck.Join(den);
  EXPECT_EQ(host.Line(), "$$joined: " + den);
  const std::string text(30'000, 'x');
  for (int i = 0; i < 500; ++i) {
    host.Say(den, text);
    EXPECT_EQ(host.Line(), text);
  }
  EXPECT_EQ(server.Drain(milliseconds(200)), 1u);
  EXPECT_EQ(server.gateway().stats().connections, 0u);
}

TEST(Drain, UnreadInputDoesNotCostTheLastLines) {
  LineServer server;
  Guest alice(server, "alice");
  alice.SendLine("hello$2");
  EXPECT_EQ(alice.Line(), "$$hello: 2");
  server.gateway().StopReading();
  alice.Send(std::string(100'000, 'x') + "\n");
  EXPECT_EQ(server.Drain(), 0u);
  EXPECT_EQ(alice.ReadAll(), "$$bye: the server is stopping\n");
}

TEST(Drain, AnswersEveryLineThatWasReadAndNotTaken) {
  LineServerConfig config;
  config.options.commands_in_flight_max = 4;
  HeldStore store;
  config.store = &store;
  LineServer server(config);
  Guest alice(server, "alice");
  store.HoldCommits(true);
  constexpr int kLines = 50;
  std::string input = "send_msg$-$" + alice.LocalAddress() + "$x\n";
  for (int i = 1; i < kLines; ++i) input += "send_msg$-$nowhere$x\n";  // An error each.
  ASSERT_TRUE(alice.Send(input));
  store.AwaitCommit();
  server.gateway().StopReading();
  store.HoldCommits(false);
  EXPECT_EQ(server.Drain(), 0u);
  const std::string seen = alice.ReadAll();
  EXPECT_EQ(std::count(seen.begin(), seen.end(), '\n'), kLines) << seen;
}

TEST(Drain, AcceptsNobodyAnyMore) {
  LineServer server;
  Guest alice(server, "alice");
  server.gateway().StopAccepting();
  testing::LineClient late(server.port());
  EXPECT_FALSE(late.connected());
  alice.ExpectQuiet();
}

TEST(Drain, StopsWithConnectionsOpen) {
  LineServer server;
  Guest alice(server, "alice");
  Guest nobody(server);
  server.Stop();
  EXPECT_TRUE(alice.ReadsEnd());
  EXPECT_TRUE(nobody.ReadsEnd());
}

}  // namespace
}  // namespace txtchat::gateway
