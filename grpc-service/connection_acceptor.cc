#include "grpc-service/connection_acceptor.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace txtchat::rpc {
namespace {

using std::chrono::steady_clock;

constexpr int kBacklog = 4'096;
constexpr int kAcceptsPerTurn = 64;
/// How long to wait for a file to become free.
constexpr int kPauseMs = 100;
/// 10,000 sockets are looked through in some milliseconds.
constexpr std::chrono::milliseconds kLookInterval{100};
/// Those of one peer are few.
constexpr std::chrono::milliseconds kPeerLookInterval{10};

std::optional<ino_t> InodeOf(int fd) {
  struct stat file {};
  if (::fstat(fd, &file) != 0) return std::nullopt;
  return file.st_ino;
}

void Set(int fd, int level, int option, int value) {
  (void)::setsockopt(fd, level, option, &value, sizeof value);
}

/// A socket that listens on the address, and its port.
absl::StatusOr<std::pair<int, int>> ListenOn(const addrinfo& found, int port, int peer_timeout_ms) {
  sockaddr_storage address{};
  std::memcpy(&address, found.ai_addr, found.ai_addrlen);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  auto* const v4 = reinterpret_cast<sockaddr_in*>(&address);
  auto* const v6 = reinterpret_cast<sockaddr_in6*>(&address);
  in_port_t& port_field = found.ai_family == AF_INET6 ? v6->sin6_port : v4->sin_port;
  port_field = htons(static_cast<std::uint16_t>(port));
  const int fd = ::socket(found.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return absl::UnavailableError(std::strerror(errno));
  Set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (found.ai_family == AF_INET6) Set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);  // [::] serves IPv4, too.
  // Connections inherit these.
  Set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  Set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, peer_timeout_ms);
  socklen_t size = found.ai_addrlen;
  if (::bind(fd, any, size) != 0 || ::listen(fd, kBacklog) != 0 ||
      ::getsockname(fd, any, &size) != 0) {
    const int error = errno;
    ::close(fd);
    return absl::UnavailableError(std::strerror(error));
  }
  return std::pair<int, int>(fd, ntohs(port_field));
}

/// `HOST:PORT` in parts, the brackets of an IPv6 address removed; nothing if it is none.
std::optional<std::pair<std::string, int>> SplitAddress(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  int port = 0;
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port) ||
      port < 0 || port > 65'535) {
    return std::nullopt;
  }
  std::string host = address.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return std::pair(host, port);
}

PeerKey PeerAt(const sockaddr_storage& address) {
  PeerKey found;
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
    found = {IpAddress::FromV4(bytes), ntohs(v4.sin_port)};
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    std::memcpy(found.address.bytes.data(), &v6.sin6_addr, found.address.bytes.size());
    found.port = ntohs(v6.sin6_port);
  }
  return found;
}

}  // namespace

// --- OpenSockets.

bool OpenSockets::TryAdd(int fd, const PeerKey& peer, const IpAddress& block,
                         ConnectionLimiter::Place place, TimePoint now) {
  const std::optional<ino_t> inode = InodeOf(fd);
  if (!inode.has_value()) return false;
  Places freed;  // After the mutex.
  absl::MutexLock lock(&mutex_);
  Forget(fd, freed);
  if (sockets_.size() >= max_ && now >= next_look_) {
    std::vector<int> all;
    for (const auto& [other, socket] : sockets_) all.push_back(other);
    ForgetClosed(all, freed);
    next_look_ = now + kLookInterval;
  }
  if (sockets_.size() >= max_) return false;
  sockets_.emplace(fd, Socket{*inode, peer, block, std::move(place)});
  if (peer.address.known()) fds_[peer] = fd;
  if (block.known()) peers_[block].fds.insert(fd);
  return true;
}

void OpenSockets::ForgetClosedOf(const IpAddress& block, TimePoint now) {
  Places freed;  // After the mutex.
  absl::MutexLock lock(&mutex_);
  const auto it = peers_.find(block);
  if (it == peers_.end() || now < it->second.next_look) return;
  it->second.next_look = now + kPeerLookInterval;
  ForgetClosed({it->second.fds.begin(), it->second.fds.end()}, freed);
}

bool OpenSockets::ShutDown(const PeerKey& peer) {
  absl::MutexLock lock(&mutex_);
  const auto it = fds_.find(peer);
  if (it == fds_.end()) return false;
  // A descriptor of our own cannot be closed, and its number given to another file, meanwhile.
  const int own = ::fcntl(it->second, F_DUPFD_CLOEXEC, 0);
  if (own < 0) return false;
  const bool is_it = InodeOf(own) == sockets_.at(it->second).inode;
  if (is_it) ::shutdown(own, SHUT_RDWR);
  ::close(own);
  fds_.erase(it);  // Once is enough.
  return is_it;
}

void OpenSockets::ForgetClosed(const std::vector<int>& fds, Places& freed) {
  for (const int fd : fds) {
    if (InodeOf(fd) != sockets_.at(fd).inode) Forget(fd, freed);
  }
}

