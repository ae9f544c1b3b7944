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

/// Calls `take(line)` for each whole line of `bytes`, without its end. Answers how many bytes these
/// were.
template <typename Take>
std::size_t CutLines(std::string_view bytes, Take&& take) {
  std::string_view rest = bytes;
  for (;;) {
    const void* const end = std::memchr(rest.data(), '\n', rest.size());
    if (end == nullptr) return bytes.size() - rest.size();
    const auto length = static_cast<std::size_t>(static_cast<const char*>(end) - rest.data());
    take(rest.substr(0, length));
    rest.remove_prefix(length + 1);
  }
}

/// Reads sockets into one large buffer that all connections share. What a connection keeps between
/// two reads is what has not come whole. Allocates nothing for what has. Not thread-safe.
class LineReader {
 public:
  enum class Outcome : std::uint8_t {
    kRead,   ///< There may be more.
    kEmpty,  ///< Nothing is there now.
    kEnd,    ///< The peer has closed, or the connection is broken.
  };

  static constexpr std::size_t kBufferBytes = 256 * 1024;

  LineReader() : buffer_(kBufferBytes) {}

  /// Reads once, `bytes_max` at the most. After kRead, Keep or CutLines with the same `partial`
  /// must follow.
  Outcome Read(int fd, const std::string& partial, std::size_t bytes_max = kBufferBytes);

  /// What was kept and what was read. Valid until the next Read.
  std::string_view bytes() const { return {buffer_.data(), filled_}; }
  /// Puts all but the first `taken` of these into `partial`.
  void Keep(std::string& partial, std::size_t taken) { partial.assign(bytes().substr(taken)); }

  /// Calls `take(line)` for each line that is whole now, without its end, and keeps what is left.
  /// A line is valid during the call.
  template <typename Take>
  void CutLines(std::string& partial, Take&& take) {
    Keep(partial, bench::CutLines(bytes(), take));
  }

 private:
  std::vector<char> buffer_;
  std::size_t filled_ = 0;
};

}  // namespace txtchat::bench
