#include "server/config.h"

#include <stdlib.h>

#include <fstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace txtchat::server {
namespace {

/// Parses as the program would, without the environment of the test's own process.
ParsedConfig Parse(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "txtchatd");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  return ParseConfig(static_cast<int>(argv.size()), argv.data());
}

TEST(Config, ListensEverywhereByDefault) {
  const ParsedConfig parsed = Parse({});
  ASSERT_FALSE(parsed.exit_code.has_value());
  EXPECT_EQ(parsed.config.line_listen.ToString(), "0.0.0.0:9090");
  EXPECT_EQ(parsed.config.grpc_listen.ToString(), "0.0.0.0:50051");
  EXPECT_EQ(parsed.config.limits.queue_events_max, 1000u);
  EXPECT_TRUE(parsed.config.line_errors);
}

TEST(Config, ReadsFlags) {
  const ParsedConfig parsed =
      Parse({"--line-listen", "[::1]:0", "--grpc-listen=:7000", "--log-format=json",
             "--text-bytes-max", "128KiB", "--line-errors=false", "--drain-timeout", "3"});
  ASSERT_FALSE(parsed.exit_code.has_value());
  EXPECT_EQ(parsed.config.line_listen.ToString(), "[::1]:0");
  EXPECT_EQ(parsed.config.grpc_listen.ToString(), "0.0.0.0:7000");
  EXPECT_EQ(parsed.config.log_format, LogFormat::kJson);
  EXPECT_EQ(parsed.config.limits.text_bytes_max, 131'072u);
  EXPECT_FALSE(parsed.config.line_errors);
  EXPECT_EQ(parsed.config.drain_timeout_s, 3);
}

TEST(Config, ListensWithTlsWhereItIsTold) {
  EXPECT_FALSE(Parse({}).config.line_tls_listen.on());
  EXPECT_FALSE(Parse({}).config.grpc_tls_listen.on());
  const ParsedConfig parsed =
      Parse({"--line-tls-listen=:9443", "--grpc-tls-listen", "[::1]:0", "--tls-cert=chain.pem",
             "--tls-key=key.pem", "--tls-client-ca=ca.pem", "--tls-handshake-timeout-ms=500"});
  ASSERT_FALSE(parsed.exit_code.has_value());
  EXPECT_EQ(parsed.config.line_tls_listen.ToString(), "0.0.0.0:9443");
  EXPECT_EQ(parsed.config.grpc_tls_listen.ToString(), "[::1]:0");
  EXPECT_EQ(parsed.config.tls_cert, "chain.pem");
  EXPECT_EQ(parsed.config.tls_key, "key.pem");
  EXPECT_EQ(parsed.config.tls_client_ca, "ca.pem");
  EXPECT_EQ(parsed.config.tls_handshake_timeout_ms, 500);
}

TEST(Config, SwitchesListenersOff) {
  const ParsedConfig parsed = Parse({"--line-listen=off", "--grpc-listen", "off"});
  ASSERT_FALSE(parsed.exit_code.has_value());
  EXPECT_FALSE(parsed.config.line_listen.on());
  EXPECT_FALSE(parsed.config.grpc_listen.on());
  EXPECT_EQ(Parse({"--line-listen="}).config.line_listen.ToString(), "off");
}

TEST(Config, KeepsTheHeartbeatsWithinTheirPromise) {
  const ParsedConfig parsed = Parse({"--heartbeat-interval=19"});
  EXPECT_FALSE(parsed.exit_code.has_value());
  EXPECT_EQ(parsed.config.heartbeat_interval_s, 19);
  EXPECT_EQ(Parse({"--heartbeat-interval=20"}).exit_code, 2);
}

TEST(Config, BoundsTheTransports) {
  const ParsedConfig parsed =
      Parse({"--line-reply-backlog-bytes-max=1KiB", "--grpc-calls-per-connection-max=7",
             "--grpc-metadata-bytes-max=2KiB", "--grpc-memory-bytes-max=64MiB",
             "--grpc-connections-max=9", "--reserved-files=100"});
  ASSERT_FALSE(parsed.exit_code.has_value());
  EXPECT_EQ(parsed.config.line_reply_backlog_bytes_max, 1024u);
  EXPECT_EQ(parsed.config.grpc_calls_per_connection_max, 7u);
  EXPECT_EQ(parsed.config.grpc_metadata_bytes_max, 2048u);
  EXPECT_EQ(parsed.config.grpc_memory_bytes_max, 64u << 20);
  EXPECT_EQ(parsed.config.grpc_connections_max, 9u);
  EXPECT_EQ(parsed.config.reserved_files, 100u);
  // gRPC would take what does not fit an int for something else.
  for (const char* flag : {"--grpc-calls-per-connection-max=3GiB", "--grpc-metadata-bytes-max=2GiB",
                           "--grpc-metadata-bytes-max=10", "--grpc-memory-bytes-max=1KiB"}) {
    EXPECT_EQ(Parse({flag}).exit_code, 2) << flag;
  }
}

TEST(Config, PrefersFlagsToEnvironmentToFile) {
  const std::string file = ::testing::TempDir() + "/txtchatd-config-test.toml";
  std::ofstream(file) << "line-listen = \"127.0.0.1:1\"\n"
                         "grpc-listen = \"127.0.0.1:2\"\n"
                         "users-max = 3\n";
  setenv("TXTCHAT_GRPC_LISTEN", "127.0.0.1:20", 1);
  setenv("TXTCHAT_LINE_LISTEN", "127.0.0.1:10", 1);
  const ParsedConfig parsed = Parse({"--config", file, "--line-listen", "127.0.0.1:100"});
  unsetenv("TXTCHAT_GRPC_LISTEN");
  unsetenv("TXTCHAT_LINE_LISTEN");
  ASSERT_FALSE(parsed.exit_code.has_value());
  EXPECT_EQ(parsed.config.line_listen.port, 100);
  EXPECT_EQ(parsed.config.grpc_listen.port, 20);
  EXPECT_EQ(parsed.config.limits.users_max, 3u);
}

TEST(Config, TakesAnEmptyVariableForUnset) {
  setenv("TXTCHAT_LINE_LISTEN", "", 1);
  setenv("TXTCHAT_USERS_MAX", "", 1);
  const ParsedConfig parsed = Parse({"--grpc-listen", "127.0.0.1:0"});
  unsetenv("TXTCHAT_LINE_LISTEN");
  unsetenv("TXTCHAT_USERS_MAX");
  ASSERT_FALSE(parsed.exit_code.has_value());
  EXPECT_EQ(parsed.config.line_listen.port, 9090);
  EXPECT_EQ(parsed.config.grpc_listen.port, 0);
}

TEST(Config, RefusesAFileWithAKeyThatItDoesNotKnow) {
  const std::string file = ::testing::TempDir() + "/txtchatd-misspelt.toml";
  std::ofstream(file) << "line-lisen = \"127.0.0.1:1\"\n";
  EXPECT_EQ(Parse({"--config", file}).exit_code, 2);
}

TEST(Config, RefusesNonsenseWithExitCodeTwo) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"--line-listen", "9090"},
                                             {"--line-listen", "::1:9090"},
                                             {"--line-listen", "host:99999"},
                                             {"--users-max", "0"},
                                             {"--users-max", "many"},
                                             {"--drain-timeout", "-1"},
                                             {"--heartbeat-interval", "20"},
                                             {"--log-format", "xml"},
                                             {"--no-such-flag"},
                                             {"stray"},
                                             {"--config", "/nonexistent/file"}}) {
    EXPECT_EQ(Parse(arguments).exit_code, 2) << arguments.back();
  }
}

TEST(Config, HelpAndVersionExitWithZero) {
  EXPECT_EQ(Parse({"--help"}).exit_code, 0);
  EXPECT_EQ(Parse({"--version"}).exit_code, 0);
}

TEST(HostPort, ParsesWhatItPrints) {
  for (const char* text : {"0.0.0.0:9090", "[::]:1", "localhost:65535", "[fe80::1]:0"}) {
    const std::optional<HostPort> parsed = ParseHostPort(text);
    ASSERT_TRUE(parsed.has_value()) << text;
    EXPECT_EQ(parsed->ToString(), text);
  }
  for (const char* text :
       {"", "host", "host:", "host:x", "host:70000", "[]:1", "[::1:1", "1:2:3"}) {
    EXPECT_FALSE(ParseHostPort(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace txtchat::server
