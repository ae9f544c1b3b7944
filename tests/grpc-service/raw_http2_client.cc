#include "tests/grpc-service/raw_http2_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <initializer_list>
#include <utility>

#include "gtest/gtest.h"
#include "tests/grpc-service/rpc_harness.h"

namespace txtchat::rpc {
namespace {

enum FrameType : std::uint8_t {
  kData = 0,
  kHeaders = 1,
  kResetStream = 3,
  kSettings = 4,
  kGoAway = 7,
  kWindowUpdate = 8,
};
constexpr std::uint8_t kEndStream = 0x1;
constexpr std::uint8_t kEndHeaders = 0x4;
constexpr std::uint16_t kInitialWindowSize = 4;
constexpr std::size_t kFrameHeaderBytes = 9;

std::string BigEndian(std::uint32_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}

std::uint32_t FromBigEndian(const std::string& text, std::size_t at, std::size_t bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = at; i < at + bytes; ++i) {
    value = value << 8 | static_cast<unsigned char>(text[i]);
  }
  return value;
}

/// HPACK without its tables and without Huffman: every field a literal with a new name.
std::string HeaderBlock(std::initializer_list<std::pair<std::string, std::string>> fields) {
  std::string block;
  for (const auto& [name, value] : fields) {
    EXPECT_LT(name.size(), 127u);
    EXPECT_LT(value.size(), 127u);
    block += '\0';
    block += static_cast<char>(name.size()) + name;
    block += static_cast<char>(value.size()) + value;
  }
  return block;
}

int Connect(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_GE(fd, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return fd;
}

}  // namespace

RawHttp2Client::RawHttp2Client(int port, std::uint32_t stream_window) : socket_(Connect(port)) {
  const std::string setting = BigEndian(kInitialWindowSize, 2) + BigEndian(stream_window, 4);
  Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(kSettings, 0, 0, setting));
}

RawHttp2Client::RawHttp2Client(int port, Silent) : socket_(Connect(port)) {}

RawHttp2Client::~RawHttp2Client() { close(socket_); }

std::uint32_t RawHttp2Client::Call(const std::string& method, const std::string& token,
                                   const std::string& request) {
  const std::uint32_t stream = std::exchange(next_stream_, next_stream_ + 2);
  Send(CallFrames(stream, method, token, request));
  return stream;
}

std::string RawHttp2Client::Frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                                  const std::string& payload) {
  return BigEndian(static_cast<std::uint32_t>(payload.size()), 3) + static_cast<char>(type) +
         static_cast<char>(flags) + BigEndian(stream, 4) + payload;
}

std::string RawHttp2Client::CallFrames(std::uint32_t stream, const std::string& method,
                                       const std::string& token, const std::string& request) {
  const std::string headers =
      HeaderBlock({{":method", "POST"},
                   {":scheme", "http"},
                   {":path", method.front() == '/' ? method : "/txtchat.v1.ChatService/" + method},
                   {":authority", "test"},
                   {"content-type", "application/grpc"},
                   {"te", "trailers"},
                   {"authorization", "Bearer " + token}});
  const std::string message =
      '\0' + BigEndian(static_cast<std::uint32_t>(request.size()), 4) + request;
  return Frame(kHeaders, kEndHeaders, stream, headers) + Frame(kData, kEndStream, stream, message);
}

void RawHttp2Client::Grant(std::uint32_t stream, std::uint32_t bytes) {
  Send(Frame(kWindowUpdate, 0, 0, BigEndian(bytes, 4)) +
       Frame(kWindowUpdate, 0, stream, BigEndian(bytes, 4)));
}

bool RawHttp2Client::ReadUntil(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::array<char, 16 * 1024> bytes{};
  while (!condition()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd waiting{socket_, POLLIN, 0};
    if (left.count() <= 0 || poll(&waiting, 1, static_cast<int>(left.count())) <= 0) return false;
    const ssize_t count = recv(socket_, bytes.data(), bytes.size(), 0);
    if (count <= 0) {
      closed_ = true;
      return false;
    }
    received_.append(bytes.data(), static_cast<std::size_t>(count));
    TakeFrames();
  }
  return true;
}

void RawHttp2Client::Send(const std::string& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t count = send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    ASSERT_GT(count, 0);
    sent += static_cast<std::size_t>(count);
  }
}

bool RawHttp2Client::SendBytes(const std::string& bytes, std::chrono::milliseconds patience) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    pollfd waiting{socket_, POLLOUT, 0};
    if (poll(&waiting, 1, static_cast<int>(patience.count())) <= 0) return false;
    const ssize_t count =
        send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno != EAGAIN) return false;
    if (count > 0) sent += static_cast<std::size_t>(count);
  }
  return true;
}

bool RawHttp2Client::ReadToEnd() {
  ReadUntil([] { return false; });
  return closed_;
}

void RawHttp2Client::TakeFrames() {
  std::size_t at = 0;
  while (received_.size() - at >= kFrameHeaderBytes) {
    const std::uint32_t size = FromBigEndian(received_, at, 3);
    if (received_.size() - at < kFrameHeaderBytes + size) break;
    const auto type = static_cast<std::uint8_t>(received_[at + 3]);
    const auto flags = static_cast<std::uint8_t>(received_[at + 4]);
    const std::uint32_t stream = FromBigEndian(received_, at + 5, 4);
    if (type == kHeaders) answered_.insert(stream);
    if (type == kData) data_bytes_ += size;
    if (type == kGoAway) going_away_ = FromBigEndian(received_, at + kFrameHeaderBytes + 4, 4);
    const bool may_end = type == kHeaders || type == kData;
    if (type == kResetStream || (may_end && (flags & kEndStream) != 0)) ended_.insert(stream);
    at += kFrameHeaderBytes + size;
  }
  received_.erase(0, at);
}

}  // namespace txtchat::rpc
