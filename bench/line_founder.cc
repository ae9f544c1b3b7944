#include "bench/line_founder.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>

namespace txtchat::bench {
namespace {

// A user may be in 1,000 channels at once.
constexpr std::uint32_t kAtOnce = 500;

/// A blocking line connection.
class Founder {
 public:
  Founder(int fd, std::chrono::milliseconds patience) : fd_(fd), patience_(patience) {}
  ~Founder() { close(fd_); }
  Founder(const Founder&) = delete;
  Founder& operator=(const Founder&) = delete;

  /// Waits until it is connected.
  absl::Status Connected() {
    const absl::Status waited = Await(POLLOUT);
    return waited.ok() ? ConnectResult(fd_) : waited;
  }

  absl::Status SendAll(std::string_view bytes) {
    while (!bytes.empty()) {
      if (absl::Status s = Await(POLLOUT); !s.ok()) return s;
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0) return ErrnoStatus("the server closed the connection");
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return absl::OkStatus();
  }

  /// Reads until the answer to `ping$done`; the lines before it that no server word begins are
  /// appended to `lines`.
  absl::Status ReadAnswers(std::vector<std::string>& lines) {
    bool done = false;
    absl::Status refusal;
    while (!done && refusal.ok()) {
      if (absl::Status s = Await(POLLIN); !s.ok()) return s;
      const LineReader::Outcome outcome = reader_.Read(fd_, partial_);
      if (outcome == LineReader::Outcome::kEnd) {
        return absl::UnavailableError("the server closed the connection");
      }
      if (outcome == LineReader::Outcome::kEmpty) continue;
      reader_.CutLines(partial_, [&](std::string_view line) {
        if (line.substr(0, 8) == "$$error:") {
          refusal = absl::FailedPreconditionError("the server answered " + std::string(line));
        }
        if (line == "$$pong: done") done = true;
        if (line.substr(0, 2) != "$$") lines.emplace_back(line);
      });
    }
    return refusal;
  }

 private:
  absl::Status Await(short what) {
    pollfd waited{.fd = fd_, .events = what, .revents = 0};
    const int ready = poll(&waited, 1, static_cast<int>(patience_.count()));
    if (ready > 0) return absl::OkStatus();
    return absl::DeadlineExceededError(
        "no answer from the server. Is this its line protocol port?");
  }

  const int fd_;
  const std::chrono::milliseconds patience_;
  LineReader reader_;
  std::string partial_;
};

}  // namespace

absl::StatusOr<std::vector<std::string>> FoundChannels(const SocketAddress& server,
                                                       std::uint32_t count,
                                                       std::chrono::milliseconds patience) {
  absl::StatusOr<int> fd = BeginConnect(server, 0);
  if (!fd.ok()) return fd.status();
  Founder founder(*fd, patience);
  std::vector<std::string> ids;
  std::vector<std::string> greeting;
  absl::Status status = founder.Connected();
  if (status.ok()) status = founder.SendAll("reg$bench\nping$done\n");
  if (status.ok()) status = founder.ReadAnswers(greeting);
  if (!status.ok()) return status;
  while (ids.size() < count) {
    const std::size_t before = ids.size();
    const std::size_t wanted = std::min<std::size_t>(kAtOnce, count - before);
    std::string commands;
    for (std::size_t i = 0; i < wanted; ++i) commands += "create_chan$-$bench\n";
    status = founder.SendAll(commands + "ping$done\n");
    if (status.ok()) status = founder.ReadAnswers(ids);
    if (!status.ok()) return status;
    if (ids.size() != before + wanted) {
      return absl::FailedPreconditionError("the server did not answer with the channels' ids");
    }
    commands.clear();
    for (std::size_t i = before; i < ids.size(); ++i) commands += "leave$-$" + ids[i] + "\n";
    std::vector<std::string> nothing;
    status = founder.SendAll(commands + "ping$done\n");
    if (status.ok()) status = founder.ReadAnswers(nothing);
    if (!status.ok()) return status;
  }
  status = founder.SendAll("quit\n");  // Otherwise the server would think that it still reads.
  if (!status.ok()) return status;
  return ids;
}

}  // namespace txtchat::bench
