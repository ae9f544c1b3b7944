#include "gateway/tls_connection.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <utility>

#include "gateway/io_thread.h"

namespace txtchat::gateway {
namespace {

using std::chrono::milliseconds;
using Outcome = TlsStream::Outcome;

// Records in a row before other connections get their turn.
constexpr int kRecordsPerTurn = 4;
// What each end of the pair may hold for the other beside its reader's buffer; the kernel doubles
// it for its own needs.
constexpr int kPairBytes = 64 * 1024;
// A peer whose session has gone may take no byte for this long, or for the session's own deadline
// if that is less. It did not read for that long before, or there is little left to send.
constexpr milliseconds kFlushTime{10'000};
// How long a connection that was ended waits for the peer to take the last bytes and end its side.
constexpr milliseconds kLingerTime{1'000};

bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

// What has happened to a socket: POLLERR, POLLHUP.
short StateOf(Socket& socket) {
  pollfd state{.fd = socket.native_handle(), .events = 0, .revents = 0};
  return ::poll(&state, 1, 0) > 0 ? state.revents : short{0};
}

}  // namespace

TlsConnection::TlsConnection(IoThread& io, Socket peer, std::unique_ptr<TlsStream> tls, Peer who,
                             Place place, Place handshake)
    : io_(io),
      peer_(std::move(peer)),
      session_(io.io()),
      tls_(std::move(tls)),
      who_(std::move(who)),
      place_(std::move(place)),
      handshake_(std::move(handshake)),
      timer_(io.io()) {}

void TlsConnection::Start() {
  ArmDeadline(io_.environment().options.tls_handshake_timeout);
  Turn();
}

// --- Waiting.

void TlsConnection::Await(Wait& wait) {
  if (wait.under_way) return;
  wait.under_way = true;
  wait.socket.async_wait(wait.type,
                         [self = shared_from_this(), &wait](boost::system::error_code e) {
                           wait.under_way = false;
                           if (!e) self->Turn();
                         });
}

void TlsConnection::Await(Outcome wanted) {
  Await(wanted == Outcome::kWantWrite ? peer_writable_ : peer_readable_);
}

void TlsConnection::ContinueLater() {
  io_.Post([self = shared_from_this()] { self->Turn(); });
}

void TlsConnection::ArmDeadline(milliseconds from_now) {
  timer_.expires_after(from_now);
  timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    // One that had passed when it was moved is none.
    if (!error && self->timer_.expiry() <= std::chrono::steady_clock::now()) self->OnDeadline();
  });
}

void TlsConnection::OnDeadline() {
  if (phase_ == Phase::kHandshake) ++io_.environment().counters->handshakes_failed;
  if (phase_ == Phase::kRelay && !end_sent_) {
    Abort();
  } else {
    Close();
  }
}

void TlsConnection::Turn() {
  const std::shared_ptr<TlsConnection> self = shared_from_this();
  try {
    if (phase_ == Phase::kHandshake) ShakeHands();
    if (phase_ == Phase::kRefused) DiscardFromPeer();
    if (phase_ != Phase::kRelay) return;
    const bool more_to_session = RelayToSession();
    const bool more_to_peer = phase_ == Phase::kRelay && RelayToPeer();
    if (phase_ != Phase::kRelay) return;
    CloseIfDone();
    if (phase_ == Phase::kRelay && (more_to_session || more_to_peer)) ContinueLater();
  } catch (const std::exception&) {
    // A bug, or no memory: nobody else should notice.
    ++io_.environment().counters->exceptions;
    Abort();
  }
}

// --- Before there is a session.

void TlsConnection::ShakeHands() {
  const Outcome outcome = tls_->ShakeHands().outcome;
  if (outcome == Outcome::kWantRead || outcome == Outcome::kWantWrite) {
    Await(outcome);
  } else if (outcome == Outcome::kDone) {
    BeginRelay();
  } else {
    Refuse();
  }
}

// Input that nobody reads would make the kernel reset the connection, and the alert that says what
// was wrong could be lost with it.
void TlsConnection::Refuse() {
  ++io_.environment().counters->handshakes_failed;
  phase_ = Phase::kRefused;
  ::shutdown(peer_.native_handle(), SHUT_WR);
  ArmDeadline(kLingerTime);
}

void TlsConnection::DiscardFromPeer() {
  const ssize_t n = ::recv(peer_.native_handle(), io_.read_buffer(), kReadBytes, MSG_DONTWAIT);
  if (n > 0 || (n < 0 && WouldBlock())) {
    Await(peer_readable_);
  } else {
    Close();
  }
}

void TlsConnection::BeginRelay() {
  handshake_.reset();
  timer_.cancel();
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    ++io_.environment().counters->handshakes_failed;
    Close();  // No file, no memory.
    return;
  }
  FileDescriptor own(ends[0]);
  FileDescriptor of_session(ends[1]);
  for (const int end : ends) {
    (void)::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &kPairBytes, sizeof kPairBytes);
  }
  boost::system::error_code error;
  // The protocol is of no importance for a connected socket.
  session_.assign(boost::asio::ip::tcp::v4(), own.get(), error);
  if (!error) (void)own.Release();
  const CertificateReader* const certificates = io_.environment().certificates;
  if (certificates != nullptr) {
    // One that names nobody is as none: whoever shows it can still be a guest.
    absl::StatusOr<Vouched> vouched = certificates->Read(tls_->PeerCertificate());
    if (vouched.ok()) who_.vouched = std::make_shared<const Vouched>(*std::move(vouched));
  }
  if (!error) session_id_ = io_.AddSession(std::move(of_session), std::move(who_), place_);
  if (session_id_ == 0) {
    Close();
    return;
  }
  phase_ = Phase::kRelay;
  WatchPeer();
  WatchSession();
}

