// Connections that come through a proxy, which says for whom they are.
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/address_v6.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <string>
#include <utility>

#include "gateway/listener.h"
#include "gateway/proxy_protocol.h"

namespace txtchat::gateway {
namespace {

using boost::asio::ip::tcp;

constexpr auto kAsTuple =
    boost::asio::as_tuple(boost::asio::use_awaitable_t<boost::asio::io_context::executor_type>());
using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                boost::asio::wait_traits<std::chrono::steady_clock>,
                                                boost::asio::io_context::executor_type>;

Peer PeerOf(const ProxyHeader::Source& source) {
  const boost::asio::ip::address_v6 address(source.address.bytes);
  return {AddressText({address, source.port}), source.address};
}

/// Reads what there is of the header, and nothing behind it: that belongs to the session, or to
/// TLS.
ProxyHeader ReadSome(int fd, std::string& received) {
  for (;;) {
    const ProxyHeader header = ParseProxyHeader(received);
    if (header.state != ProxyHeader::State::kNeedsMore) return header;
    const std::size_t size = received.size();
    received.resize(header.bytes);
    const ssize_t n = ::recv(fd, received.data() + size, header.bytes - size, MSG_DONTWAIT);
    received.resize(size + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (n > 0 || (n < 0 && errno == EINTR)) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return header;
    return {};  // The end, or an error.
  }
}

}  // namespace

bool Listener::IsProxy(const IpAddress& address) const {
  const auto& ranges = threads_.front()->environment().options.proxy_protocol_from;
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const IpRange& range) { return range.Contains(address); });
}

void Listener::AwaitProxyHeader(FileDescriptor connection, Peer proxy) {
  const Environment& environment = threads_.front()->environment();
  Place place = environment.connections->TryAcquire(FilesOfOne());
  if (place == nullptr) {
    RefuseForTotal(std::move(connection));
    return;
  }
  Place handshake = environment.handshakes->TryAcquire();
  const auto socket = std::make_shared<Socket>(acceptor_.get_executor());
  boost::system::error_code error;
  // The protocol is of no importance for a connected socket.
  if (handshake != nullptr) socket->assign(tcp::v4(), connection.get(), error);
  if (handshake == nullptr || error) {
    ++environment.counters->proxy_failed;
    return;
  }
  (void)connection.Release();
  boost::asio::co_spawn(
      acceptor_.get_executor(),
      ReadProxyHeader(socket, std::move(proxy), std::move(place), std::move(handshake)),
      boost::asio::detached);
}

// Never taken for an ordinary connection: whoever reached the server through the proxy's address
// could pass for anybody.
boost::asio::awaitable<void, Listener::Executor> Listener::ReadProxyHeader(
    std::shared_ptr<Socket> socket, Peer proxy, Place place, Place handshake) {
  const Environment& environment = threads_.front()->environment();
  awaiting_header_.insert(socket);
  Timer timer(socket->get_executor());
  timer.expires_after(environment.options.tls_handshake_timeout);
  timer.async_wait([socket](boost::system::error_code timer_error) {
    boost::system::error_code ignored;
    if (!timer_error) socket->cancel(ignored);
  });
  std::string received;
  ProxyHeader header{.state = ProxyHeader::State::kNeedsMore};
  while (header.state == ProxyHeader::State::kNeedsMore) {
    const auto [error] = co_await socket->async_wait(Socket::wait_read, kAsTuple);
    if (error || timer.expiry() <= std::chrono::steady_clock::now()) break;
    header = ReadSome(socket->native_handle(), received);
  }
  timer.cancel();
  awaiting_header_.erase(socket);
  if (header.state != ProxyHeader::State::kDone || !acceptor_.is_open()) {
    ++environment.counters->proxy_failed;
    co_return;
  }
  boost::system::error_code error;
  FileDescriptor connection(socket->release(error));
  if (error) co_return;
  // Admit takes a place for whom the connection is. All listeners are on this thread, so that
  // nobody else takes this one meanwhile.
  handshake.reset();
  place.reset();
  Admit(std::move(connection), header.source ? PeerOf(*header.source) : std::move(proxy));
}

}  // namespace txtchat::gateway
