// The life of a session.
#include "gateway/session.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "gateway/io_thread.h"
#include "gateway/replies.h"

namespace txtchat::gateway {
namespace {

// How long a connection that was ended waits for the peer to take the last bytes and end its side.
constexpr std::int64_t kLingerMs = 1'000;

}  // namespace

Session::Session(IoThread& io, Socket socket, SessionId id, Peer peer, Place place)
    : io_(io),
      socket_(std::move(socket)),
      place_(std::move(place)),
      id_(id),
      peer_(std::move(peer)),
      splitter_(io.environment().options.line_bytes_max),
      pace_(io.environment().peers, peer_.address),
      share_(io.NowMs()) {}

void Session::Start() {
  const std::int64_t timeout_ms = io_.environment().options.register_timeout.count();
  if (timeout_ms > 0) register_by_ms_ = io_.NowMs() + timeout_ms;
  outbox_.AddLine(WelcomeLine());
  io_.MarkDirty(*this);
  StartReading();
}

void Session::OnSessionEnd(const absl::Status& reason) {
  if (phase_ != Phase::kOpen) return;
  StopReading(reason);
  phase_ = Phase::kFlushing;
  if (answer_format_ == WireFormat::kTaggedLine) {
    const absl::string_view message = reason.message();
    bye_ = std::make_unique<std::string>(ByeLine({message.data(), message.size()}));
  } else if (io_.environment().options.errors) {
    bye_ = std::make_unique<std::string>(ErrorLine(reason));
  }
  io_.MarkDirty(*this);
}

void Session::BeginFlush(const std::string& reason) {
  if (phase_ != Phase::kOpen) return;
  StopReading(Stopping());
  phase_ = Phase::kFlushing;
  if (answer_format_ == WireFormat::kTaggedLine) {
    bye_ = std::make_unique<std::string>(ByeLine(reason));
  }
  io_.MarkDirty(*this);
}

void Session::StopReading(const absl::Status& why) {
  if (!takes_commands_) return;
  takes_commands_ = false;
  if (std::exchange(parked_, nullptr) != nullptr) AnswerError(why);
  if (login_ != nullptr && !logging_in_) {
    login_.reset();
    AnswerError(why);
  }
  RefuseUntakenLines(why);
}

bool Session::IsLate(std::int64_t now_ms) const {
  const bool waits = phase_ == Phase::kLingering || awaiting_writable_;
  if (waits && deadline_ms_ != 0 && now_ms >= deadline_ms_) return true;
  if (phase_ != Phase::kOpen || !takes_commands_ || registered_ || register_by_ms_ == 0) {
    return false;
  }
  // What is to be answered, a `reg` perhaps, is waited for, but not for ever: there are peers who
  // never cease to ask.
  const std::int64_t grace_ms = io_.environment().options.register_timeout.count();
  return now_ms >= register_by_ms_ + (pending_.empty() ? 0 : grace_ms);
}

void Session::OnLate() {
  if (phase_ == Phase::kLingering) {
    Close();
    return;
  }
  if (awaiting_writable_) {
    ++io_.environment().counters->stalled;
    Close();
    return;
  }
  ++io_.environment().counters->unregistered;
  const absl::Status late =
      absl::DeadlineExceededError("nobody registered here in time (reg$NAME); connect again");
  StopReading(late);
  AnswerError(late);
  outbox_.AddClose();
  io_.MarkDirty(*this);
}

void Session::CloseIfUseless() {
  const bool useless = phase_ == Phase::kOpen && input_ended_ && takes_commands_ && !lines_wait_ &&
                       !registered_ && pending_.empty() && parked_ == nullptr && login_ == nullptr;
  if (!useless) return;
  takes_commands_ = false;
  outbox_.AddClose();
  io_.MarkDirty(*this);
}

// The peer has ended its side and may go on listening. That it has gone altogether shows as an
// error of the socket: when the peer refuses what is written, or keepalive gives it up.
void Session::WatchForHangup() {
  socket_.async_wait(Socket::wait_error, [self = shared_from_this()](boost::system::error_code e) {
    if (e || self->phase_ == Phase::kClosed) return;
    pollfd state{.fd = self->socket_.native_handle(), .events = 0, .revents = 0};
    if (::poll(&state, 1, 0) > 0 && (state.revents & (POLLERR | POLLHUP)) != 0) self->Close();
    // Anything else is not worth another watch: a write will find out.
  });
}

void Session::EndCoreSession() {
  if (!register_submitted_ || core_session_ended_) return;
  core_session_ended_ = true;
  CloseInCore(io_.environment(), id_);
}

void Session::CloseInCore(const Environment& environment, SessionId id) {
  Envelope envelope;
  envelope.command = CloseSession{};
  envelope.actor.session = id;
  envelope.time_unix_ms = environment.clock->NowUnixMs();
  envelope.must_apply = true;
  // Refused only by a sequencer that has been drained; then there is nothing left to end.
  (void)environment.sequencer->Submit(envelope);
}

void Session::BeginLinger() {
  phase_ = Phase::kLingering;
  EndCoreSession();
  UnfollowAll();
  outbox_.Clear();
  splitter_.Clear();
  lines_wait_ = false;
  parked_.reset();
  ::shutdown(socket_.native_handle(), SHUT_WR);
  if (input_ended_) {
    Close();
    return;
  }
  // Input that nobody reads would make the kernel reset the connection, and what was sent last
  // could be lost with it.
  deadline_ms_ = io_.NowMs() + kLingerMs;
  StartReading();
}

void Session::Close() {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  takes_commands_ = false;
  EndCoreSession();
  boost::system::error_code ignored;
  socket_.close(ignored);
  UnfollowAll();
  outbox_.Clear();
  splitter_.Clear();
  parked_.reset();
  place_.reset();
  io_.Remove(*this);
}

bool Session::OwesSomething() const {
  if (phase_ == Phase::kLingering || phase_ == Phase::kClosed) return false;
  if (outbox_.size() > 0 || !remainder_.empty() || !pending_.empty()) return true;
  return OwesEvents();
}

bool Session::OwesEvents() const {
  return std::any_of(news_.begin(), news_.end(), [this](ChannelKey channel) {
    const Followed& followed = followed_[PlaceOf(channel)];
    return followed.subscription.cursor() < followed.announced;
  });
}

}  // namespace txtchat::gateway
