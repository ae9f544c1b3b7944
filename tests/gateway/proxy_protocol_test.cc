#include "gateway/proxy_protocol.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "tests/gateway/proxy_header.h"

namespace txtchat::gateway {
namespace {

using State = ProxyHeader::State;
using testing::ProxyHeaderBytes;
using testing::ProxyHeaderFor;

ProxyHeader::Source At(std::string_view address, std::uint16_t port) {
  return {*IpAddress::Parse(address), port};
}

TEST(ProxyProtocol, SaysWhoseConnectionItIs) {
  // By hand, as the specification has it: signature, version 2 and PROXY, TCP over IPv4, 12 bytes;
  // from 192.0.2.1 port 0x1F90 to 198.51.100.2 port 0x01BB.
  const std::string_view by_hand(
      "\x0D\x0A\x0D\x0A\x00\x0D\x0A\x51\x55\x49\x54\x0A\x21\x11\x00\x0C"
      "\xC0\x00\x02\x01\xC6\x33\x64\x02\x1F\x90\x01\xBB",
      28);
  const ProxyHeader v4 = ParseProxyHeader(by_hand);
  EXPECT_EQ(v4.state, State::kDone);
  EXPECT_EQ(v4.bytes, 28u);
  EXPECT_EQ(v4.source, At("192.0.2.1", 8080));

  const std::string bytes = ProxyHeaderFor("2001:db8::7", 65'535);
  const ProxyHeader v6 = ParseProxyHeader(bytes + "reg$alice\n");
  EXPECT_EQ(v6.state, State::kDone);
  EXPECT_EQ(v6.bytes, 52u);
  EXPECT_EQ(v6.source, At("2001:db8::7", 65'535));
}

TEST(ProxyProtocol, TakesAMappedAddressForIpv4) {
  std::string addresses(10, '\0');
  addresses += std::string("\xFF\xFF\xC0\x00\x02\x01", 6) + std::string(16, '\1');
  addresses += std::string("\x00\x07\x00\x08", 4);
  EXPECT_EQ(ParseProxyHeader(ProxyHeaderBytes(0x21, 0x21, addresses)).source, At("192.0.2.1", 7));
}

TEST(ProxyProtocol, SkipsAdditionalFields) {
  const std::string tlv("\x04\x00\x03xyz", 6);
  const std::string bytes =
      ProxyHeaderBytes(0x21, 0x11, std::string("\1\2\3\4\5\6\7\10\0\11\0\12", 12) + tlv);
  const ProxyHeader header = ParseProxyHeader(bytes + "more");
  EXPECT_EQ(header.state, State::kDone);
  EXPECT_EQ(header.bytes, 34u);
  EXPECT_EQ(header.source, At("1.2.3.4", 9));
}

TEST(ProxyProtocol, KnowsConnectionsThatAreForNobody) {
  // The proxy asks whether we are alive; it may send addresses all the same, of any family.
  for (const int family : {0x00, 0x11, 0x21, 0x31, 0x7F}) {
    const ProxyHeader local = ParseProxyHeader(ProxyHeaderBytes(0x20, family, "anything"));
    EXPECT_EQ(local.state, State::kDone) << family;
    EXPECT_EQ(local.bytes, 24u);
    EXPECT_FALSE(local.source.has_value());
  }
  EXPECT_EQ(ParseProxyHeader(ProxyHeaderBytes(0x20, 0x00, "")).state, State::kDone);
  const ProxyHeader unspecified = ParseProxyHeader(ProxyHeaderBytes(0x21, 0x00, "tlv"));
  EXPECT_EQ(unspecified.state, State::kDone);
  EXPECT_FALSE(unspecified.source.has_value());
}

TEST(ProxyProtocol, NeedsEveryByte) {
  const std::string bytes = ProxyHeaderFor("192.0.2.1", 80);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const ProxyHeader header = ParseProxyHeader(bytes.substr(0, size));
    EXPECT_EQ(header.state, State::kNeedsMore) << size;
    EXPECT_EQ(header.bytes, size < 16 ? 16u : bytes.size()) << size;
    EXPECT_FALSE(header.source.has_value());
  }
}

TEST(ProxyProtocol, RefusesAtTheFirstWrongByte) {
  const std::string bytes = ProxyHeaderFor("192.0.2.1", 80);
  for (std::size_t place = 0; place < 12; ++place) {
    std::string wrong = bytes.substr(0, place + 1);
    wrong[place] = static_cast<char>(wrong[place] ^ 1);
    EXPECT_EQ(ParseProxyHeader(wrong).state, State::kInvalid) << place;
  }
  EXPECT_EQ(ParseProxyHeader("reg$alice\n").state, State::kInvalid);
  EXPECT_EQ(ParseProxyHeader("PROXY TCP4 192.0.2.1 198.51.100.2 1 2\r\n").state, State::kInvalid)
      << "version 1";
}

TEST(ProxyProtocol, RefusesWhatItDoesNotKnow) {
  const std::string addresses(36, '\1');
  for (const int command : {0x01, 0x11, 0x22, 0x2F, 0x31, 0x00}) {
    EXPECT_EQ(ParseProxyHeader(ProxyHeaderBytes(command, 0x11, addresses)).state, State::kInvalid)
        << command;
  }
  for (const int family : {0x01, 0x10, 0x12, 0x22, 0x31, 0x32, 0x41, 0xFF}) {
    EXPECT_EQ(ParseProxyHeader(ProxyHeaderBytes(0x21, family, addresses)).state, State::kInvalid)
        << family;
  }
}

TEST(ProxyProtocol, RefusesLengthsThatCannotBe) {
  EXPECT_EQ(ParseProxyHeader(ProxyHeaderBytes(0x21, 0x11, std::string(11, '\1'))).state,
            State::kInvalid);
  EXPECT_EQ(ParseProxyHeader(ProxyHeaderBytes(0x21, 0x21, std::string(35, '\1'))).state,
            State::kInvalid);
  const std::string longest = ProxyHeaderBytes(0x21, 0x11, std::string(2'048, '\1'));
  EXPECT_EQ(longest.size(), kProxyHeaderBytesMax);
  EXPECT_EQ(ParseProxyHeader(longest).state, State::kDone);
  const std::string too_long = ProxyHeaderBytes(0x20, 0x00, std::string(2'049, '\1'));
  EXPECT_EQ(ParseProxyHeader(too_long.substr(0, 16)).state, State::kInvalid) << "said at once";
}

}  // namespace
}  // namespace txtchat::gateway