// --- What may happen to either side while nothing is read from it.

void TlsConnection::WatchPeer() {
  peer_.async_wait(Socket::wait_error, [self = shared_from_this()](boost::system::error_code e) {
    if (e || self->phase_ == Phase::kClosed) return;
    if ((StateOf(self->peer_) & POLLERR) != 0) self->Abort();
    // Anything else is not worth another watch: reading and writing will find out.
  });
}

void TlsConnection::WatchSession() {
  session_.async_wait(Socket::wait_error, [self = shared_from_this()](boost::system::error_code e) {
    if (!e && self->phase_ != Phase::kClosed) self->OnSessionGone();
  });
}

void TlsConnection::OnSessionGone() {
  if (std::exchange(session_gone_, true)) return;
  if (!end_sent_) ArmDeadline(FlushTime());
  ContinueLater();
}

milliseconds TlsConnection::FlushTime() const {
  const milliseconds stall = io_.environment().options.write_stall_timeout;
  return stall.count() > 0 ? std::min(stall, kFlushTime) : kFlushTime;
}

// --- From the peer to the session.

bool TlsConnection::RelayToSession() {
  for (int i = 0; i < kRecordsPerTurn; ++i) {
    // What comes after its session has gone waits until the peer was sent everything, and is then
    // dropped.
    if (peer_ended_ || (session_gone_ && !end_sent_)) return false;
    if (!to_session_.empty()) {
      const std::string waiting = std::exchange(to_session_, {});
      if (!GiveSession(waiting.data(), waiting.size())) return false;
    }
    const TlsStream::Result read = tls_->Read(io_.read_buffer(), kReadBytes);
    switch (read.outcome) {
      case Outcome::kDone:
        if (!GiveSession(io_.read_buffer(), read.bytes)) return false;
        break;
      case Outcome::kWantRead:
      case Outcome::kWantWrite:
        Await(read.outcome);
        return false;
      case Outcome::kEnd:
        peer_ended_ = true;
        ::shutdown(session_.native_handle(), SHUT_WR);
        return false;
      case Outcome::kBroken:
        Abort();
        return false;
    }
  }
  return true;
}

