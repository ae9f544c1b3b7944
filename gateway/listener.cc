#include "gateway/listener.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/replies.h"
#include "gateway/tls_stream.h"

namespace txtchat::gateway {
namespace {

using boost::asio::ip::tcp;

constexpr auto kAsTuple =
    boost::asio::as_tuple(boost::asio::use_awaitable_t<boost::asio::io_context::executor_type>());
using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                boost::asio::wait_traits<std::chrono::steady_clock>,
                                                boost::asio::io_context::executor_type>;

// Accepted in a row before the sessions of this thread get their turn.
constexpr int kAcceptsPerTurn = 64;
// While somebody is there who sends little (fair_share.h): so many, then a pause, 2,000 a second. A
// connection that comes and goes costs as much as a hundred lines.
constexpr int kAcceptsPerPacedTurn = 2;
constexpr std::chrono::milliseconds kPacedPause{1};
constexpr int kBacklog = 4'096;
constexpr std::chrono::milliseconds kPause{100};
// A refused connection is kept for a moment, so that the refusal is not lost in a reset. Beyond
// this many at once they are closed right away.
constexpr std::size_t kRefusingMax = 64;
constexpr std::chrono::milliseconds kRefusalTime{1'000};

absl::Status OpenError(const boost::system::error_code& error, const std::string& where) {
  namespace errc = boost::system::errc;
  if (error == errc::address_in_use) {
    return absl::FailedPreconditionError(
        absl::StrCat(where, " is in use; stop what listens there, or choose another port"));
  }
  if (error == errc::permission_denied) {
    return absl::FailedPreconditionError(
        absl::StrCat("no permission to listen on ", where, "; choose a port above 1023"));
  }
  if (error == errc::address_not_available) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, " is not an address of this machine; 0.0.0.0 means all of them"));
  }
  return absl::UnavailableError(absl::StrCat("cannot listen on ", where, ": ", error.message()));
}

tcp::endpoint EndpointOf(const sockaddr_storage& address, socklen_t size) {
  tcp::endpoint endpoint;
  if (size > endpoint.capacity()) return endpoint;
  std::memcpy(endpoint.data(), &address, size);
  endpoint.resize(size);
  return endpoint;
}

IpAddress AddressOf(const tcp::endpoint& endpoint) {
  const boost::asio::ip::address address = endpoint.address();
  if (address.is_v4()) return IpAddress::FromV4(address.to_v4().to_bytes());
  return {.bytes = address.to_v6().to_bytes()};
}

}  // namespace

std::string AddressText(const tcp::endpoint& endpoint) {
  boost::asio::ip::address address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6());
  }
  const std::string text = address.to_string();
  return address.is_v6() ? absl::StrCat("[", text, "]:", endpoint.port())
                         : absl::StrCat(text, ":", endpoint.port());
}

Listener::Listener(const std::vector<std::shared_ptr<IoThread>>* threads, const TlsContextSlot* tls)
    : threads_(*threads), tls_(tls), acceptor_(threads->front()->io()) {}

absl::Status Listener::Open(const std::string& address, std::uint16_t port) {
  const std::string where = absl::StrCat("address ", address, " port ", port);
  boost::system::error_code error;
  tcp::resolver resolver(threads_.front()->io());
  const auto found =
      resolver.resolve(address, std::to_string(port),
                       tcp::resolver::passive | tcp::resolver::numeric_service, error);
  if (error || found.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", address, "\" is no address to listen on: ", error.message()));
  }
  const tcp::endpoint endpoint = found.begin()->endpoint();
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && endpoint.protocol() == tcp::v6()) {
    boost::system::error_code ignored;  // [::] serves IPv4 too, where the system allows it.
    acceptor_.set_option(boost::asio::ip::v6_only(false), ignored);
  }
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(kBacklog, error);
  if (!error) acceptor_.native_non_blocking(true, error);
  tcp::endpoint bound;
  if (!error) bound = acceptor_.local_endpoint(error);
  if (error) {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    return OpenError(error, where);
  }
  address_ = AddressText(bound);
  port_ = bound.port();
  return absl::OkStatus();
}

void Listener::Start() {
  boost::asio::co_spawn(acceptor_.get_executor(), AcceptLoop(), boost::asio::detached);
}

void Listener::Stop() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  for (const std::shared_ptr<Socket>& socket : awaiting_header_) socket->cancel(ignored);
}

boost::asio::awaitable<void, Listener::Executor> Listener::AcceptLoop() {
  Timer pause(acceptor_.get_executor());
  while (acceptor_.is_open()) {
    const auto [error] = co_await acceptor_.async_wait(Acceptor::wait_read, kAsTuple);
    if (!acceptor_.is_open()) co_return;
    const IoThread& thread = *threads_.front();
    const bool paced = thread.SomebodyIsLight(thread.NowMs());
    if (!error && AcceptWaiting(paced ? kAcceptsPerPacedTurn : kAcceptsPerTurn)) {
      if (!paced) continue;
      pause.expires_after(kPacedPause);
      co_await pause.async_wait(kAsTuple);
      continue;
    }
    ++threads_.front()->environment().counters->accept_pauses;
    pause.expires_after(kPause);
    co_await pause.async_wait(kAsTuple);
  }
}

