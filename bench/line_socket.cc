#include "bench/line_socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace txtchat::bench {

absl::Status ErrnoStatus(const std::string& what) {
  const int error = errno;
  return absl::UnavailableError(what + ": " + std::strerror(error));
}

absl::StatusOr<SocketAddress> Resolve(const Endpoint& server) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(server.host.c_str(), std::to_string(server.port).c_str(), &hints, &found);
  if (error != 0) {
    return absl::UnavailableError("cannot resolve " + server.host + ": " + gai_strerror(error));
  }
  SocketAddress address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.size = found->ai_addrlen;
  freeaddrinfo(found);
  return address;
}

absl::StatusOr<int> BeginConnect(const SocketAddress& address, int receive_bytes) {
  const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return ErrnoStatus("cannot open a socket");
  if (receive_bytes > 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
  }
  const int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0 &&
      errno != EINPROGRESS) {
    const absl::Status status = ErrnoStatus("cannot connect");
    close(fd);
    return status;
  }
  return fd;
}

absl::Status ConnectResult(int fd) {
  socklen_t size = sizeof(int);
  int error = 0;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0) return absl::OkStatus();
  errno = error;
  return ErrnoStatus("cannot connect");
}

LineReader::Outcome LineReader::Read(int fd, const std::string& partial, std::size_t bytes_max) {
  const std::size_t kept = partial.size();
  if (kept >= buffer_.size()) return Outcome::kEnd;  // No line of any server is as long.
  const std::size_t room = std::min(bytes_max, buffer_.size() - kept);
  const ssize_t got = recv(fd, buffer_.data() + kept, room, MSG_DONTWAIT);
  if (got <= 0) {
    return got < 0 && (errno == EAGAIN || errno == EINTR) ? Outcome::kEmpty : Outcome::kEnd;
  }
  std::memcpy(buffer_.data(), partial.data(), kept);
  filled_ = kept + static_cast<std::size_t>(got);
  return Outcome::kRead;
}

}  // namespace txtchat::bench
