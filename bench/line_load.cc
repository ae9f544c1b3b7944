#include "bench/line_load.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

namespace txtchat::bench {
namespace {

// More connections at once would only wait in the server's queue of new ones.
constexpr std::size_t kConnectingMax = 256;
constexpr std::size_t kEventsMax = 512;
// Readers that lag shall not have a megabyte waiting in the kernel.
constexpr int kLaggingReceiveBytes = 16 * 1024;
constexpr std::uint64_t kSlowTickNs = 20'000'000;
constexpr std::uint64_t kTurnNs = 50'000'000;

/// Breaks a connection off. One that is only closed looks half-closed to the server until it writes
/// again: it would still be there when the next ones come.
void Reset(int fd) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(fd);
}

absl::Status Closed() { return absl::UnavailableError("the server closed a connection"); }

}  // namespace

LineLoad::LineLoad(const LoadContext& context)
    : Load(context),
      wire_(MakeWire(context.options)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      events_(kEventsMax),
      connections_(context.layout.seats.size()),
      publisher_seats_(context.options.publishers) {
  for (std::uint32_t i = 0; i < connections_.size(); ++i) {
    const Seat& seat = context.layout.seats[i];
    connections_[i].seat = i;
    if (!IsOnLines(context.options, seat.role)) continue;
    if (seat.role == Role::kPublisher) publisher_seats_[seat.publisher] = i;
    if (seat.role == Role::kSlow) slow_seats_.push_back(i);
  }
}

LineLoad::~LineLoad() {
  for (const Connection& connection : connections_) {
    if (connection.fd >= 0) Reset(connection.fd);
  }
  if (epoll_ >= 0) close(epoll_);
}

absl::Status LineLoad::Connect() {
  if (epoll_ < 0) return ErrnoStatus("cannot wait for sockets");
  absl::StatusOr<SocketAddress> address =
      Resolve(context_.options.line_server.value_or(context_.options.server));
  if (!address.ok()) return address.status();
  address_ = *address;
  if (channel_ids_.empty()) {
    absl::StatusOr<std::vector<std::string>> ids =
        wire_->Channels(address_, context_.layout.channels_in_all(),
                        std::chrono::milliseconds(patience_ns() / 1'000'000));
    if (!ids.ok()) return ids.status();
    channel_ids_ = *std::move(ids);
  }
  for (const std::uint32_t seat : publisher_seats_) {
    const std::uint32_t channel = context_.layout.seats[seat].first_channel;
    connections_[seat].send_head = wire_->SendHead(channel_ids_[channel]);
  }
  std::vector<std::uint32_t> everybody;
  for (const Connection& connection : connections_) {
    if (IsOnLines(context_.options, SeatOf(connection).role)) everybody.push_back(connection.seat);
  }
  Histogram took_ns;
  return Enter(everybody, kConnectingMax, "connecting", took_ns);
}

absl::StatusOr<Histogram> LineLoad::Storm() {
  std::vector<std::uint32_t> subscribers;
  for (Connection& connection : connections_) {
    if (SeatOf(connection).role != Role::kSubscriber || connection.fd < 0) continue;
    subscribers.push_back(connection.seat);
    Reset(std::exchange(connection.fd, -1));
    connection.state = State::kAbsent;
    connection.partial.clear();
    connection.unsent.clear();
    connection.awaits_room = false;
    --present_;
  }
  Histogram took_ns;
  const absl::Status status = Enter(subscribers, subscribers.size(), "coming back", took_ns);
  if (!status.ok()) return status;
  return took_ns;
}

absl::Status LineLoad::Enter(const std::vector<std::uint32_t>& seats, std::size_t at_once,
                             const char* what, Histogram& took_ns) {
  const std::uint32_t target = present_ + static_cast<std::uint32_t>(seats.size());
  entry_began_ns_ = last_entered_ns_ = NowNanos();
  entry_took_ns_ = &took_ns;
  for (std::size_t next = 0; present_ < target;) {
    while (failure_.ok() && next < seats.size() && entering_ < at_once) Begin(seats[next++]);
    if (!failure_.ok()) break;
    if (context_.interrupted) {
      failure_ = absl::CancelledError("interrupted");
    } else if (patience_is_over(last_entered_ns_)) {
      failure_ = absl::DeadlineExceededError(std::to_string(target - present_) + " of " +
                                             std::to_string(seats.size()) +
                                             " connections are still not in their channels");
    }
    const std::uint64_t now = NowNanos();
    Turn(now + kTurnNs);
    context_.progress.Update(what, seats.size() - (target - present_), seats.size(), now);
  }
  entry_took_ns_ = nullptr;
  return failure_;
}

void LineLoad::Begin(std::uint32_t seat) {
  Connection& connection = connections_[seat];
  const Role role = SeatOf(connection).role;
  const bool lags = role == Role::kSlow || role == Role::kStalled;
  absl::StatusOr<int> fd = BeginConnect(address_, lags ? kLaggingReceiveBytes : 0);
  if (!fd.ok()) {
    failure_ = fd.status();
    return;
  }
  ++entering_;
  connection.fd = *fd;
  connection.state = State::kConnecting;
  Watch(connection, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
  connection.awaits_room = true;
}

std::string LineLoad::EntryCommands(const Seat& seat) const {
  std::vector<std::string_view> channels;
  for (std::uint32_t i = 0; i < seat.channel_count; ++i) {
    channels.push_back(channel_ids_[context_.layout.ChannelOf(seat, i)]);
  }
  return wire_->EntryCommands(channels);
}

void LineLoad::Lost(Connection& connection, absl::Status why) {
  const bool was_present = connection.state == State::kPresent;
  --(was_present ? present_ : entering_);
  if (was_present) incidents_.Note(&Incidents::disconnects, std::string(why.message()));
  if ((!was_present || SeatOf(connection).role == Role::kPublisher) && failure_.ok()) {
    failure_ = std::move(why);
  }
  connection.state = State::kLost;
  close(std::exchange(connection.fd, -1));
}

bool LineLoad::IsWatched(const Connection& connection) const {
  const Role role = SeatOf(connection).role;
  return connection.state != State::kPresent || (role != Role::kSlow && role != Role::kStalled);
}

void LineLoad::Watch(Connection& connection, std::uint32_t events, int operation) {
  epoll_event event{.events = events, .data = {.u32 = connection.seat}};
  if (epoll_ctl(epoll_, operation, connection.fd, &event) != 0 && failure_.ok()) {
    failure_ = ErrnoStatus("cannot wait for a socket");
  }
}

void LineLoad::Turn(std::uint64_t until_ns) {
  const std::uint64_t now = NowNanos();
  if (!slow_seats_.empty()) until_ns = std::min(until_ns, std::max(now, next_slow_ns_));
  const std::uint64_t wait_ns = until_ns > now ? until_ns - now : 0;
  const timespec wait{.tv_sec = static_cast<std::time_t>(wait_ns / 1'000'000'000),
                      .tv_nsec = static_cast<long>(wait_ns % 1'000'000'000)};
  const int count = epoll_pwait2(epoll_, events_.data(), kEventsMax, &wait, nullptr);
  for (int i = 0; i < count; ++i) {
    Connection& connection = connections_[events_[i].data.u32];
    if (connection.fd >= 0) Handle(connection, events_[i].events);
  }
  if (!slow_seats_.empty() && NowNanos() >= next_slow_ns_) ReadSlow();
}

void LineLoad::Handle(Connection& connection, std::uint32_t events) {
  if ((events & EPOLLOUT) != 0) {
    if (connection.state == State::kConnecting) {
      if (absl::Status s = ConnectResult(connection.fd); !s.ok()) return Lost(connection, s);
      connection.state = State::kEntering;
      connection.unsent = EntryCommands(SeatOf(connection));
    }
    Write(connection);
  }
  if ((events & ~EPOLLOUT) != 0 && connection.fd >= 0) {
    Receive(connection, LineReader::kBufferBytes);
  }
}

void LineLoad::ReadSlow() {
  next_slow_ns_ = NowNanos() + kSlowTickNs;
  const auto credit = static_cast<std::uint32_t>(std::uint64_t{context_.options.slow_bytes_per_s} *
                                                 kSlowTickNs / 1'000'000'000);
  for (const std::uint32_t seat : slow_seats_) {
    Connection& connection = connections_[seat];
    if (connection.state != State::kPresent) continue;
    if (slow_may_hurry_) {
      Receive(connection, LineReader::kBufferBytes);
      next_slow_ns_ = 0;  // Without a pause.
    } else {
      Receive(connection, std::max<std::size_t>(credit, 1));
    }
  }
}

void LineLoad::Receive(Connection& connection, std::size_t bytes_max) {
  const LineReader::Outcome outcome = reader_.Read(connection.fd, connection.partial, bytes_max);
  if (outcome == LineReader::Outcome::kEnd) return Lost(connection, Closed());
  if (outcome == LineReader::Outcome::kEmpty) return;
  now_ns_ = NowNanos();
  acknowledged_ = false;
  reading_ = &connection;
  const absl::StatusOr<std::size_t> taken = wire_->Take(reader_.bytes(), *this);
  if (!taken.ok()) return Lost(connection, taken.status());
  reader_.Keep(connection.partial, *taken);
  if (acknowledged_) SendMore(SeatOf(connection).publisher);
  if (!to_write_.empty()) Flush();
}

void LineLoad::Write(Connection& connection) {
  std::string& unsent = connection.unsent;
  while (!unsent.empty()) {
    const ssize_t sent =
        send(connection.fd, unsent.data(), unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return Lost(connection, Closed());
    if (sent <= 0) break;
    unsent.erase(0, static_cast<std::size_t>(sent));
  }
  if (unsent.empty() == !connection.awaits_room) return;
  connection.awaits_room = !unsent.empty();
  Watch(connection, connection.awaits_room ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
}

void LineLoad::Send(std::uint32_t publisher, std::uint64_t count, std::uint64_t time_ns) {
  Connection& connection = connections_[publisher_seats_[publisher]];
  for (std::uint64_t i = 0; i < count; ++i) {
    connection.unsent += connection.send_head;
    context_.traffic.codec().Append(context_.traffic.Send(publisher, time_ns), connection.unsent);
    connection.unsent += wire_->SendTail();
  }
  to_write_.push_back(connection.seat);
}

void LineLoad::Flush() {
  for (const std::uint32_t seat : to_write_) {
    Connection& connection = connections_[seat];
    if (connection.fd >= 0 && !connection.awaits_room) Write(connection);
  }
  to_write_.clear();
}

void LineLoad::OnText(std::string_view text, std::optional<std::string_view> channel) {
  const Connection& connection = *reading_;
  const Seat& seat = SeatOf(connection);
  if (connection.state != State::kPresent || seat.role == Role::kIdle) return;
  Traffic& traffic = context_.traffic;
  Stamp stamp;
  if (!traffic.Delivered(connection.seat, text, now_ns_, stamp)) return;
  if (channel.has_value() && *channel != channel_ids_[traffic.ChannelOf(stamp)]) {
    traffic.Unknown(connection.seat);
  }
  if (seat.role == Role::kPublisher && stamp.publisher == seat.publisher) {
    traffic.Acknowledged(stamp.publisher, stamp.time_ns, now_ns_);
    acknowledged_ = true;
  }
}

void LineLoad::OnEntered() {
  Connection& connection = *reading_;
  if (connection.state != State::kEntering) return;
  connection.state = State::kPresent;
  ++present_;
  --entering_;
  last_entered_ns_ = NowNanos();
  if (entry_took_ns_ != nullptr) entry_took_ns_->Record(last_entered_ns_ - entry_began_ns_);
  if (!IsWatched(connection)) epoll_ctl(epoll_, EPOLL_CTL_DEL, connection.fd, nullptr);
}

void LineLoad::OnRefused(std::string_view said) {
  const Seat& seat = SeatOf(*reading_);
  if (reading_->state == State::kPresent && seat.role == Role::kPublisher) {
    incidents_.Note(&Incidents::refusals, std::string(said));
    context_.traffic.Refused(seat.publisher);
    acknowledged_ = true;
  } else if (failure_.ok()) {
    failure_ = absl::FailedPreconditionError("the server answered " + std::string(said));
  }
}

void LineLoad::OnGap(std::string_view said) {
  incidents_.Note(&Incidents::gaps, std::string(said));
}

void LineLoad::OnQuestion(std::string_view answer) {
  reading_->unsent += answer;
  to_write_.push_back(reading_->seat);
}

}  // namespace txtchat::bench
