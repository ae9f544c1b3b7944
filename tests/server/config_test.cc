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

TEST(Config, HoldsPeersToLimits) {
  const PeerLimits defaults = Parse({}).config.peers;
  EXPECT_EQ(defaults.commands_per_connection_per_s, 5'000);
  EXPECT_EQ(defaults.connections_per_address, 256u);
  EXPECT_EQ(defaults.shared_address_ranges.size(), 9u);
  EXPECT_EQ(defaults.registrations_per_address_per_minute, 1'200);
  EXPECT_EQ(defaults.creations_per_address_per_minute, 120);
  EXPECT_EQ(defaults.creations_per_user_per_minute, 60);
  const ParsedConfig parsed =
      Parse({"--commands-per-connection=10", "--commands-per-connection-burst=20",
             "--bytes-per-connection=1KiB", "--bytes-per-connection-burst=2KiB",
             "--connections-per-address=3", "--commands-per-address=30",
             "--commands-per-address-burst=40", "--bytes-per-address=5KiB",
             "--bytes-per-address-burst=6KiB", "--attempts-per-address=7", "--commands-per-user=8",
             "--commands-per-user-burst=9", "--bytes-per-user=10KiB",
             "--bytes-per-user-burst=11KiB", "--registrations-per-address=12",
             "--creations-per-address=13", "--creations-per-address-burst=14",
             "--creations-per-user=15", "--creations-per-user-burst=16"});
  ASSERT_FALSE(parsed.exit_code.has_value());
  const PeerLimits& limits = parsed.config.peers;
  EXPECT_EQ(limits.commands_per_connection_per_s, 10);
  EXPECT_EQ(limits.commands_per_connection_burst, 20);
  EXPECT_EQ(limits.bytes_per_connection_per_s, 1'024);
  EXPECT_EQ(limits.bytes_per_connection_burst, 2'048);
  EXPECT_EQ(limits.connections_per_address, 3u);
  EXPECT_EQ(limits.commands_per_address_per_s, 30);
  EXPECT_EQ(limits.commands_per_address_burst, 40);
  EXPECT_EQ(limits.bytes_per_address_per_s, 5'120);
  EXPECT_EQ(limits.bytes_per_address_burst, 6'144);
  EXPECT_EQ(limits.attempts_per_address_per_minute, 7);
  EXPECT_EQ(limits.commands_per_user_per_s, 8);
  EXPECT_EQ(limits.commands_per_user_burst, 9);
  EXPECT_EQ(limits.bytes_per_user_per_s, 10'240);
  EXPECT_EQ(limits.bytes_per_user_burst, 11'264);
  EXPECT_EQ(limits.registrations_per_address_per_minute, 12);
  EXPECT_EQ(limits.creations_per_address_per_minute, 13);
  EXPECT_EQ(limits.creations_per_address_burst, 14);
  EXPECT_EQ(limits.creations_per_user_per_minute, 15);
  EXPECT_EQ(limits.creations_per_user_burst, 16);
  for (const char* rate :
       {"--commands-per-connection", "--bytes-per-connection", "--connections-per-address",
        "--commands-per-address", "--bytes-per-address", "--attempts-per-address",
        "--commands-per-user", "--bytes-per-user", "--strikes-per-connection",
        "--registrations-per-address", "--creations-per-address", "--creations-per-user"}) {
    EXPECT_FALSE(Parse({rate, "0"}).exit_code.has_value()) << rate << ": no limit";
    EXPECT_EQ(Parse({rate, "-1"}).exit_code, 2) << rate;
  }
  EXPECT_EQ(Parse({"--commands-per-connection-burst=0"}).exit_code, 2);
  EXPECT_EQ(Parse({"--creations-per-user-burst=0"}).exit_code, 2);
}

std::string Listed(const std::vector<IpRange>& ranges) {
  std::string text;
  for (const IpRange& range : ranges) text += range.ToString() + " ";
  return text;
}

TEST(Config, ReadsAddressRanges) {
  EXPECT_TRUE(Parse({}).config.proxy_protocol_from.empty());
  const ParsedConfig parsed = Parse(
      {"--shared-address-ranges=192.0.2.7/24,2001:db8::/32", "--proxy-protocol-from", "10.0.0.1"});
  ASSERT_FALSE(parsed.exit_code.has_value());
  EXPECT_EQ(Listed(parsed.config.peers.shared_address_ranges), "192.0.2.0/24 2001:db8::/32 ");
  EXPECT_EQ(Listed(parsed.config.proxy_protocol_from), "10.0.0.1 ");
  const ParsedConfig none = Parse({"--shared-address-ranges=none"});
  ASSERT_FALSE(none.exit_code.has_value());
  EXPECT_TRUE(none.config.peers.shared_address_ranges.empty());
  setenv("TXTCHAT_PROXY_PROTOCOL_FROM", "10.0.0.1,10.0.0.2", 1);
  EXPECT_EQ(Listed(Parse({}).config.proxy_protocol_from), "10.0.0.1 10.0.0.2 ");
  EXPECT_EQ(Listed(Parse({"--proxy-protocol-from=10.0.0.3"}).config.proxy_protocol_from),
            "10.0.0.3 ");
  unsetenv("TXTCHAT_PROXY_PROTOCOL_FROM");
  for (const char* wrong : {"10.0.0.0/33", "10.0.0.1,", ",", "all", "10.0.0.1 10.0.0.2"}) {
    EXPECT_EQ(Parse({std::string("--proxy-protocol-from=") + wrong}).exit_code, 2) << wrong;
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
