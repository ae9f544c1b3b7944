#include "grpc-service/call_peer.h"

#include "gtest/gtest.h"

namespace txtchat::rpc {
namespace {

TEST(CallPeer, IsWhatGrpcSays) {
  const auto is = [](std::string_view peer, std::string_view address, std::uint16_t port) {
    return ParsePeer(peer) == PeerKey{*IpAddress::Parse(address), port};
  };
  EXPECT_TRUE(is("ipv4:192.0.2.1:80", "192.0.2.1", 80));
  EXPECT_TRUE(is("ipv6:%5B2001:db8::1%5D:65535", "2001:db8::1", 65'535));
  EXPECT_TRUE(is("ipv6:[::1]:1", "::1", 1));
  EXPECT_TRUE(is("ipv6:%5B::ffff:192.0.2.1%5D:80", "192.0.2.1", 80));
  EXPECT_TRUE(is("ipv6:%5Bfe80::1%25eth0%5D:80", "fe80::1", 80));
}

TEST(CallPeer, IsNothingElse) {
  for (const char* peer : {"", "unix:/tmp/socket", "ipv4:", "ipv4:192.0.2.1", "ipv4:192.0.2.1:",
                           "ipv4:192.0.2.1:x", "ipv4:192.0.2.1:65536", "ipv4:192.0.2:80",
                           "ipv6:::1:80", "ipv6:%5B::1:80", "ipv6:%5B%5D:80", "192.0.2.1:80"}) {
    EXPECT_FALSE(ParsePeer(peer).has_value()) << peer;
  }
}

}  // namespace
}  // namespace txtchat::rpc
