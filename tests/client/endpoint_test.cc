#include "client/endpoint.h"

#include <gtest/gtest.h>

namespace txtchat::client {
namespace {

std::string Parsed(std::string_view text) {
  const auto endpoint = ParseEndpoint(text, 9090);
  return endpoint.ok() ? endpoint->ToString() : "error";
}

TEST(Endpoint, ReadsHostAndPort) {
  EXPECT_EQ(Parsed("localhost:80"), "localhost:80");
  EXPECT_EQ(Parsed("10.0.0.1:65535"), "10.0.0.1:65535");
}

TEST(Endpoint, AddsTheDefaultPort) {
  EXPECT_EQ(Parsed("chat.example.org"), "chat.example.org:9090");
}

TEST(Endpoint, ReadsIpv6WithAndWithoutPort) {
  EXPECT_EQ(Parsed("[::1]:80"), "[::1]:80");
  EXPECT_EQ(Parsed("[::1]"), "[::1]:9090");
  EXPECT_EQ(Parsed("fe80::1"), "[fe80::1]:9090");
}

TEST(Endpoint, RefusesWhatIsNoEndpoint) {
  for (const char* text : {"", ":80", "host:", "host:0", "host:65536", "host:8x", "host:-1", "[::1",
                           "[::1]80", "[]:80", "http://host", "a b:80"}) {
    const auto endpoint = ParseEndpoint(text, 9090);
    EXPECT_EQ(endpoint.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(std::string(endpoint.status().message()).find("HOST:PORT"), std::string::npos);
  }
}

TEST(Endpoint, KnowsWhatNeverLeavesTheMachine) {
  for (const char* host :
       {"localhost", "LocalHost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(Endpoint({host, 1}).IsLoopback()) << host;
  }
  for (const char* host : {"example.org", "localhost.example.org", "127.0.0.1.example.org",
                           "10.0.0.1", "0.0.0.0", "::", "::ffff:10.0.0.1", "2130706433"}) {
    EXPECT_FALSE(Endpoint({host, 1}).IsLoopback()) << host;
  }
}

}  // namespace
}  // namespace txtchat::client
