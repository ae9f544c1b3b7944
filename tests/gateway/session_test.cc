// One connection from its beginning to its end.
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "tests/gateway/line_server.h"

namespace txtchat::gateway {
namespace {

using std::chrono::milliseconds;

TEST(Session, AUserEndsWithItsConnection) {
  LineServer server;
  Guest watcher(server, "watcher");
  Guest alice(server, "alice");
  Guest bob(server, "bob");
  const std::string den = alice.Create("den");
  watcher.Join(den);
  EXPECT_EQ(alice.Line(), "$$joined: " + den);
  bob.Join(den);
  EXPECT_EQ(alice.Line(), "$$joined: " + den);
  EXPECT_EQ(watcher.Line(), "$$joined: " + den);
  alice.Reset();
  bob.SendLine("quit");
  EXPECT_EQ(bob.ReadAll(), "$$bye: quit\n");
  // The core hears of it soon.
  std::string members;
  for (int i = 0; i < 100'000 && members.find(" 1\n") == std::string::npos; ++i) {
    watcher.SendLine("members$" + den);
    members = watcher.Line() + "\n";
    while (members.find("$$ok: ") == std::string::npos) members += watcher.Line() + "\n";
  }
  EXPECT_EQ(members, "$$member: " + den + " " + watcher.LocalAddress() +
                         " watcher\n$$ok: members " + den + " 1\n");
}

TEST(Session, GoesOnReceivingAfterTheClientEndedItsSide) {
  LineServer server;
  Guest alice(server, "alice");
  Guest bob(server, "bob");
  bob.Join(alice.LocalAddress());
  EXPECT_EQ(alice.Line(), "$$joined: " + alice.LocalAddress());
  bob.EndSending();
  for (int i = 0; i < 100; ++i) {
    alice.Say(alice.LocalAddress(), std::to_string(i));
    EXPECT_EQ(alice.Line(), std::to_string(i));
    EXPECT_EQ(bob.Line(), std::to_string(i));
  }
}

TEST(Session, EndsWhenAHalfClosedClientHasGone) {
  LineServer server;
  Guest alice(server, "alice");
  {
    Guest bob(server, "bob");
    bob.Join(alice.LocalAddress());
    EXPECT_EQ(alice.Line(), "$$joined: " + alice.LocalAddress());
    bob.EndSending();
  }
  // Only writing finds out that nobody is there.
  for (int i = 0; i < 10'000 && server.gateway().stats().connections > 1; ++i) {
    alice.Say(alice.LocalAddress(), "knock");
    EXPECT_EQ(alice.Line(), "knock");
  }
  EXPECT_EQ(server.gateway().stats().connections, 1u);
}

TEST(Session, OneThatEndsItsSideUnregisteredIsAnsweredAndClosed) {
  LineServer server;
  Guest nobody(server);
  nobody.Send("ping$a\nwhoami\nping$b");
  nobody.EndSending();
  EXPECT_EQ(nobody.ReadAll(),
            "$$pong: a\n"
            "$$error: unauthenticated: nobody is registered here; register first (reg$NAME)\n"
            "$$pong: b\n");
}

TEST(Session, AFileOfCommandsIsAnsweredToTheEnd) {
  LineServer server;
  Guest alice(server);
  std::string input = "reg$alice\n";
  std::string expected = alice.LocalAddress() + "\n";
  for (int i = 0; i < 2'000; ++i) {
    input += "send_msg$-$" + alice.LocalAddress() + "$" + std::to_string(i) + "\n";
    expected += std::to_string(i) + "\n";
  }
  ASSERT_TRUE(alice.Send(input + "quit"));
  alice.EndSending();
  EXPECT_EQ(alice.ReadAll(), expected + "$$bye: quit\n");
}

TEST(Session, QuitIsTheLastCommand) {
  LineServer server;
  Guest alice(server, "alice");
  alice.Send("ping$1\nquit\nping$2\n");
  EXPECT_EQ(alice.ReadAll(), "$$pong: 1\n$$bye: quit\n");
}

TEST(Session, IsClosedWhenNobodyRegisters) {
  LineServerConfig config;
  // Long enough for alice to register in, on any machine.
  config.options.register_timeout = milliseconds(2'000);
  LineServer server(config);
  Guest silent(server);
  Guest alice(server, "alice");
  EXPECT_EQ(
      silent.ReadAll(),
      "$$error: deadline_exceeded: nobody registered here in time (reg$NAME); connect again\n");
  EXPECT_EQ(server.gateway().stats().unregistered, 1u);
  alice.ExpectQuiet();
}

TEST(Session, IsClosedWhenNobodyRegistersWhateverIsSent) {
  LineServerConfig config;
  config.options.register_timeout = milliseconds(200);
  LineServer server(config);
  Guest slow(server);
  Guest busy(server);
  std::string answers;
  std::thread talk([&busy] {
    // Always with something that is still to be answered.
    while (busy.Send("channels\nchannels\nchannels\n")) {
    }
  });
  std::thread listen([&busy, &answers] { answers = busy.ReadAll(); });
  while (slow.Send("x")) ::poll(nullptr, 0, 10);  // A line that never ends.
  talk.join();
  listen.join();
  EXPECT_EQ(server.gateway().stats().unregistered, 2u);
}

TEST(Session, ErrorsCanBeSwitchedOff) {
  LineServerConfig config;
  config.options.errors = false;
  LineServer server(config);
  Guest alice(server);
  alice.Send("dance\njoin$-$x\n\xFF\n");
  alice.SendLine("reg$alice");
  EXPECT_EQ(alice.Line(), alice.LocalAddress());
  alice.Send("join$-$x\nsend_msg$-$x$y\n");
  alice.ExpectQuiet();
}

TEST(Session, StatsCountConnections) {
  LineServer server;
  Guest alice(server, "alice");
  Guest bob(server, "bob");
  const GatewayStats stats = server.gateway().stats();
  EXPECT_EQ(stats.connections, 2u);
  EXPECT_EQ(stats.accepted, 2u);
  EXPECT_EQ(stats.refused, 0u);
  EXPECT_EQ(stats.exceptions, 0u);
}

TEST(Gateway, SaysWhatIsWrongWithItsAddress) {
  LineServer taken;
  GatewayOptions options;
  options.address = "127.0.0.1";
  options.port = taken.port();
  options.io_threads = 1;
  Gateway second(options, {});
  const absl::Status in_use = second.Start();
  EXPECT_EQ(in_use.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(in_use.message().find("in use"), absl::string_view::npos) << in_use;

  options.address = "192.0.2.1";
  EXPECT_EQ(Gateway(options, {}).Start().code(), absl::StatusCode::kInvalidArgument);
  options.address = "not an address";
  EXPECT_EQ(Gateway(options, {}).Start().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace txtchat::gateway
