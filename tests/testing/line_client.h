#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace txtchat::testing {

/// A client of the line protocol that does one thing after the other. Every wait has a deadline,
/// which only serves to end a test that has failed. Not thread-safe.
class LineClient {
 public:
  static constexpr std::chrono::seconds kPatience{30};

  /// Connects to 127.0.0.1. A small `receive_buffer_bytes` (0: the system's default) makes a slow
  /// reader felt early.
  explicit LineClient(std::uint16_t port, int receive_buffer_bytes = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer_bytes > 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
    }
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  LineClient(const LineClient&) = delete;
  LineClient& operator=(const LineClient&) = delete;
  ~LineClient() { Close(); }

  bool connected() const { return connected_; }

  /// This end's address, as `IP:PORT`: the user id that the server gives on a direct connection.
  std::string LocalAddress() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    char text[INET_ADDRSTRLEN];
    ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(address.sin_port));
  }

  /// Sends all bytes; false if the connection broke or nothing was taken for long.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      if (!Await(POLLOUT, kPatience)) return false;
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && errno != EAGAIN && errno != EINTR) return false;
      if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  bool SendLine(std::string line) { return Send(line += '\n'); }

  /// The next line without its `\n`; nullopt at the end of the stream or when the deadline passed.
  std::optional<std::string> ReadLine(std::chrono::milliseconds patience = kPatience) {
    for (;;) {
      const std::size_t end = received_.find('\n', begin_);
      if (end != std::string::npos) {
        std::string line = received_.substr(begin_, end - begin_);
        begin_ = end + 1;
        return line;
      }
      received_.erase(0, begin_);
      begin_ = 0;
      if (!ReadMore(patience)) return std::nullopt;
    }
  }
  /// Whether the server ends the connection now, with nothing sent before.
  bool ReadsEnd() {
    if (begin_ < received_.size()) return false;
    return !ReadMore(kPatience) && ended_;
  }
  /// Everything up to the end of the connection.
  std::string ReadAll() {
    while (ReadMore(kPatience)) {
    }
    return std::exchange(received_, {}).substr(std::exchange(begin_, 0));
  }

  /// Ends the sending side only.
  void EndSending() { ::shutdown(fd_, SHUT_WR); }
  /// Ends the connection the hard way: the server gets a reset.
  void Reset() {
    const linger hard{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    Close();
  }
  void Close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  bool Await(short events, std::chrono::milliseconds patience) {
    pollfd wanted{.fd = fd_, .events = events, .revents = 0};
    return ::poll(&wanted, 1, static_cast<int>(patience.count())) > 0;
  }
  bool ReadMore(std::chrono::milliseconds patience) {
    if (ended_ || !Await(POLLIN, patience)) return false;
    char buffer[64 * 1024];
    const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
    if (n <= 0) {
      ended_ = true;
      return false;
    }
    received_.append(buffer, static_cast<std::size_t>(n));
    return true;
  }

  int fd_;
  bool connected_ = false;
  bool ended_ = false;
  std::string received_;
  std::size_t begin_ = 0;
};

}  // namespace txtchat::testing
