// Bad input and bad manners: the server is unharmed and nobody else notices.
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/text.h"
#include "gtest/gtest.h"
#include "tests/gateway/line_server.h"

namespace txtchat::gateway {
namespace {

TEST(Abuse, ALongLineIsSkippedAndTheConnectionGoesOn) {
  LineServerConfig config;
  config.options.line_bytes_max = 1'000;
  LineServer server(config);
  Guest alice(server, "alice");
  ASSERT_TRUE(alice.Send(std::string(10'000'000, 'x')));
  EXPECT_EQ(alice.Line(),
            "$$error: invalid_argument: the line is longer than 1000 bytes; it was skipped");
  alice.Send("\n");
  alice.ExpectQuiet();
}

TEST(Abuse, TextMayBeAsLongAsTheLimitSays) {
  LineServerConfig config;
  config.limits.text_bytes_max = 100 * 1024;
  LineServer server(config);
  Guest alice(server, "alice");
  const std::string text(100 * 1024, 'x');
  alice.Say(alice.LocalAddress(), text);
  EXPECT_EQ(alice.Line(), text);
  alice.Say(alice.LocalAddress(), text + "y");
  EXPECT_EQ(alice.Line(),
            "$$error: invalid_argument: the text has 102401 bytes; at most 102400 are allowed");
}

TEST(Abuse, NamesHaveLimits) {
  LineServer server;
  Guest alice(server);
  alice.SendLine("reg$" + std::string(300, 'n'));
  EXPECT_EQ(alice.Line(),
            "$$error: invalid_argument: the user name has 300 bytes; at most 128 are allowed");
  alice.SendLine("reg$alice");
  EXPECT_EQ(alice.Line(), alice.LocalAddress());
  alice.SendLine("create_chan$-$");
  EXPECT_EQ(alice.Line(),
            "$$error: invalid_argument: the channel name is empty; give at least one character");
}

TEST(Abuse, NoiseGetsErrorsAndNothingElse) {
  LineServer server;
  Guest alice(server, "alice");
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::string noise;
  for (int i = 0; i < 20'000; ++i) noise += static_cast<char>(random());
  noise += "\n";
  Guest noisy(server);
  ASSERT_TRUE(noisy.Send(noise));
  noisy.EndSending();
  const std::string answers = noisy.ReadAll();
  EXPECT_TRUE(IsValidUtf8(answers));
  for (std::size_t i = 0; i < answers.size(); i = answers.find('\n', i) + 1) {
    ASSERT_EQ(answers.compare(i, 9, "$$error: "), 0) << answers.substr(i, 100);
  }
  alice.ExpectQuiet();
}

TEST(Abuse, AResetInTheMiddleOfALineHarmsNobody) {
  LineServer server;
  Guest alice(server, "alice");
  for (int i = 0; i < 50; ++i) {
    Guest rude(server, "rude");
    rude.SendLine("join$-$" + alice.LocalAddress());
    EXPECT_EQ(rude.Line(), "$$joined: " + alice.LocalAddress());
    EXPECT_EQ(alice.Line(), "$$joined: " + alice.LocalAddress());
    rude.Send("send_msg$-$" + alice.LocalAddress() + "$half a lin");
    rude.Reset();
  }
  alice.Say(alice.LocalAddress(), "all well");
  EXPECT_EQ(alice.Line(), "all well");
  alice.ExpectQuiet();
}

TEST(Abuse, ConnectionsOverTheLimitAreToldSo) {
  LineServerConfig config;
  config.options.connections_max = 3;
  LineServer server(config);
  std::vector<std::unique_ptr<Guest>> guests;
  for (int i = 0; i < 3; ++i) guests.push_back(std::make_unique<Guest>(server, "guest"));
  for (int i = 0; i < 100; ++i) {
    testing::LineClient refused(server.port());
    refused.SendLine("reg$refused");
    EXPECT_EQ(refused.ReadAll(),
              "$$error: resource_exhausted: the server has its most connections (3); try again "
              "later\n");
  }
  EXPECT_EQ(server.gateway().stats().refused, 100u);
  guests[0]->ExpectQuiet();
  // A place that is given up can be taken again.
  guests.back()->SendLine("quit");
  EXPECT_EQ(guests.back()->ReadAll(), "$$bye: quit\n");
  guests.pop_back();
  for (;;) {
    testing::LineClient client(server.port());
    if (client.ReadLine() == std::string(kWelcome)) break;
  }
}

TEST(Abuse, ManyConnectionsThatSayNothingHarmNobody) {
  LineServer server;
  std::vector<std::unique_ptr<testing::LineClient>> silent;
  for (int i = 0; i < 1'000; ++i) {
    silent.push_back(std::make_unique<testing::LineClient>(server.port()));
    ASSERT_TRUE(silent.back()->connected());
  }
  for (const auto& client : silent) EXPECT_EQ(client->ReadLine(), std::string(kWelcome));
  Guest alice(server, "alice");
  alice.Say(alice.LocalAddress(), "hello");
  EXPECT_EQ(alice.Line(), "hello");
  EXPECT_EQ(server.gateway().stats().connections, 1'001u);
}

TEST(Abuse, LimitsOfTheCoreAreToldByName) {
  LineServerConfig config;
  config.limits.users_max = 1;
  config.limits.channels_per_user_max = 2;
  LineServer server(config);
  Guest alice(server, "alice");
  Guest bob(server);
  bob.SendLine("reg$bob");
  EXPECT_EQ(bob.Line(),
            "$$error: resource_exhausted: the server has its most users (1); try again later");
  EXPECT_EQ(alice.Create("one").size(), 10u);
  EXPECT_EQ(alice.Create("two"),
            "$$error: resource_exhausted: you are in 2 channels, the most a user may be in; leave "
            "one first");
}

}  // namespace
}  // namespace txtchat::gateway
