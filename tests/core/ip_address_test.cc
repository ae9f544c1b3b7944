#include "core/ip_address.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace txtchat {
namespace {

std::string RoundTrip(std::string_view text) {
  const std::optional<IpAddress> address = IpAddress::Parse(text);
  return address.has_value() ? address->ToString() : "none";
}

TEST(IpAddress, IsWrittenInItsShortestForm) {
  for (const auto& [text, shortest] : std::vector<std::pair<std::string, std::string>>{
           {"192.0.2.1", "192.0.2.1"},
           {"0.0.0.0", "0.0.0.0"},
           {"255.255.255.255", "255.255.255.255"},
           {"::ffff:192.0.2.1", "192.0.2.1"},
           {"::ffff:c000:201", "192.0.2.1"},
           {"::", "::"},
           {"::1", "::1"},
           {"1::", "1::"},
           {"2001:0DB8:0:0:0:0:0:1", "2001:db8::1"},
           {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},  // One group is written out.
           {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},     // The first of two equal runs.
           {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},           // The longer run.
           {"0:0:0:0:1:2:3:4", "::1:2:3:4"},
           {"1:2:3:4:0:0:0:0", "1:2:3:4::"},
           {"1:2:3:4:5:6:7.8.9.10", "1:2:3:4:5:6:708:90a"},
           {"64:ff9b::192.0.2.1", "64:ff9b::c000:201"},
           {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"}}) {
    EXPECT_EQ(RoundTrip(text), shortest) << text;
    EXPECT_EQ(RoundTrip(shortest), shortest);
  }
}

TEST(IpAddress, IsNothingElse) {
  using namespace std::string_view_literals;
  for (const std::string_view text : {""sv,
                                      "1"sv,
                                      "1.2.3"sv,
                                      "1.2.3.4.5"sv,
                                      "1.2.3.256"sv,
                                      "1.2.3.04"sv,
                                      "1.2.3.-1"sv,
                                      "1.2.3.+1"sv,
                                      " 1.2.3.4"sv,
                                      "1.2.3.4 "sv,
                                      "1.2.3.4:5"sv,
                                      "1..2.3"sv,
                                      "1.2.3.4\0"sv,
                                      "1.2.3.4\0x"sv,
                                      "[::1]"sv,
                                      "::1%eth0"sv,
                                      ":"sv,
                                      ":::"sv,
                                      "1::2::3"sv,
                                      "1:2:3:4:5:6:7"sv,
                                      "1:2:3:4:5:6:7:8:9"sv,
                                      "1:2:3:4::5:6:7:8"sv,
                                      "12345::"sv,
                                      "g::"sv,
                                      "1:2:3:4:5:6:7:"sv,
                                      ":1:2:3:4:5:6:7"sv,
                                      "1.2.3.4::"sv,
                                      "::1.2.3.4:5"sv,
                                      "::1.2.3"sv,
                                      "1:2:3:4:5:6:7:1.2.3.4"sv,
                                      "host"sv,
                                      "::1\0"sv}) {
    EXPECT_EQ(RoundTrip(text), "none") << text;
  }
}

TEST(IpAddress, KnowsIpv4AndTheUnknown) {
  EXPECT_TRUE(IpAddress::Parse("192.0.2.1")->is_v4());
  EXPECT_EQ(IpAddress::FromV4({192, 0, 2, 1}), IpAddress::Parse("::ffff:192.0.2.1"));
  EXPECT_FALSE(IpAddress::Parse("::192.0.2.1")->is_v4());
  EXPECT_FALSE(IpAddress::Parse("::")->known());
  EXPECT_TRUE(IpAddress::Parse("0.0.0.0")->known());
}

std::string RangeRoundTrip(std::string_view text) {
  const std::optional<IpRange> range = IpRange::Parse(text);
  return range.has_value() ? range->ToString() : "none";
}

TEST(IpRange, HasOneForm) {
  EXPECT_EQ(RangeRoundTrip("192.0.2.77/24"), "192.0.2.0/24");
  EXPECT_EQ(RangeRoundTrip("::ffff:192.0.2.77/120"), "192.0.2.0/24");
  EXPECT_EQ(RangeRoundTrip("192.0.2.1/32"), "192.0.2.1");
  EXPECT_EQ(RangeRoundTrip("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(RangeRoundTrip("255.1.2.3/0"), "0.0.0.0/0");
  EXPECT_EQ(RangeRoundTrip("10.255.0.0/9"), "10.128.0.0/9");
  EXPECT_EQ(RangeRoundTrip("2001:db8:ffff::/33"), "2001:db8:8000::/33");
  EXPECT_EQ(RangeRoundTrip("::/0"), "::/0");
  EXPECT_EQ(RangeRoundTrip("::1/128"), "::1");
  for (const char* text : {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/-0",
                           "10.0.0.0/08", "10.0.0.0/8x", "::/129", "10/8", "10.0.0.0/8/8"}) {
    EXPECT_EQ(RangeRoundTrip(text), "none") << text;
  }
}

TEST(IpRange, ContainsWhatBeginsAlike) {
  const auto contains = [](std::string_view range, std::string_view address) {
    return IpRange::Parse(range)->Contains(*IpAddress::Parse(address));
  };
  EXPECT_TRUE(contains("172.16.0.0/12", "172.31.255.255"));
  EXPECT_FALSE(contains("172.16.0.0/12", "172.32.0.0"));
  EXPECT_FALSE(contains("172.16.0.0/12", "172.15.255.255"));
  EXPECT_TRUE(contains("fc00::/7", "fdff::1"));
  EXPECT_FALSE(contains("fc00::/7", "fe00::1"));
  EXPECT_TRUE(contains("0.0.0.0/0", "192.0.2.1"));
  EXPECT_FALSE(contains("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(contains("::/0", "192.0.2.1"));
  EXPECT_TRUE(contains("2001:db8::1", "2001:db8::1"));
  EXPECT_FALSE(contains("2001:db8::1", "2001:db8::2"));
}

TEST(IpRange, IsTheOneAroundAnAddress) {
  EXPECT_EQ(IpRange::Around(*IpAddress::Parse("2001:db8:1:2:3:4:5:6"), 64).ToString(),
            "2001:db8:1:2::/64");
  EXPECT_EQ(IpRange::Around(*IpAddress::Parse("192.0.2.1"), 128).ToString(), "192.0.2.1");
}

}  // namespace
}  // namespace txtchat