bool Listener::AcceptWaiting(int accepts_max) {
  for (int i = 0; i < accepts_max; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    FileDescriptor connection(::accept4(acceptor_.native_handle(),
                                        reinterpret_cast<sockaddr*>(&address), &size,
                                        SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (connection.get() >= 0) {
      Arrive(std::move(connection), EndpointOf(address, size));
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

void Listener::Arrive(FileDescriptor connection, const tcp::endpoint& from) {
  Peer peer{AddressText(from), AddressOf(from)};
  if (IsProxy(peer.address)) {
    AwaitProxyHeader(std::move(connection), std::move(peer));
  } else {
    Admit(std::move(connection), std::move(peer));
  }
}

void Listener::Admit(FileDescriptor connection, Peer peer) {
  const Environment& environment = threads_.front()->environment();
  const bool tls = tls_ != nullptr;
  const GatewayOptions& options = environment.options;
  const bool two_ports = !options.address.empty() && !options.tls_address.empty();
  if (two_ports && environment.connections->Has(peer.id, !tls)) {
    // An address can be connected to both ports at once. It would be the id of two users, of whom
    // the later ends the other (docs/adr/0005).
    ++environment.counters->refused;
    return;
  }
  ConnectionLimiter::Place of_address;
  if (environment.peers != nullptr) {
    of_address = environment.peers->TryAcquireConnection(peer.address);
    if (!of_address.held()) {
      Refuse(
          std::move(connection),
          absl::StrCat("your address has its most connections (",
                       environment.peers->limits().connections_per_address, "); close one first"));
      return;
    }
  }
  Place place = two_ports ? environment.connections->TryAcquire(FilesOfOne(), peer.id, tls)
                          : environment.connections->TryAcquire(FilesOfOne());
  if (place == nullptr) {
    RefuseForTotal(std::move(connection));
    return;
  }
  if (environment.peers != nullptr) place = With(std::move(place), std::move(of_address));
  ++environment.counters->accepted;
  if (!tls) {
    NextThread().Adopt(std::move(connection), std::move(peer), std::move(place));
  } else {
    AdmitTls(std::move(connection), std::move(peer), std::move(place));
  }
}

void Listener::AdmitTls(FileDescriptor connection, Peer peer, Place place) {
  const Environment& environment = threads_.front()->environment();
  Place handshake = environment.handshakes->TryAcquire();
  std::unique_ptr<TlsStream> tls =
      handshake == nullptr ? nullptr : TlsStream::Make(tls_->Get(), connection.get());
  if (tls == nullptr) {
    ++environment.counters->handshakes_failed;
    return;
  }
  peer.is_private = true;
  NextThread().AdoptTls(std::move(connection), std::move(peer), std::move(place),
                        std::move(handshake), std::move(tls));
}

void Listener::RefuseForTotal(FileDescriptor connection) {
  const std::size_t max = threads_.front()->environment().connections->max();
  Refuse(std::move(connection),
         absl::StrCat("the server has its most connections (", max, "); try again later"));
}

void Listener::Refuse(FileDescriptor connection, const std::string& why) {
  const Environment& environment = threads_.front()->environment();
  ++environment.counters->refused;
  if (tls_ != nullptr) return;  // Who expects TLS does not understand anything else.
  if (environment.options.errors) {
    const std::string line = ErrorLine(absl::ResourceExhaustedError(why));
    // A new socket's buffer has room for it.
    (void)::send(connection.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  if (refusing_ >= kRefusingMax) return;
  const auto socket = std::make_shared<Socket>(acceptor_.get_executor());
  boost::system::error_code error;
  socket->assign(tcp::v4(), connection.get(), error);
  if (error) return;
  (void)connection.Release();
  socket->shutdown(tcp::socket::shutdown_send, error);
  boost::asio::co_spawn(acceptor_.get_executor(), SayGoodbye(socket), boost::asio::detached);
}

// Reads what the refused peer has sent until it goes, for a limited time.
boost::asio::awaitable<void, Listener::Executor> Listener::SayGoodbye(
    std::shared_ptr<Socket> socket) {
  ++refusing_;
  Timer timer(socket->get_executor());
  timer.expires_after(kRefusalTime);
  timer.async_wait([socket](boost::system::error_code timer_error) {
    boost::system::error_code ignored;
    if (!timer_error) socket->cancel(ignored);
  });
  for (;;) {
    const auto [error] = co_await socket->async_wait(Socket::wait_read, kAsTuple);
    if (error || timer.expiry() <= std::chrono::steady_clock::now()) break;
    char discarded[512];
    const ssize_t n = ::recv(socket->native_handle(), discarded, sizeof discarded, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) break;
  }
  --refusing_;
}

}  // namespace txtchat::gateway
