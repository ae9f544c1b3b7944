#include <string>

#include "core/ip_address.h"
#include "gtest/gtest.h"

namespace txtchat {
namespace {

bool Covers(const std::string& range, const std::string& address) {
  return IpRange::Parse(range)->Contains(*IpAddress::Parse(address));
}

TEST(IpRangePrefix, CoversWhatSharesItsPrefix) {
  EXPECT_TRUE(Covers("192.0.2.0/24", "192.0.2.255"));
  EXPECT_FALSE(Covers("192.0.2.0/24", "192.0.3.0"));
  EXPECT_TRUE(Covers("192.0.2.8/29", "192.0.2.15"));
  EXPECT_FALSE(Covers("192.0.2.8/29", "192.0.2.16"));
  EXPECT_TRUE(Covers("192.0.2.1", "192.0.2.1"));
  EXPECT_FALSE(Covers("192.0.2.1", "192.0.2.0"));
  EXPECT_TRUE(Covers("0.0.0.0/0", "203.0.113.1"));
  EXPECT_FALSE(Covers("0.0.0.0/0", "2001:db8::1")) << "of IPv4 only";
  EXPECT_TRUE(Covers("::/0", "203.0.113.1"));
  EXPECT_TRUE(Covers("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(Covers("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_TRUE(Covers("::ffff:192.0.2.0/120", "192.0.2.9"));
}

TEST(IpRangePrefix, HasOneForm) {
  EXPECT_EQ(IpRange::Parse("192.0.2.77/24")->ToString(), "192.0.2.0/24");
  EXPECT_EQ(IpRange::Parse("2001:DB8:0::7/32")->ToString(), "2001:db8::/32");
  EXPECT_EQ(IpRange::Parse("::ffff:192.0.2.0/120")->ToString(), "192.0.2.0/24");
  EXPECT_EQ(IpRange::Parse("192.0.2.1/32")->ToString(), "192.0.2.1");
}

TEST(IpRangePrefix, IsNothingElse) {
  for (const char* text : {"", "/", "192.0.2.1:80", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/",
                           "2001:db8::/129", "[::1]", "::1%eth0", "0123456789abcdef", "1.2.3"}) {
    EXPECT_FALSE(IpRange::Parse(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace txtchat
