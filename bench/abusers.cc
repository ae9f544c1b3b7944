#include "bench/abusers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bench/stamp.h"

namespace txtchat::bench {
namespace {

constexpr std::size_t kEventsMax = 512;
constexpr std::size_t kReadBytes = 256 * 1024;
constexpr std::size_t kBlockBytes = 8 * 1024;
constexpr int kSendsInARow = 4;
constexpr std::uint32_t kConnectingMax = 256;
// What could not connect, or was refused, does not spin.
constexpr std::uint64_t kRefusedPauseNs = 100'000'000;
constexpr int kWaitMs = 5;
// One in so many reconnects ends in order; each of these keeps a port of ours for a minute.
constexpr std::uint32_t kOrderlyEndEvery = 32;
constexpr int kUnreadingReceiveBytes = 16 * 1024;
constexpr std::size_t kTextBytes = 64;

/// 127.1.x.y, another one for each.
sockaddr_in OwnAddress(std::uint32_t number) {
  sockaddr_in own{};
  own.sin_family = AF_INET;
  own.sin_addr.s_addr = htonl((127u << 24) | (1u << 16) | (number + 1));
  return own;
}

/// What stands before all that is no answer to `reg`.
bool IsWelcome(std::string_view line) { return line.starts_with("---") || line.starts_with("$$"); }

double OwnCpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

Abusers::Abusers(const AbuseOptions& options, const SocketAddress& server,
                 std::vector<std::string> busy, SharedAbuse& shared)
    : options_(options),
      server_(server),
      busy_(std::move(busy)),
      shared_(shared),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      buffer_(kReadBytes) {
  Add(Abuse::kSilent, options.silent);
  Add(Abuse::kUnreading, options.unreading);
  Add(Abuse::kFlooding, options.flooding);
  Add(Abuse::kReconnecting, options.reconnecting);
}

Abusers::~Abusers() {
  for (Abuser& abuser : abusers_) {
    if (abuser.fd >= 0) Close(abuser, /*by_server=*/false, /*abruptly=*/true);
  }
  if (epoll_ >= 0) close(epoll_);
}

void Abusers::Add(Abuse kind, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) {
    Abuser& abuser = abusers_.emplace_back();
    abuser.kind = kind;
    abuser.number = static_cast<std::uint32_t>(abusers_.size() - 1);
    // One talker for each busy channel is enough to fill the sockets of those who do not read.
    abuser.talks_to_the_busy = kind == Abuse::kFlooding && i < busy_.size();
  }
}

absl::Status Abusers::Run() {
  if (epoll_ < 0) return ErrnoStatus("cannot wait for sockets");
  std::vector<epoll_event> events(kEventsMax);
  while (!shared_.stop) {
    const std::uint64_t now = NowNanos();
    for (Abuser& abuser : abusers_) {
      if (connecting_ >= kConnectingMax) break;
      if (abuser.stage == Stage::kAbsent && abuser.again_ns <= now) Connect(abuser);
    }
    const int count = epoll_wait(epoll_, events.data(), kEventsMax, kWaitMs);
    for (int i = 0; i < count; ++i) {
      Abuser& abuser = abusers_[events[i].data.u32];
      if (abuser.fd >= 0) Handle(abuser, events[i].events);
    }
    shared_.begun = begun_ == abusers_.size();
    shared_.cpu_s = OwnCpuSeconds();
  }
  return absl::OkStatus();
}

void Abusers::Connect(Abuser& abuser) {
  auto& counts = CountsOf(abuser);
  abuser.again_ns = NowNanos() + kRefusedPauseNs;
  const int fd = socket(server_.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    ++counts.failed;
    return;
  }
  const int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (abuser.kind == Abuse::kUnreading) {
    // What is not read shall wait in the server, and not in the kernel's memory here.
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kUnreadingReceiveBytes, sizeof kUnreadingReceiveBytes);
  }
  bool ok = true;
  if (options_.many_addresses) {
    // The port is chosen with the destination known: otherwise ports would run out sooner.
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    const sockaddr_in own = OwnAddress(abuser.number);
    ok = bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0;
  }
  ok = ok && (connect(fd, reinterpret_cast<const sockaddr*>(&server_.storage), server_.size) == 0 ||
              errno == EINPROGRESS);
  if (!ok) {
    ++counts.failed;
    close(fd);
    return;
  }
  abuser.fd = fd;
  abuser.stage = Stage::kConnecting;
  ++connecting_;
  ++counts.open;
  Watch(abuser, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
}

void Abusers::Watch(Abuser& abuser, std::uint32_t events, int operation) {
  epoll_event event{.events = events, .data = {.u32 = abuser.number}};
  epoll_ctl(epoll_, operation, abuser.fd, &event);
}

void Abusers::Close(Abuser& abuser, bool by_server, bool abruptly) {
  auto& counts = CountsOf(abuser);
  if (abuser.stage == Stage::kConnecting) {
    --connecting_;
    ++counts.failed;
  } else if (by_server) {
    ++counts.refused;
  }
  if (abruptly) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(abuser.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  close(std::exchange(abuser.fd, -1));
  --counts.open;
  abuser.stage = Stage::kAbsent;
  abuser.entry.clear();
  abuser.sent = 0;
  abuser.again_ns = by_server ? NowNanos() + kRefusedPauseNs : 0;
}

void Abusers::Handle(Abuser& abuser, std::uint32_t events) {
  if (abuser.stage == Stage::kConnecting) {
    if (!ConnectResult(abuser.fd).ok()) return Close(abuser, /*by_server=*/true, true);
    Connected(abuser);
    return;
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) Receive(abuser);
  if (abuser.fd >= 0 && (events & EPOLLOUT) != 0 && abuser.kind == Abuse::kFlooding) Flood(abuser);
}

void Abusers::Connected(Abuser& abuser) {
  --connecting_;
  ++abuser.lives;
  ++CountsOf(abuser).connected;
  abuser.stage = Stage::kEntering;
  Watch(abuser, EPOLLIN, EPOLL_CTL_MOD);
  switch (abuser.kind) {
    case Abuse::kSilent:
      // Half of them do not even say half a line.
      if (abuser.number % 2 == 0) SendAll(abuser, "send_m", 0);
      if (abuser.fd >= 0) Begin(abuser);
      return;
    case Abuse::kUnreading: {
      const std::string& channel = busy_[abuser.number % busy_.size()];
      std::string hello = absl::StrCat("reg$unreading\njoin$-$", channel, "\n");
      for (int i = 0; i < 100; ++i) hello += "help\nchannels\n";
      SendAll(abuser, hello, 202);
      if (abuser.fd < 0) return;
      Watch(abuser, 0, EPOLL_CTL_MOD);
      Begin(abuser);
      return;
    }
    case Abuse::kFlooding:
    case Abuse::kReconnecting:
      SendAll(abuser, absl::StrCat("reg$", std::string(NameOf(abuser.kind)), "\n"), 1);
      return;
  }
}

void Abusers::Begin(Abuser& abuser) {
  abuser.stage = Stage::kAbusing;
  if (std::exchange(abuser.has_begun, true)) return;
  ++begun_;
}

void Abusers::Receive(Abuser& abuser) {
  const ssize_t got = recv(abuser.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return Close(abuser, /*by_server=*/true, /*abruptly=*/true);
  const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(got));
  auto& counts = CountsOf(abuser);
  counts.bytes_received += bytes.size();
  std::size_t lines = 0;
  std::size_t errors = bytes.starts_with("$$error") ? 1 : 0;
  for (std::size_t at = bytes.find('\n'); at != std::string_view::npos;
       at = bytes.find('\n', at + 1)) {
    ++lines;
    if (bytes.compare(at + 1, 7, "$$error") == 0) ++errors;
  }
  counts.lines_received += lines;
  counts.errors += errors;
  if (abuser.stage == Stage::kEntering) OnEntryBytes(abuser, bytes);
}

// Behind the welcome comes the id of the channel that everybody has.
void Abusers::OnEntryBytes(Abuser& abuser, std::string_view bytes) {
  abuser.entry.append(bytes);
  std::string own_channel;
  abuser.entry.erase(0, CutLines(abuser.entry, [&](std::string_view line) {
                       if (own_channel.empty() && !IsWelcome(line)) own_channel = line;
                     }));
  if (own_channel.empty()) return;
  abuser.entry.clear();
  Begin(abuser);
  if (abuser.kind == Abuse::kFlooding) {
    MakeBlock(abuser, own_channel);
    if (abuser.talks_to_the_busy) {
      SendAll(abuser, absl::StrCat("join$-$", busy_[abuser.number % busy_.size()], "\n"), 1);
    }
    if (abuser.fd >= 0) Watch(abuser, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
    return;
  }
  SendAll(abuser, absl::StrCat("send_msg$-$", own_channel, "$here I am again\n"), 1);
  if (abuser.fd < 0) return;
  Close(abuser, /*by_server=*/false, /*abruptly=*/abuser.lives % kOrderlyEndEvery != 0);
}

void Abusers::MakeBlock(Abuser& abuser, const std::string& own_channel) {
  const std::string& channel =
      abuser.talks_to_the_busy ? busy_[abuser.number % busy_.size()] : own_channel;
  const std::string text(kTextBytes, 'x');
  abuser.block.clear();
  abuser.block_lines = 0;
  while (abuser.block.size() < kBlockBytes) {
    switch (abuser.block_lines++ % 16) {
      case 5:
        absl::StrAppend(&abuser.block, "reg$again\n");
        break;
      case 9:
        absl::StrAppend(&abuser.block, "rename$", own_channel, "$", abuser.block_lines, "\n");
        break;
      case 13:
        absl::StrAppend(&abuser.block, "nonsense ", text, "\n");
        break;
      default:
        absl::StrAppend(&abuser.block, "send_msg$-$", channel, "$", text, "\n");
        break;
    }
  }
}

void Abusers::Flood(Abuser& abuser) {
  auto& counts = CountsOf(abuser);
  bool full = false;
  for (int i = 0; i < kSendsInARow && !full; ++i) {
    const std::size_t left = abuser.block.size() - abuser.sent;
    const ssize_t n =
        send(abuser.fd, abuser.block.data() + abuser.sent, left, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN && errno != EINTR) return Close(abuser, /*by_server=*/true, true);
    full = n < static_cast<ssize_t>(left);
    if (n <= 0) break;
    counts.bytes_sent += static_cast<std::uint64_t>(n);
    abuser.sent += static_cast<std::size_t>(n);
    if (abuser.sent < abuser.block.size()) continue;
    abuser.sent = 0;
    counts.lines_sent += abuser.block_lines;
  }
}

bool Abusers::SendAll(Abuser& abuser, std::string_view bytes, std::uint64_t lines) {
  const ssize_t n = send(abuser.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n != static_cast<ssize_t>(bytes.size())) {  // A new socket has room for it.
    Close(abuser, /*by_server=*/true, /*abruptly=*/true);
    return false;
  }
  auto& counts = CountsOf(abuser);
  counts.bytes_sent += bytes.size();
  counts.lines_sent += lines;
  return true;
}

}  // namespace txtchat::bench
