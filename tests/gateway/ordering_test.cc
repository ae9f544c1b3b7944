// What a client sees of its own commands is in the order of its commands, and all members of a
// channel see the same order.
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/gateway/line_server.h"

namespace txtchat::gateway {
namespace {

TEST(Ordering, OwnEventsAndAnswersComeInTheOrderOfTheCommands) {
  LineServer server;
  Guest alice(server, "alice");
  std::vector<std::string> channels;
  for (int i = 0; i < 5; ++i) channels.push_back(alice.Create("c" + std::to_string(i)));

  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::string input;
  std::vector<std::string> expected;
  for (int i = 0; i < 5'000; ++i) {
    const std::string n = std::to_string(i);
    switch (random() % 6) {
      case 0:
        input += "ping$" + n + "\n";
        expected.push_back("$$pong: " + n);
        break;
      case 1:
        input += "whoami\n";
        expected.push_back("$$whoami: " + alice.LocalAddress() + " alice");
        break;
      case 2:
        input += "join$-$none" + n + "\n";
        expected.push_back("$$error: not_found: no channel has the id \"none" + n + "\"");
        break;
      default:
        input += "send_msg$-$" + channels[random() % channels.size()] + "$" + n + "\n";
        expected.push_back(n);
    }
  }
  std::thread sender([&] { EXPECT_TRUE(alice.Send(input)); });
  for (const std::string& line : expected) {
    const std::string read = alice.Line();
    EXPECT_EQ(read, line);
    if (read != line) break;
  }
  sender.join();
}

TEST(Ordering, LeavingAndJoiningAgainOwesNothingOfTheTimeBetween) {
  LineServer server;
  Guest alice(server, "alice");
  Guest bob(server, "bob");
  const std::string den = alice.Create("den");
  std::string input;
  std::string expected;
  for (int i = 0; i < 3'000; ++i) {
    const std::string n = std::to_string(i);
    input += "join$-$" + den + "\nsend_msg$-$" + den + "$" + n + "\nleave$-$" + den +
             "\nsend_msg$-$" + den + "$x\n";
    expected += "$$joined: " + den + "\n" + n + "\n" +
                "$$error: permission_denied: you are not a member of the channel " + den +
                "; join it first\n";
  }
  bob.Send(input + "quit\n");
  EXPECT_EQ(bob.ReadAll(), expected + "$$bye: quit\n");
}

TEST(Ordering, AllMembersSeeOneOrder) {
  constexpr int kSenders = 5;
  constexpr int kListeners = 20;
  constexpr int kMessages = 400;
  LineServerConfig config;
  config.options.io_threads = 3;
  config.limits.queue_events_max = 50;  // So that catching up takes part.
  LineServer server(config);
  Guest host(server, "host");
  const std::string den = host.Create("den");

  std::vector<std::unique_ptr<Guest>> listeners;
  for (int i = 0; i < kListeners; ++i) {
    listeners.push_back(std::make_unique<Guest>(server, "listener"));
    listeners.back()->Join(den);
  }
  std::vector<std::thread> senders;
  for (int s = 0; s < kSenders; ++s) {
    senders.emplace_back([&, s] {
      Guest sender(server, "sender");
      sender.SendLine("join$-$" + den);
      for (int m = 0; m < kMessages; ++m) {
        sender.Say(den, std::to_string(s) + ":" + std::to_string(m));
      }
      // Its own last message: all were taken.
      const std::string last = std::to_string(s) + ":" + std::to_string(kMessages - 1);
      while (true) {
        const std::string line = sender.Line();
        if (line == last || line == "(nothing)") break;
      }
    });
  }
  std::string first;
  for (int i = 0; i < kListeners; ++i) {
    std::string seen;
    std::map<std::string, int> next;
    for (int n = 0; n < kSenders * kMessages;) {
      const std::string line = listeners[static_cast<std::size_t>(i)]->Line();
      ASSERT_NE(line, "(nothing)");
      if (line.rfind("$$joined", 0) == 0) continue;
      const std::size_t colon = line.find(':');
      ASSERT_EQ(std::stoi(line.substr(colon + 1)), next[line.substr(0, colon)]++);
      seen += line + "\n";
      ++n;
    }
    if (i == 0) first = seen;
    EXPECT_EQ(seen, first);
  }
  for (std::thread& sender : senders) sender.join();
}

}  // namespace
}  // namespace txtchat::gateway
