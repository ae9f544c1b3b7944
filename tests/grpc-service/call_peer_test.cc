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

TEST(CallPeer, ShowsPasswordsOnlyWhereNobodyElseCanListen) {
  const auto may = [](const char* peer, bool is_private) {
    return MayShowPassword(*IpAddress::Parse(peer), is_private);
  };
  for (const char* own : {"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(may(own, false).ok()) << own;
  }
  // The bridge of a container, private networks, and what only looks like loopback, among them.
  for (const char* other :
       {"172.17.0.1", "10.0.0.1", "192.168.1.2", "192.0.2.1", "2001:db8::1", "fd00::2", "fe80::1",
        "::", "0.0.0.0", "128.0.0.1", "::2", "::127.0.0.1"}) {
    EXPECT_EQ(may(other, false).code(), absl::StatusCode::kPermissionDenied) << other;
    EXPECT_TRUE(may(other, true).ok()) << other;
  }
}

}  // namespace
}  // namespace txtchat::rpc
