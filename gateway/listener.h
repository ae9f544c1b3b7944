#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gateway/file_descriptor.h"
#include "gateway/io_thread.h"
#include "gateway/peer.h"
#include "gateway/tls_context.h"

namespace txtchat::gateway {

/// The address of a peer as the line protocol writes it: `IP:PORT`, `[IPv6]:PORT`; an IPv4 address
/// that came over IPv6 is written as IPv4.
std::string AddressText(const boost::asio::ip::tcp::endpoint& endpoint);

/// Accepts connections on the first I/O thread and deals them out to all of them in turn. Over a
/// limit a connection is told so and closed. One from a proxy is dealt out when its header has
/// come, as if it had come from where that says. Where the process has no file or memory left for
/// another connection it pauses and tries again.
///
/// Open before the threads run, Start and Stop on the first thread; outlives the threads.
class Listener {
 public:
  /// `tls`: what new connections speak, set before Start; null: no TLS.
  Listener(const std::vector<std::shared_ptr<IoThread>>* threads, const TlsContextSlot* tls);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// Binds and listens. The message of an error says what is wrong with which address.
  /// INVALID_ARGUMENT, FAILED_PRECONDITION (in use, not permitted), UNAVAILABLE
  absl::Status Open(const std::string& address, std::uint16_t port);
  /// Where it listens, after Open.
  std::string address() const { return address_; }
  std::uint16_t port() const { return port_; }

  void Start();
  void Stop();

 private:
  using Executor = boost::asio::io_context::executor_type;
  using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, Executor>;
  using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;

  boost::asio::awaitable<void, Executor> AcceptLoop();
  /// Accepts what is waiting; false if it should pause.
  bool AcceptWaiting(int accepts_max);
  void Arrive(FileDescriptor connection, const boost::asio::ip::tcp::endpoint& from);
  void Admit(FileDescriptor connection, Peer peer);
  void AdmitTls(FileDescriptor connection, Peer peer, Place place);
  std::size_t FilesOfOne() const { return tls_ == nullptr ? 1 : kFilesOfTlsConnection; }
  IoThread& NextThread() { return *threads_[next_thread_++ % threads_.size()]; }
  void RefuseForTotal(FileDescriptor connection);
  void Refuse(FileDescriptor connection, const std::string& why);
  boost::asio::awaitable<void, Executor> SayGoodbye(std::shared_ptr<Socket> socket);

  // --- From proxies (listener_proxy.cc).
  bool IsProxy(const IpAddress& address) const;
  void AwaitProxyHeader(FileDescriptor connection, Peer proxy);
  boost::asio::awaitable<void, Executor> ReadProxyHeader(std::shared_ptr<Socket> socket, Peer proxy,
                                                         Place place, Place handshake);

  const std::vector<std::shared_ptr<IoThread>>& threads_;
  const TlsContextSlot* const tls_;
  Acceptor acceptor_;
  std::string address_;
  std::uint16_t port_ = 0;
  std::size_t next_thread_ = 0;
  std::size_t refusing_ = 0;
  std::set<std::shared_ptr<Socket>> awaiting_header_;
};

}  // namespace txtchat::gateway
