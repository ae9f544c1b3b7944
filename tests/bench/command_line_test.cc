#include "bench/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "bench/run.h"

namespace txtchat::bench {
namespace {

using ::testing::HasSubstr;
using Verb = CommandLine::Verb;

CommandLine Parse(std::vector<const char*> words) {
  words.insert(words.begin(), "txtchat-bench");
  return ParseCommandLine(static_cast<int>(words.size()), words.data());
}

TEST(CommandLine, HasDefaultsForEverything) {
  const CommandLine line = Parse({"line"});
  EXPECT_EQ(line.verb, Verb::kLoad);
  EXPECT_EQ(line.options.transport, Transport::kLine);
  EXPECT_EQ(line.options.dialect, Dialect::kClassic);
  EXPECT_EQ(line.options.server.ToString(), "localhost:9090");
  EXPECT_TRUE(line.options.closed_loop());
  const CommandLine grpc = Parse({"grpc"});
  EXPECT_EQ(grpc.options.transport, Transport::kGrpc);
  EXPECT_EQ(grpc.options.server.ToString(), "localhost:50051");
  const CommandLine nats = Parse({"nats"});
  EXPECT_EQ(nats.options.transport, Transport::kNats);
  EXPECT_EQ(nats.options.server.ToString(), "localhost:4222");
  const CommandLine redis = Parse({"redis", "--window", "7"});
  EXPECT_EQ(redis.options.transport, Transport::kRedis);
  EXPECT_EQ(redis.options.server.ToString(), "localhost:6379");
  EXPECT_EQ(redis.options.window, 7u);
}

TEST(CommandLine, ReadsEveryParameter) {
  const CommandLine line =
      Parse({"line",         "--server", "[::1]:7",         "--tagged", "--subscribers", "1000",
             "--channels",   "100",      "--channels-each", "3",        "--publishers",  "50",
             "--messages",   "5000",     "--size",          "200",      "--window",      "40",
             "--burst",      "10",       "--warmup",        "7",        "--seconds",     "1.5",
             "--slow",       "2",        "--slow-rate",     "100",      "--stalled",     "3",
             "--idle",       "400",      "--idle-members",  "20",       "--storms",      "4",
             "--server-pid", "12",       "--patience",      "9",        "--json",        "--quiet",
             "--label",      "here"});
  ASSERT_EQ(line.verb, Verb::kLoad);
  const Options& o = line.options;
  EXPECT_EQ(o.server.ToString(), "[::1]:7");
  EXPECT_EQ(o.dialect, Dialect::kTagged);
  EXPECT_EQ(o.subscribers, 1000u);
  EXPECT_EQ(o.channels, 100u);
  EXPECT_EQ(o.channels_each, 3u);
  EXPECT_EQ(o.publishers, 50u);
  EXPECT_EQ(o.messages, 5000u);
  EXPECT_EQ(o.text_bytes, 200u);
  EXPECT_EQ(o.window, 40u);
  EXPECT_EQ(o.burst, 10u);
  EXPECT_EQ(o.warmup, 7u);
  EXPECT_EQ(o.seconds_max, 1.5);
  EXPECT_EQ(o.slow, 2u);
  EXPECT_EQ(o.slow_bytes_per_s, 100u);
  EXPECT_EQ(o.stalled, 3u);
  EXPECT_EQ(o.idle, 400u);
  EXPECT_EQ(o.idle_channel_members, 20u);
  EXPECT_EQ(o.storms, 4u);
  EXPECT_EQ(o.server_pid, 12);
  EXPECT_EQ(o.patience_s, 9.0);
  EXPECT_TRUE(o.json);
  EXPECT_TRUE(o.quiet);
  EXPECT_EQ(o.label, "here");
}

TEST(CommandLine, ARateMakesAnOpenLoop) {
  const CommandLine line = Parse({"grpc", "--rate", "200", "--connections", "3"});
  ASSERT_EQ(line.verb, Verb::kLoad);
  EXPECT_FALSE(line.options.closed_loop());
  EXPECT_EQ(line.options.rate, 200.0);
  EXPECT_EQ(line.options.connections, 3u);
}

TEST(CommandLine, TheFloorListens) {
  EXPECT_EQ(Parse({"floor"}).listen.ToString(), "127.0.0.1:0");
  const CommandLine line = Parse({"floor", "--listen", "[::1]:9"});
  EXPECT_EQ(line.verb, Verb::kFloor);
  EXPECT_EQ(line.listen.ToString(), "[::1]:9");
}

TEST(CommandLine, TheNaiveServerListensAndMayTakeLines) {
  const CommandLine plain = Parse({"naive"});
  EXPECT_EQ(plain.verb, Verb::kNaive);
  EXPECT_EQ(plain.listen.ToString(), "127.0.0.1:0");
  EXPECT_FALSE(plain.publish_listen.has_value());
  const CommandLine line = Parse({"naive", "--listen", "[::1]:9", "--publish-listen", "[::1]"});
  EXPECT_EQ(line.listen.ToString(), "[::1]:9");
  ASSERT_TRUE(line.publish_listen.has_value());
  EXPECT_EQ(line.publish_listen->ToString(), "[::1]:0");
}

TEST(CommandLine, PublishersOfGrpcMayBeOnLines) {
  EXPECT_FALSE(Parse({"grpc"}).options.line_server.has_value());
  const CommandLine line = Parse({"grpc", "--server", "[::1]:7", "--line-server", "[::1]"});
  ASSERT_EQ(line.verb, Verb::kLoad);
  EXPECT_EQ(line.options.transport, Transport::kGrpc);
  EXPECT_EQ(line.options.server.ToString(), "[::1]:7");
  ASSERT_TRUE(line.options.line_server.has_value());
  EXPECT_EQ(line.options.line_server->ToString(), "[::1]:9090");
}

TEST(CommandLine, AWrongOneIsTwo) {
  const std::vector<std::vector<const char*>> wrong = {
      {},
      {"nonsense"},
      {"line", "--nonsense"},
      {"line", "extra"},
      {"line", "--server", ":x"},
      {"line", "--subscribers", "x"},
      {"line", "--subscribers", "-1"},
      {"line", "--channels", "0"},
      {"line", "--size", "17"},
      {"line", "--size", "40000"},
      {"line", "--window", "0"},
      {"line", "--window", "5", "--rate", "5"},
      {"line", "--burst", "10", "--window", "5"},
      {"line", "--rate", "0"},
      {"line", "--publishers", "0"},
      {"line", "--publishers", "10", "--messages", "9"},
      {"line", "--channels-each", "2"},
      {"line", "--connections", "5"},
      {"line", "--subscribers", "0", "--publishers", "0", "--messages", "0"},
      {"grpc", "--tagged"},
      {"nats", "--tagged"},
      {"redis", "--connections", "5"},
      {"grpc", "--subscribers", "1000", "--connections", "1"},
      {"line", "--server-pid", "0"},
      {"floor", "--listen", "nowhere:x"},
      {"floor", "--publish-listen", "127.0.0.1:0"},
      {"naive", "--publish-listen", "nowhere:x"},
      {"line", "--line-server", "127.0.0.1:1"},
  };
  for (const std::vector<const char*>& words : wrong) {
    std::string shown;
    for (const char* word : words) shown += std::string(" ") + word;
    const CommandLine line = Parse(words);
    EXPECT_EQ(line.verb, Verb::kNone) << shown;
    EXPECT_EQ(line.exit_code, kExitUsage) << shown;
  }
}

TEST(CommandLine, HelpExplainsItself) {
  for (const std::vector<const char*>& words : {std::vector<const char*>{"--help"},
                                                {"line", "--help"},
                                                {"grpc", "--help"},
                                                {"nats", "--help"},
                                                {"redis", "--help"},
                                                {"naive", "--help"}}) {
    ::testing::internal::CaptureStdout();
    const CommandLine line = Parse(words);
    const std::string help = ::testing::internal::GetCapturedStdout();
    EXPECT_EQ(line.verb, Verb::kNone);
    EXPECT_EQ(line.exit_code, kExitOk);
    EXPECT_THAT(help, HasSubstr(words.size() == 1 ? "Exit codes:" : "Examples:"));
  }
}

TEST(CommandLine, AbuseHasHonestUsersAndAbusers) {
  const CommandLine line = Parse({"abuse", "--flooding", "7", "--many-addresses"});
  EXPECT_EQ(line.verb, Verb::kAbuse);
  EXPECT_EQ(line.options.transport, Transport::kLine);
  EXPECT_EQ(line.options.publishers, 100u);
  EXPECT_EQ(line.options.subscribers, 0u);
  EXPECT_EQ(line.options.rate, 100.0);
  EXPECT_EQ(line.abuse.flooding, 7u);
  EXPECT_EQ(line.abuse.abusers(), 1'507u);
  EXPECT_TRUE(line.abuse.many_addresses);
}

TEST(CommandLine, AbuseMayHaveHonestUsersOnGrpc) {
  const CommandLine line = Parse({"abuse", "--users", "50", "--streams", "50", "--server",
                                  "127.0.0.1:1", "--grpc-server", "127.0.0.1:2"});
  EXPECT_EQ(line.options.transport, Transport::kGrpc);
  EXPECT_EQ(line.options.server.ToString(), "127.0.0.1:2");
  EXPECT_EQ(line.options.line_server->ToString(), "127.0.0.1:1");
  EXPECT_EQ(line.options.rate, 50.0);
}

}  // namespace
}  // namespace txtchat::bench