// Answers whether all of it was taken. What a session that has gone does not take is dropped.
bool TlsConnection::GiveSession(const char* data, std::size_t size) {
  if (session_gone_) return true;
  const ssize_t n = ::send(session_.native_handle(), data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0 && !WouldBlock()) {
    OnSessionGone();
    return true;
  }
  const std::size_t taken = n > 0 ? static_cast<std::size_t>(n) : 0;
  if (taken == size) return true;
  to_session_.assign(data + taken, size - taken);
  Await(session_writable_);
  return false;
}

// --- From the session to the peer.

bool TlsConnection::RelayToPeer() {
  for (int i = 0; i < kRecordsPerTurn; ++i) {
    if (end_sent_) return false;
    if (!to_peer_.empty()) {
      const std::string waiting = std::exchange(to_peer_, {});
      if (!GivePeer(waiting.data(), waiting.size())) return false;
      continue;
    }
    if (session_ended_) return EndToPeer();
    const ssize_t n = ::recv(session_.native_handle(), io_.read_buffer(), kReadBytes, MSG_DONTWAIT);
    if (n > 0) {
      if (!GivePeer(io_.read_buffer(), static_cast<std::size_t>(n))) return false;
    } else if (n == 0) {
      session_ended_ = true;
    } else if (WouldBlock()) {
      Await(session_readable_);
      return false;
    } else {
      Abort();  // The session has closed with input unread: without TLS, too, that is a reset.
      return false;
    }
  }
  return true;
}

// Answers whether it may go on; then what was not taken waits in to_peer_.
bool TlsConnection::GivePeer(const char* data, std::size_t size) {
  const TlsStream::Result written = tls_->Write(data, size);
  if (written.outcome == Outcome::kBroken || written.outcome == Outcome::kEnd) {
    Abort();
    return false;
  }
  to_peer_.assign(data + written.bytes, size - written.bytes);
  if (written.outcome != Outcome::kDone) {
    Await(written.outcome);
    return false;
  }
  if (session_gone_) ArmDeadline(FlushTime());
  return true;
}

// Answers whether there is something to do: the peer is read again where its session has gone.
bool TlsConnection::EndToPeer() {
  const Outcome outcome = tls_->SendEnd().outcome;
  if (outcome == Outcome::kWantRead || outcome == Outcome::kWantWrite) {
    Await(outcome);
    return false;
  }
  if (outcome != Outcome::kDone) {
    Abort();
    return false;
  }
  end_sent_ = true;
  ::shutdown(peer_.native_handle(), SHUT_WR);
  ArmDeadline(kLingerTime);
  return session_gone_;
}

// --- Ending.

void TlsConnection::CloseIfDone() {
  if (end_sent_ && peer_ended_) Close();
}

void TlsConnection::CloseIfNew() {
  if (phase_ == Phase::kHandshake || phase_ == Phase::kRefused) Close();
}

bool TlsConnection::OwesSomething() const {
  if (phase_ != Phase::kRelay || end_sent_) return false;
  if (const Session* const session = io_.Find(session_id_)) {
    if (session->OwesSomething()) return false;
  }
  if (!to_peer_.empty()) return true;
  int unread = 0;
  const int fd = const_cast<Socket&>(session_).native_handle();
  return ::ioctl(fd, FIONREAD, &unread) == 0 && unread > 0;
}

void TlsConnection::Abort() {
  if (phase_ == Phase::kClosed) return;
  const linger reset{.l_onoff = 1, .l_linger = 0};
  (void)::setsockopt(peer_.native_handle(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  Close();
}

void TlsConnection::Close() {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  const std::shared_ptr<TlsConnection> self = shared_from_this();
  timer_.cancel();
  boost::system::error_code ignored;
  peer_.close(ignored);
  session_.close(ignored);
  handshake_.reset();
  place_.reset();
  io_.Remove(*this);
}

}  // namespace txtchat::gateway
