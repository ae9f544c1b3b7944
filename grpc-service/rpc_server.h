#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/account_gate.h"
#include "core/clock.h"
#include "core/history_reader.h"
#include "core/identity.h"
#include "core/limits.h"
#include "core/peer_guard.h"
#include "core/sequencer.h"
#include "core/session_ids.h"
#include "grpc-service/rpc_options.h"

namespace txtchat::rpc {

/// What the gRPC service stands on. All of it is owned by the wiring and outlives the server,
/// except as noted.
struct RpcDependencies {
  Sequencer* sequencer = nullptr;    ///< Its thread ends before the server is destroyed.
  HistoryReader* history = nullptr;  ///< Stopped before the server is destroyed.
  const Clock* clock = nullptr;
  SessionIds* session_ids = nullptr;
  Limits limits;
  std::string epoch;  ///< Names the history that sequence numbers belong to.
  SecretSource* secrets = nullptr;
  TokenVerifier* tokens = nullptr;                  ///< Null: no signed tokens are taken.
  const CertificateReader* certificates = nullptr;  ///< Null: they say nothing of users.
  AccountGate* accounts = nullptr;                  ///< Null: there are no accounts.
  PeerGuard* peers = nullptr;  ///< Shared with the other transports. Null: no limits of peers.
};

/// Unary calls that gRPC is not done with.
struct CallCounts {
  std::size_t admitted = 0;
  std::size_t refused = 0;
  std::size_t held_bytes = 0;  ///< Of requests and replies.
};

/// The gRPC transport: txtchat.v1.ChatService with the standard health and reflection services, on
/// an address without TLS, one with it, or both, with a bounded number of connections.
///
/// The way down, each step blocking for its own timeout at the most:
///   SetNotServing → StopAccepting → (drain the sequencer) → FlushAndFinish → Shutdown →
///   (stop the sequencer and the history reader) → destroy
///
/// One thread starts and stops it.
class RpcServer {
 public:
  /// Starts serving. INVALID_ARGUMENT: the options contradict each other or the limits;
  /// UNAVAILABLE: an address cannot be listened on; INTERNAL:
  /// the system has no randomness.
  ///
  /// Silences protobuf's own log for the whole process: it would print a line for each malformed
  /// request that any client sends.
  static absl::StatusOr<std::unique_ptr<RpcServer>> Start(const RpcDependencies& dependencies,
                                                          const RpcOptions& options);
  ~RpcServer();  ///< Shuts down at once.
  RpcServer(const RpcServer&) = delete;
  RpcServer& operator=(const RpcServer&) = delete;

  /// The port that is listened on; 0 if it is none.
  int port() const;
  int tls_port() const;
  /// What TLS connections use that come from now on; those that are open go on as they are. If
  /// gRPC cannot use it, it stays with the former. Whether clients need certificates remains as it
  /// was at the start. Thread-safe; does not block.
  void UseTls(RpcTls tls);
  /// Connections that were refused: there were `connections_max`, or their address had its most.
  std::uint64_t refused_connections() const;
  /// Connections that were closed because too many of their calls were refused, broken off, or none
  /// of txtchat's.
  std::uint64_t closed_connections() const;
  /// Subscribe streams that are open now.
  std::size_t open_streams() const;
  /// Unary calls that are open now.
  CallCounts open_calls() const;
  /// Those of health, reflection and unknown methods, which are counted apart.
  CallCounts open_other_calls() const;
  /// Calls that were refused because their connection or their address went too fast.
  std::uint64_t calls_too_fast() const;

  /// The health service answers NOT_SERVING from now on. Does not block.
  void SetNotServing();
  /// Whether the health service says that the store takes commits, under the name `txtchat.store`.
  /// Serving as a whole goes on: reading does. Thread-safe; does not block.
  void SetStoreServing(bool serving);
  /// New calls are answered UNAVAILABLE from now on. Does not block.
  void StopAccepting();
  /// Has every stream deliver what it owes, then end with UNAVAILABLE, and waits until the replies
  /// of unary calls are taken. Streams and calls that are not done shortly before `timeout` are cut
  /// (1 s before, or half of it if that is less): told so if they read, otherwise left for Shutdown
  /// to break off. Answers how many were cut. Call it when the sequencer is drained.
  std::size_t FlushAndFinish(absl::Duration timeout);
  /// Cuts streams that are still open, closes the listener, waits for streams and for calls under
  /// way, `timeout` at the most altogether, then breaks them off. Idempotent.
  void Shutdown(absl::Duration timeout);

 private:
  class Impl;
  explicit RpcServer(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace txtchat::rpc
