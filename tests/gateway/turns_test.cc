// Where some send much and others little, those who send little do not wait for the others, and
// nothing of what the others sent is lost.
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/peer_guard.h"
#include "gtest/gtest.h"
#include "tests/gateway/line_server.h"

namespace txtchat::gateway {
namespace {

constexpr int kFlooders = 5;
constexpr int kLines = 4'000;
const PeerLimits kLimits{.commands_per_connection_per_s = 1'000'000,
                         .commands_per_connection_burst = 1'000'000};

/// Limits that these tests do not reach.
LineServerConfig OneThread(PeerGuard* peers) {
  LineServerConfig config;
  config.options.io_threads = 1;
  config.peers = peers;
  return config;
}

/// Being quiet for a moment is what makes a connection light.
void BecomeLight(Guest& guest) {
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  guest.ExpectQuiet();
}

void Flood(Guest& guest) {
  std::string all;
  for (int i = 0; i < kLines; ++i) {
    all += "send_msg$-$" + guest.LocalAddress() + "$" + std::to_string(i) + "\n";
  }
  EXPECT_TRUE(guest.Send(all));
}

void HearAll(Guest& guest) {
  for (int i = 0; i < kLines; ++i) ASSERT_EQ(guest.Line(), std::to_string(i));
}

TEST(Turns, AFloodWaitsForItsTurnsAndComesWholeAndInOrder) {
  PeerGuard peers(kLimits);
  LineServer server(OneThread(&peers));
  Guest alice(server, "alice");
  std::vector<std::unique_ptr<Guest>> flooders;
  for (int i = 0; i < kFlooders; ++i) {
    flooders.push_back(std::make_unique<Guest>(server, "flooder"));
  }
  BecomeLight(alice);
  for (const auto& flooder : flooders) Flood(*flooder);
  for (int i = 0; i < 10; ++i) {
    alice.Say(alice.LocalAddress(), "hello");
    EXPECT_EQ(alice.Line(), "hello");
  }
  for (const auto& flooder : flooders) HearAll(*flooder);
  EXPECT_GT(server.gateway().stats().turns_awaited, 100u);
}

TEST(Turns, WithoutALimitOfCommandsNobodyWaits) {
  PeerGuard peers({.commands_per_connection_per_s = 0});
  LineServer server(OneThread(&peers));
  Guest alice(server, "alice");
  Guest flooder(server, "flooder");
  BecomeLight(alice);
  Flood(flooder);
  HearAll(flooder);
  EXPECT_EQ(server.gateway().stats().turns_awaited, 0u);
}

TEST(Turns, TheEndOfInputIsNoEndOfTurns) {
  PeerGuard peers(kLimits);
  LineServer server(OneThread(&peers));
  Guest alice(server, "alice");
  Guest flooder(server, "flooder");
  BecomeLight(alice);
  Flood(flooder);
  flooder.EndSending();
  HearAll(flooder);
}

TEST(Turns, WhoVanishesWhileItWaitsLeavesTheOthersTheirTurns) {
  PeerGuard peers(kLimits);
  LineServer server(OneThread(&peers));
  Guest alice(server, "alice");
  auto gone = std::make_unique<Guest>(server, "gone");
  Guest flooder(server, "flooder");
  BecomeLight(alice);
  Flood(*gone);
  Flood(flooder);
  gone.reset();
  HearAll(flooder);
}

}  // namespace
}  // namespace txtchat::gateway
