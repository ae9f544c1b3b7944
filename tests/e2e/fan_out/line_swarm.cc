#include "tests/e2e/fan_out/line_swarm.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>

namespace txtchat::e2e {
namespace {

constexpr std::uint32_t kWindow = 32;  // A sender's messages that have not come back yet.
constexpr std::uint64_t kStopSignal = 1;
constexpr std::uint64_t kSendSignal = 1u << 20;

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "fan_out: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

}  // namespace

struct LineSwarm::Client {
  Client(int socket, Role r, std::uint32_t s, Traffic traffic)
      : fd(socket), role(r), sender(s), tally(traffic) {}
  ~Client() { close(fd); }

  const int fd;
  const Role role;
  const std::uint32_t sender;
  Tally tally;
  std::uint16_t port = 0;
  std::string partial;  ///< Of a line.
  std::string channel;
  std::string unsent;
  std::uint32_t sent = 0;
  std::uint32_t returned = 0;
};

LineSwarm::LineSwarm(std::uint16_t port, Traffic traffic, Progress& progress)
    : port_(port),
      traffic_(traffic),
      progress_(progress),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      buffer_(256 * 1024) {
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0) Die("epoll");
}

LineSwarm::~LineSwarm() {
  Stop();
  close(wake_);
  close(epoll_);
}

std::string LineSwarm::ReadLineBlocking(Client& client) {
  for (;;) {
    const std::size_t end = client.partial.find('\n');
    if (end != std::string::npos) {
      std::string line = client.partial.substr(0, end);
      client.partial.erase(0, end + 1);
      return line;
    }
    const ssize_t got = recv(client.fd, buffer_.data(), buffer_.size(), 0);
    if (got <= 0) Die("a line client cannot register or join; the last it got: " + client.partial);
    client.partial.append(buffer_.data(), static_cast<std::size_t>(got));
  }
}

std::string LineSwarm::Connect(Role role, const std::string& channel, std::uint32_t sender) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) Die("socket");
  // A stalled one lets the kernel hold little for it.
  const int small = 4096;
  if (role == Role::kStalled) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  const int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  const timeval patience{.tv_sec = 60, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) Die("connect");
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);

  auto client = std::make_unique<Client>(fd, role, sender, traffic_);
  client->port = ntohs(address.sin_port);
  const auto send_line = [&](const std::string& line) {
    if (send(fd, line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) {
      Die("send");
    }
  };
  ReadLineBlocking(*client);  // The welcome.
  send_line("reg$swarm " + std::to_string(clients_.size()) + "\n");
  ReadLineBlocking(*client);  // The id.
  if (channel.empty()) {
    send_line("create_chan$-$fan-out\n");
    client->channel = ReadLineBlocking(*client);
  } else {
    send_line("join$-$" + channel + "\n");
    client->channel = channel;
    const std::string joined = ReadLineBlocking(*client);
    if (joined != "$$joined: " + channel) Die("no join but " + joined);
  }
  clients_.push_back(std::move(client));
  return clients_.back()->channel;
}

void LineSwarm::Watch(Client& client, std::uint32_t events, bool add) {
  epoll_event event{.events = events, .data = {.ptr = &client}};
  if (epoll_ctl(epoll_, add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, client.fd, &event) != 0) Die("epoll");
}

void LineSwarm::Start() {
  for (const auto& client : clients_) {
    if (client->role != Role::kStalled) Watch(*client, EPOLLIN, true);
  }
  thread_ = std::thread([this] { Run(); });
}

void LineSwarm::StartSending() { eventfd_write(wake_, kSendSignal); }

void LineSwarm::WakeStalled() {
  for (const auto& client : clients_) {
    if (client->role == Role::kStalled) Watch(*client, EPOLLIN, true);
  }
}

void LineSwarm::Stop() {
  if (!thread_.joinable()) return;
  eventfd_write(wake_, kStopSignal);
  thread_.join();
}

void LineSwarm::Run() {
  std::vector<epoll_event> events(256);
  for (;;) {
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      auto* const client = static_cast<Client*>(events[i].data.ptr);
      if (client != nullptr) {
        if ((events[i].events & EPOLLOUT) != 0) SendMore(*client);
        if ((events[i].events & ~EPOLLOUT) != 0) Receive(*client);
        continue;
      }
      eventfd_t signals = 0;
      eventfd_read(wake_, &signals);
      if ((signals & (kSendSignal - 1)) != 0) return;
      sending_ = true;
      for (const auto& each : clients_) {
        if (each->role == Role::kSender) SendMore(*each);
      }
    }
  }
}

void LineSwarm::Receive(Client& client) {
  const ssize_t got = recv(client.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    epoll_ctl(epoll_, EPOLL_CTL_DEL, client.fd, nullptr);
    return progress_.Fail("a line client lost its connection");
  }
  std::string_view rest(buffer_.data(), static_cast<std::size_t>(got));
  for (std::size_t end = 0; (end = rest.find('\n')) != std::string_view::npos;) {
    if (client.partial.empty()) {
      TakeLine(client, rest.substr(0, end));
    } else {
      client.partial.append(rest.substr(0, end));
      TakeLine(client, client.partial);
      client.partial.clear();
    }
    rest.remove_prefix(end + 1);
  }
  client.partial.append(rest);
  if (client.role == Role::kSender && sending_) SendMore(client);
}

void LineSwarm::TakeLine(Client& client, std::string_view line) {
  if (line.substr(0, 10) == "$$joined: ") return;
  if (std::string problem = client.tally.Add(line); !problem.empty()) {
    return progress_.Fail("a line client " + problem);
  }
  std::uint32_t sender = 0;
  std::uint32_t number = 0;
  if (client.role == Role::kSender && ParseText(line, sender, number) && sender == client.sender) {
    ++client.returned;
  }
  if (client.tally.complete()) progress_.OneMoreComplete();
}

void LineSwarm::SendMore(Client& client) {
  while (client.sent < traffic_.messages_each && client.sent - client.returned < kWindow) {
    client.unsent +=
        "send_msg$-$" + client.channel + "$" + MakeText(client.sender, client.sent++) + "\n";
  }
  if (client.unsent.empty()) return;
  const ssize_t sent =
      send(client.fd, client.unsent.data(), client.unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent > 0) client.unsent.erase(0, static_cast<std::size_t>(sent));
  Watch(client, client.unsent.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT, false);
}

std::size_t LineSwarm::HeldForStalledMax() const {
  // /proc/net/tcp names both ends of each connection, and what the server's end has not sent yet.
  std::map<unsigned, std::size_t> unsent_to_port;
  std::ifstream table("/proc/net/tcp");
  for (std::string line; std::getline(table, line);) {
    unsigned local_port = 0;
    unsigned remote_port = 0;
    std::size_t unsent = 0;
    if (std::sscanf(line.c_str(), " %*d: %*8x:%x %*8x:%x %*x %zx:", &local_port, &remote_port,
                    &unsent) == 3 &&
        local_port == port_) {
      unsent_to_port[remote_port] = unsent;
    }
  }
  std::size_t held_max = 0;
  for (const auto& client : clients_) {
    if (client->role != Role::kStalled) continue;
    int unread = 0;
    ioctl(client->fd, FIONREAD, &unread);
    held_max = std::max(held_max, unsent_to_port[client->port] + static_cast<std::size_t>(unread));
  }
  return held_max;
}

std::vector<const Tally*> LineSwarm::tallies() const {
  std::vector<const Tally*> all;
  all.reserve(clients_.size());
  for (const auto& client : clients_) all.push_back(&client->tally);
  return all;
}

}  // namespace txtchat::e2e
