#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/event.h"
#include "gateway/connections.h"
#include "gateway/session.h"
#include "gateway/tls_stream.h"

namespace txtchat::gateway {

/// What stands between a peer that speaks TLS and its session, which does not know: it has one end
/// of a local socket pair, and this relays between the other end and the peer. Lives on one I/O
/// thread, which owns it until it is closed; operations under way share it until they have come
/// back.
///
/// It shakes hands within a deadline, then makes the session. From then on either side's end of
/// sending (close_notify, FIN) becomes that of the other, and what breaks one side breaks both. It
/// reads from either side only what the other one has taken: at most one record (16 KiB) waits in
/// each direction. So a peer that does not read stops its session as it would without TLS.
///
/// Its place is shared with the session: both must have gone before it is free.
class TlsConnection : public std::enable_shared_from_this<TlsConnection> {
 public:
  /// `handshake` is a place among those that have no session yet.
  TlsConnection(IoThread& io, Socket peer, std::unique_ptr<TlsStream> tls, Peer who, Place place,
                Place handshake);
  TlsConnection(const TlsConnection&) = delete;
  TlsConnection& operator=(const TlsConnection&) = delete;

  void Start();
  /// Closes it unless it has a session.
  void CloseIfNew();
  /// Whether its session has sent something, and owes nothing more, that the peer was not sent.
  bool OwesSomething() const;
  /// Ends the connection at once, whatever was not sent. Idempotent.
  void Close();

 private:
  enum class Phase : std::uint8_t {
    kHandshake,
    kRefused,  ///< The peer has been told (an alert); what it still sends is read to its end.
    kRelay,
    kClosed,
  };
  using Timer = boost::asio::basic_waitable_timer<
      std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

  /// Something that a turn waits for, at most once each.
  struct Wait {
    Socket& socket;
    Socket::wait_type type;
    bool under_way = false;
  };

  void Await(Wait& wait);
  void Await(TlsStream::Outcome wanted);
  void ContinueLater();
  void ArmDeadline(std::chrono::milliseconds from_now);
  void OnDeadline();
  /// Does what can be done now.
  void Turn();
  void ShakeHands();
  void Refuse();
  void DiscardFromPeer();
  void BeginRelay();
  void WatchPeer();
  void WatchSession();
  void OnSessionGone();
  std::chrono::milliseconds FlushTime() const;
  /// These answer whether there may be more to do at once.
  bool RelayToSession();
  bool RelayToPeer();
  bool GiveSession(const char* data, std::size_t size);
  bool GivePeer(const char* data, std::size_t size);
  bool EndToPeer();
  void CloseIfDone();
  /// Closes so that the peer notices that something was cut off.
  void Abort();

  IoThread& io_;
  Socket peer_;
  Socket session_;  ///< This end of the pair.
  std::unique_ptr<TlsStream> tls_;
  Peer who_;
  Place place_;
  Place handshake_;
  Timer timer_;
  Wait peer_readable_{peer_, Socket::wait_read};
  Wait peer_writable_{peer_, Socket::wait_write};
  Wait session_readable_{session_, Socket::wait_read};
  Wait session_writable_{session_, Socket::wait_write};
  SessionId session_id_ = 0;

  std::string to_session_;  ///< Read from the peer, not taken by the session.
  std::string to_peer_;     ///< The other way round.
  Phase phase_ = Phase::kHandshake;
  bool peer_ended_ = false;     ///< The peer sends nothing more, and the session knows.
  bool session_ended_ = false;  ///< The session sends nothing more…
  bool end_sent_ = false;       ///< …and the peer was sent all of it, and knows.
  bool session_gone_ = false;   ///< It takes nothing either.
};

}  // namespace txtchat::gateway