void OpenSockets::Forget(int fd, Places& freed) {
  const auto it = sockets_.find(fd);
  if (it == sockets_.end()) return;
  freed.push_back(std::move(it->second.place));
  const auto by_peer = fds_.find(it->second.peer);
  if (by_peer != fds_.end() && by_peer->second == fd) fds_.erase(by_peer);
  const auto peer = peers_.find(it->second.block);
  if (peer != peers_.end()) {
    peer->second.fds.erase(fd);
    if (peer->second.fds.empty()) peers_.erase(peer);
  }
  sockets_.erase(it);
}

// --- ConnectionAcceptor.

absl::StatusOr<std::unique_ptr<ConnectionAcceptor>> ConnectionAcceptor::Listen(
    const std::vector<std::string>& addresses, std::size_t connections_max, int peer_timeout_ms,
    PeerGuard* peers) {
  std::unique_ptr<ConnectionAcceptor> acceptor(new ConnectionAcceptor(connections_max, peers));
  for (const std::string& address : addresses) {
    const absl::Status added = acceptor->Add(address, peer_timeout_ms);
    if (!added.ok()) {
      return absl::UnavailableError(absl::StrCat(address, " (", added.message(), ")"));
    }
  }
  acceptor->stop_event_ = ::eventfd(0, EFD_CLOEXEC);
  if (acceptor->stop_event_ < 0) return absl::UnavailableError(std::strerror(errno));
  return acceptor;
}

absl::Status ConnectionAcceptor::Add(const std::string& address, int peer_timeout_ms) {
  const auto parts = SplitAddress(address);
  if (!parts.has_value()) return absl::UnavailableError("not HOST:PORT");
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(parts->first.c_str(), nullptr, &hints, &found); error != 0) {
    return absl::UnavailableError(::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(found, &::freeaddrinfo);
  int port = parts->second;
  bool any = false;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    const auto listening = ListenOn(*each, port, peer_timeout_ms);
    if (listening.ok()) {
      any = true;
      listeners_.push_back({listening->first, ports_.size()});
      port = listening->second;
    } else if (!any) {
      return listening.status();
    }
  }
  ports_.push_back(port);
  return absl::OkStatus();
}

ConnectionAcceptor::ConnectionAcceptor(std::size_t connections_max, PeerGuard* peers)
    : peers_(peers), open_(connections_max) {
  if (peers_ == nullptr) return;
  peers_->connections().SetFinder(
      [this](const IpAddress& block) { open_.ForgetClosedOf(block, steady_clock::now()); });
}

ConnectionAcceptor::~ConnectionAcceptor() {
  if (peers_ != nullptr) peers_->connections().SetFinder(nullptr);
  Stop();
  if (stop_event_ >= 0) ::close(stop_event_);
}

void ConnectionAcceptor::Start(std::function<void(int, std::size_t)> take) {
  take_ = std::move(take);
  thread_ = std::thread([this] { Run(); });
}

void ConnectionAcceptor::Stop() {
  if (thread_.joinable()) {
    (void)::eventfd_write(stop_event_, 1);
    thread_.join();
  }
  for (const Listener& listener : std::exchange(listeners_, {})) ::close(listener.fd);
}

void ConnectionAcceptor::Run() {
  std::vector<pollfd> waiting{{stop_event_, POLLIN, 0}};
  for (const Listener& listener : listeners_) waiting.push_back({listener.fd, POLLIN, 0});
  bool out_of_files = false;
  for (;;) {
    const nfds_t count = out_of_files ? 1 : waiting.size();
    if (::poll(waiting.data(), count, out_of_files ? kPauseMs : -1) < 0) continue;
    if (waiting.front().revents != 0) return;
    out_of_files = false;
    for (std::size_t i = 1; i < waiting.size() && !out_of_files; ++i) {
      if (count == 1 || waiting[i].revents != 0) out_of_files = !AcceptWaiting(listeners_[i - 1]);
    }
    if (out_of_files) ++pauses_;
  }
}

bool ConnectionAcceptor::Admit(int fd, const PeerKey& from) {
  if (peers_ == nullptr) return open_.TryAdd(fd, from, {}, {}, steady_clock::now());
  ConnectionLimiter::Place place = peers_->TryAcquireConnection(from.address);
  if (!place.held()) return false;
  return open_.TryAdd(fd, from, peers_->BlockOf(from.address), std::move(place),
                      steady_clock::now());
}

bool ConnectionAcceptor::AcceptWaiting(const Listener& listener) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    const int fd = ::accept4(listener.fd, reinterpret_cast<sockaddr*>(&address), &size,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      if (Admit(fd, PeerAt(address))) {
        take_(fd, listener.address);
      } else {
        ++refused_;
        ::close(fd);
      }
      continue;
    }
    switch (errno) {
      case EAGAIN:
        return true;
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
        return false;
      default:
        break;  // This one connection is gone; the next may be well.
    }
  }
  return true;
}

}  // namespace txtchat::rpc
