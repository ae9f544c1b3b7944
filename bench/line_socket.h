// Sockets of the line load. Files are plain descriptors here: a connection owns its own.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bench/endpoint.h"

namespace txtchat::bench {

/// The first address of a server.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

/// Blocks while it resolves. UNAVAILABLE if there is no such host.
absl::StatusOr<SocketAddress> Resolve(const Endpoint& server);

/// Begins to connect, without waiting; `receive_bytes` > 0 bounds what the kernel holds for it.
/// UNAVAILABLE if there are no more files or ports, or nobody listens.
absl::StatusOr<int> BeginConnect(const SocketAddress& address, int receive_bytes);

/// The error of a socket whose connecting has ended; OK if it is connected.
absl::Status ConnectResult(int fd);

/// "CODE: what errno says".
absl::Status ErrnoStatus(const std::string& what);

/// Reads sockets into one large buffer that all connections share, and cuts it into lines. What a
/// connection keeps between two reads is the beginning of a line. Allocates nothing for a line.
/// Not thread-safe.
class LineReader {
 public:
  enum class Outcome : std::uint8_t {
    kRead,   ///< There may be more.
    kEmpty,  ///< Nothing is there now.
    kEnd,    ///< The peer has closed, or the connection is broken.
  };

  static constexpr std::size_t kBufferBytes = 256 * 1024;

  LineReader() : buffer_(kBufferBytes) {}

  /// Reads once, `bytes_max` at the most. After kRead, CutLines with the same `partial` must
  /// follow.
  Outcome Read(int fd, const std::string& partial, std::size_t bytes_max = kBufferBytes);

  /// Calls `take(line)` for each line that is whole now, without its end, and puts what is left
  /// into `partial`. A line is valid during the call.
  template <typename Take>
  void CutLines(std::string& partial, Take&& take) {
    std::string_view rest(buffer_.data(), filled_);
    for (;;) {
      const void* const end = std::memchr(rest.data(), '\n', rest.size());
      if (end == nullptr) break;
      const auto length = static_cast<std::size_t>(static_cast<const char*>(end) - rest.data());
      take(rest.substr(0, length));
      rest.remove_prefix(length + 1);
    }
    partial.assign(rest);
  }

 private:
  std::vector<char> buffer_;
  std::size_t filled_ = 0;
};

}  // namespace txtchat::bench
