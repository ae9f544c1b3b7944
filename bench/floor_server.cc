#include "bench/floor_server.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "bench/line_socket.h"

namespace txtchat::bench {
namespace {

constexpr std::string_view kWelcome = "------Welcome to Txt Chat------\n";
constexpr int kEventsMax = 512;
constexpr int kBacklog = 4096;
constexpr int kTurnMs = 200;  // How late a signal may be noticed.

class FloorServer {
 public:
  explicit FloorServer(FloorHooks hooks)
      : hooks_(std::move(hooks)), epoll_(epoll_create1(EPOLL_CLOEXEC)), events_(kEventsMax) {}
  ~FloorServer() {
    clients_.clear();
    if (listener_ >= 0) close(listener_);
    close(epoll_);
  }
  FloorServer(const FloorServer&) = delete;
  FloorServer& operator=(const FloorServer&) = delete;

  absl::Status Listen(const Endpoint& listen_on) {
    absl::StatusOr<SocketAddress> address = Resolve(listen_on);
    if (!address.ok()) return address.status();
    listener_ = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int yes = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    auto* const name = reinterpret_cast<sockaddr*>(&address->storage);
    if (listener_ < 0 || bind(listener_, name, address->size) != 0 ||
        listen(listener_, kBacklog) != 0 || getsockname(listener_, name, &address->size) != 0) {
      return ErrnoStatus("cannot listen on " + listen_on.ToString());
    }
    Endpoint bound = listen_on;
    bound.port = ntohs(reinterpret_cast<sockaddr_in*>(name)->sin_port);  // The same place in IPv6.
    std::printf("%s %s\n", hooks_.announcement.c_str(), bound.ToString().c_str());
    std::fflush(stdout);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
    return absl::OkStatus();
  }

  void Turn() {
    const int count = epoll_wait(epoll_, events_.data(), kEventsMax, kTurnMs);
    for (int i = 0; i < count; ++i) {
      auto* const client = static_cast<Client*>(events_[i].data.ptr);
      if (client == nullptr) {
        Accept();
      } else if (client->fd >= 0) {
        if ((events_[i].events & EPOLLOUT) != 0) WriteBacklog(*client);
        if ((events_[i].events & ~EPOLLOUT) != 0) Receive(*client);
      }
    }
    for (Client* client : gone_) clients_.erase(client->number);
    gone_.clear();
  }

 private:
  struct Channel;
  struct Client {
    ~Client() { Close(); }
    void Close() {
      if (fd >= 0) close(std::exchange(fd, -1));
    }
    int fd = -1;
    std::uint64_t number = 0;
    std::string partial;
    std::string backlog;  ///< What the socket did not take.
    std::vector<Channel*> channels;
  };
  struct Channel {
    std::string id;
    std::vector<Client*> members;
    std::string out;  ///< Texts of the read at hand.
  };

  void Accept() {
    int fd = -1;
    while ((fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
      const int yes = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      auto client = std::make_unique<Client>();
      client->fd = fd;
      client->number = next_number_++;
      epoll_event event{.events = EPOLLIN, .data = {.ptr = client.get()}};
      epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
      Write(*client, kWelcome);
      clients_[client->number] = std::move(client);
    }
  }

  void Receive(Client& client) {
    const LineReader::Outcome outcome = reader_.Read(client.fd, client.partial);
    if (outcome == LineReader::Outcome::kEnd) return Drop(client);
    if (outcome == LineReader::Outcome::kEmpty) return;
    answers_.clear();
    reader_.CutLines(client.partial, [&](std::string_view line) { Take(client, line); });
    if (!answers_.empty()) Write(client, answers_);
    for (Channel* channel : spoken_in_) {
      for (Client* member : channel->members) Write(*member, channel->out);
      channel->out.clear();
    }
    spoken_in_.clear();
  }

  /// One command: a word, and up to two fields after `$`. The text of a message is the rest.
  void Take(Client& client, std::string_view line) {
    const std::string_view word = CutField(line);
    if (word == "ping") {
      answers_.append("$$pong: ").append(line).append("\n");
      return;
    }
    if (word == "reg") {
      answers_ += "127.0.0.1:1\n";
      return;
    }
    CutField(line);  // The user's id, which the connection stands for.
    if (word == "create_chan") {
      answers_ += ChannelOf(absl::StrFormat("%010x", channels_.size())).id + "\n";
      return;
    }
    const std::string_view id = CutField(line);
    if (word == "join") {
      Channel& channel = ChannelOf(std::string(id));
      channel.members.push_back(&client);
      client.channels.push_back(&channel);
    } else if (word == "send_msg") {
      Speak(std::string(id), line);
    }
  }

  void Speak(const std::string& id, std::string_view text) {
    const auto found = channels_.find(id);
    if (found == channels_.end()) return;
    Channel& channel = *found->second;
    if (hooks_.on_text) hooks_.on_text(id, text);
    if (channel.out.empty()) spoken_in_.push_back(&channel);
    channel.out.append(text).append("\n");
  }

  /// Made if it is not there.
  Channel& ChannelOf(const std::string& id) {
    std::unique_ptr<Channel>& channel = channels_[id];
    if (channel == nullptr) channel = std::make_unique<Channel>(Channel{.id = id});
    return *channel;
  }

  static std::string_view CutField(std::string_view& line) {
    const std::size_t end = line.find('$');
    const std::string_view field = line.substr(0, end);
    line = end == std::string_view::npos ? std::string_view() : line.substr(end + 1);
    return field;
  }

  void Write(Client& client, std::string_view bytes) {
    if (client.fd < 0) return;
    if (!client.backlog.empty()) {
      client.backlog += bytes;
      return;
    }
    const ssize_t sent = send(client.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent == static_cast<ssize_t>(bytes.size())) return;
    client.backlog = bytes.substr(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
    Watch(client, EPOLLIN | EPOLLOUT);
  }

  void WriteBacklog(Client& client) {
    const ssize_t sent =
        send(client.fd, client.backlog.data(), client.backlog.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) client.backlog.erase(0, static_cast<std::size_t>(sent));
    if (client.backlog.empty()) Watch(client, EPOLLIN);
  }

  void Watch(Client& client, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.ptr = &client}};
    epoll_ctl(epoll_, EPOLL_CTL_MOD, client.fd, &event);
  }

  void Drop(Client& client) {
    for (Channel* channel : client.channels) std::erase(channel->members, &client);
    client.Close();
    gone_.push_back(&client);  // The events at hand may still name it.
  }

  const FloorHooks hooks_;
  const int epoll_;
  int listener_ = -1;
  LineReader reader_;
  std::vector<epoll_event> events_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Client>> clients_;
  std::unordered_map<std::string, std::unique_ptr<Channel>> channels_;
  std::vector<Client*> gone_;
  std::vector<Channel*> spoken_in_;
  std::string answers_;
  std::uint64_t next_number_ = 0;
};

}  // namespace

absl::Status ServeFloor(const Endpoint& listen, const std::atomic<bool>& stop) {
  return ServeFloor(listen, stop, FloorHooks());
}

absl::Status ServeFloor(const Endpoint& listen, const std::atomic<bool>& stop, FloorHooks hooks) {
  FloorServer server(std::move(hooks));
  if (absl::Status s = server.Listen(listen); !s.ok()) return s;
  while (!stop) server.Turn();
  return absl::OkStatus();
}

}  // namespace txtchat::bench
