#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "core/account_gate.h"
#include "core/clock.h"
#include "core/history_reader.h"
#include "core/identity.h"
#include "core/limits.h"
#include "core/peer_guard.h"
#include "core/sequencer.h"
#include "core/session_ids.h"
#include "gateway/connections.h"
#include "gateway/fair_share.h"
#include "gateway/gateway_options.h"
#include "gateway/tls_context.h"

namespace txtchat::gateway {

class IoThread;
class Listener;

/// For logs and metrics.
struct GatewayStats {
  std::size_t connections = 0;
  std::size_t connections_max = 0;  ///< As of the options and the limit of open files.
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
  std::uint64_t accept_pauses = 0;
  std::uint64_t stalled = 0;
  std::uint64_t unregistered = 0;
  std::uint64_t exceptions = 0;
  std::uint64_t handshakes_failed = 0;
  std::uint64_t slowed = 0;
  std::uint64_t turns_awaited = 0;
  std::uint64_t proxy_failed = 0;
};

/// The TCP line gateway: listeners and the I/O threads with their sessions.
///
/// Life: construct, Start, …; to end in good order StopAccepting, StopReading, then drain the
/// sequencer, FlushAndClose, Stop. The sequencer's thread must have ended before the gateway is
/// destroyed, for the gateway owns the lanes that it delivers on. Everything in Dependencies
/// outlives the gateway. The member functions are for one controlling thread, and blocking; stats()
/// is for any.
class Gateway {
 public:
  struct Dependencies {
    Sequencer* sequencer = nullptr;
    HistoryReader* history = nullptr;
    const Clock* clock = nullptr;
    SessionIds* session_ids = nullptr;  ///< Shared with the other transports.
    Limits limits;
    std::string epoch;  ///< Names the history that sequence numbers belong to.
    SecretSource* secrets = nullptr;
    TokenVerifier* tokens = nullptr;                  ///< Null: no signed tokens are taken.
    const CertificateReader* certificates = nullptr;  ///< Null: they say nothing of users.
    AccountGate* accounts = nullptr;                  ///< Null: there are no accounts.
    PeerGuard* peers = nullptr;  ///< Shared with the other transports. Null: no limits of peers.
  };

  Gateway(const GatewayOptions& options, const Dependencies& dependencies);
  ~Gateway();  ///< Stops.
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  /// What TLS connections speak that come from now on; those that are open go on as they are.
  /// Before Start, if it is to listen for them; then whenever it is to be replaced. Thread-safe.
  void UseTls(TlsContext context) { tls_context_.Set(std::move(context)); }

  /// Listens and runs the threads. INVALID_ARGUMENT, FAILED_PRECONDITION or UNAVAILABLE with a
  /// message for people if it cannot listen where it should.
  absl::Status Start();
  /// Where it listens, as `IP:PORT`, after Start.
  std::string address() const;
  std::uint16_t port() const;
  /// The same for TLS.
  std::string tls_address() const;
  /// So many have the files that they need.
  std::size_t tls_connections_max() const { return connections_.max_of(kFilesOfTlsConnection); }
  std::uint16_t tls_port() const;

  /// No new connections.
  void StopAccepting();
  /// No further commands; those not yet with the sequencer are refused.
  void StopReading();
  /// Sends every connection all it is owed, says `$$bye: REASON` to tagged ones, and closes them
  /// gracefully, all within `timeout`. Call it when the sequencer is drained. Answers how many had
  /// to be cut off before everything was sent.
  std::size_t FlushAndClose(const std::string& reason, std::chrono::milliseconds timeout);
  /// Closes what is still open and ends the threads. Idempotent.
  void Stop();

  GatewayStats stats() const;

 private:
  Connections connections_;
  Connections handshakes_;
  Counters counters_;
  LightPresence light_;
  TlsContextSlot tls_context_;
  const GatewayOptions options_;
  std::vector<std::shared_ptr<IoThread>> threads_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<Listener> tls_listener_;
  bool running_ = false;
};

}  // namespace txtchat::gateway
