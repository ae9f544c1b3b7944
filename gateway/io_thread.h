#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "core/account_gate.h"
#include "core/clock.h"
#include "core/delivery_lane.h"
#include "core/fan_out.h"
#include "core/history_reader.h"
#include "core/identity.h"
#include "core/peer_guard.h"
#include "core/sequencer.h"
#include "core/session_ids.h"
#include "gateway/connections.h"
#include "gateway/fair_share.h"
#include "gateway/file_descriptor.h"
#include "gateway/gateway_options.h"
#include "gateway/gather.h"
#include "gateway/peer.h"

namespace txtchat::gateway {

class Session;
class TlsConnection;
class TlsStream;

/// What all threads and sessions of a gateway share. The pointees outlive them.
struct Environment {
  GatewayOptions options;
  Sequencer* sequencer = nullptr;
  HistoryReader* history = nullptr;
  const Clock* clock = nullptr;
  SessionIds* session_ids = nullptr;
  std::string epoch;
  std::size_t history_scan_events_max = 0;  ///< Of the core's limits.
  Connections* connections = nullptr;
  Connections* handshakes = nullptr;  ///< Without a session yet, for want of TLS or a PROXY header.
  SecretSource* secrets = nullptr;
  TokenVerifier* tokens = nullptr;                  ///< Null: no signed tokens are taken.
  const CertificateReader* certificates = nullptr;  ///< Null: they say nothing of users.
  AccountGate* accounts = nullptr;                  ///< Null: there are no accounts.
  PeerGuard* peers = nullptr;                       ///< Null: no limits of peers.
  Counters* counters = nullptr;
  LightPresence* light = nullptr;
  bool turns = false;                                  ///< Whether the busy wait for the light.
  std::int64_t busy_in_flight_max = kBusyInFlightMax;  ///< Of each I/O thread.
};

/// One I/O thread: an io_context, the sessions that live on it for life, and the lane on which the
/// sequencer delivers for them.
///
/// What a turn of the loop brought (a batch of the sequencer, commands, writable sockets) marks
/// sessions as dirty; each dirty session is drained once at the end, with one write.
///
/// Deliver, RunAndWait, Post, Adopt, Start and Stop may be called from any thread; everything else
/// belongs to this thread. Shared ownership, so that a page of the store can still come back.
class IoThread final : public DeliveryLane, public std::enable_shared_from_this<IoThread> {
 public:
  explicit IoThread(const Environment* environment);
  ~IoThread() override;
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  // --- Any thread.
  void Start();
  /// Closes what is open and ends the thread. Idempotent. Blocking.
  void Stop();
  void Deliver(LaneBatch batch) override;
  template <typename Function>
  void Post(Function function) {
    boost::asio::post(io_, std::move(function));
  }
  /// Runs `function` on the thread and returns when it is done; does nothing if the thread does not
  /// run.
  template <typename Function>
  void RunAndWait(Function function) {
    if (!running_) return;
    absl::Notification done;
    Post([&] {
      function();
      done.Notify();
    });
    done.WaitForNotification();
  }
  /// Makes a session of an accepted connection.
  void Adopt(FileDescriptor connection, Peer peer, Place place);
  /// The same for one that speaks TLS, which gets a session when it has shaken hands.
  void AdoptTls(FileDescriptor connection, Peer peer, Place place, Place handshake,
                std::unique_ptr<TlsStream> tls);

  // --- This thread.
  boost::asio::io_context& io() { return io_; }
  const Environment& environment() const { return environment_; }
  std::int64_t NowMs() const;  ///< Steady time.
  char* read_buffer() { return read_buffer_.get(); }
  FanOut<Session*>& fan_out() { return fan_out_; }
  bool reading_stopped() const { return reading_stopped_; }

  Session* Find(SessionId id);
  /// A session on this end of a connection; answers its id, or 0 if none is made any more.
  SessionId AddSession(FileDescriptor connection, Peer peer, Place place);
  /// Hands a command to the sequencer, which gets all commands of this turn at its end.
  SubmitResult Enqueue(Envelope& envelope);
  /// Has the session drained at the end of this turn, or of the next if it is being drained now.
  void MarkDirty(Session& session);
  /// The session is closed: forgets it, not before the end of this turn.
  void Remove(Session& session);
  /// The same for a TLS connection, at once.
  void Remove(TlsConnection& connection);
  /// Calls OnRoom once the sequencer's inbox has room.
  void AwaitRoom(SessionId id) { waiting_for_room_.push_back(id); }
  /// Calls OnPace at this time.
  void ResumeLater(SessionId id, std::int64_t at_ms);
  // --- Turns (fair_share.h).
  bool SomebodyIsLight(std::int64_t now_ms) const {
    return environment_.turns && environment_.light->Is(now_ms);
  }
  void NoteLight(std::int64_t now_ms) { environment_.light->Note(now_ms); }
  /// Calls OnTurn when the others that wait have had theirs.
  void AwaitTurn(SessionId id);
  /// A busy session's command is under way, or is answered.
  void BeginBusy(std::int64_t cost);
  void EndBusy(std::int64_t cost);
  /// Calls RetryPages a little later.
  void RetryPagesLater(SessionId id);
  /// Reads a page of the store and gives it to the session's OnPage.
  void FetchPage(SessionId id, const PageRequest& request);
  /// Reads history and gives it to the session's OnHistory.
  void FetchHistory(SessionId id, std::uint64_t ticket, std::string channel_id,
                    const EventQuery& query);

  // --- This thread, for the drain of the server.
  void StopReading();
  void BeginFlush(const std::string& reason);
  /// Closes everything; answers how many peers had not been sent all they are owed.
  std::size_t CloseAll();

 private:
  void Run();
  void AddTls(FileDescriptor connection, Peer peer, Place place, Place handshake,
              std::unique_ptr<TlsStream> tls);
  /// These two throw nothing: half a batch handed on, or half of the dirty sessions drained, would
  /// leave others waiting for ever. Without memory for them the process ends; nothing that was
  /// acknowledged is lost with it.
  void OnDelivered() noexcept;
  void DrainDirty() noexcept;
  void Handle(LaneBatch::Item& item);
  void ScheduleDrain();
  void GiveTurns();
  void ScheduleTurns();
  void Rest();
  void ArmSweep();
  void Sweep();
  void ArmResume();

  const Environment environment_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer sweep_timer_;
  boost::asio::steady_timer retry_timer_;
  boost::asio::steady_timer resume_timer_;
  boost::asio::steady_timer rest_timer_;
  std::thread thread_;
  std::atomic<bool> running_{false};

  absl::Mutex mutex_;
  LaneBatch delivered_ ABSL_GUARDED_BY(mutex_);

  // This thread's own.
  const std::unique_ptr<char[]> read_buffer_;
  absl::flat_hash_map<SessionId, std::shared_ptr<Session>> sessions_;
  absl::flat_hash_map<TlsConnection*, std::shared_ptr<TlsConnection>> tls_;
  FanOut<Session*> fan_out_;
  std::vector<Session*> dirty_;
  std::vector<Session*> draining_;
  std::vector<std::shared_ptr<Session>> closed_;  ///< Kept to the end of the turn.
  std::vector<SessionId> waiting_for_room_;
  std::vector<SessionId> waiting_to_retry_;
  using Resume = std::pair<std::int64_t, SessionId>;  ///< When, and who.
  /// The next one on top. One for each session that is slowed, or was within the last second.
  std::priority_queue<Resume, std::vector<Resume>, std::greater<>> resumes_;
  std::deque<SessionId> turns_;  ///< Who waits for a turn, the next one in front.
  std::int64_t busy_in_flight_ = 0;
  std::chrono::steady_clock::time_point round_began_;
  bool round_is_full_ = false;  ///< No turns until all of it is answered, and a rest.
  bool resting_ = false;
  bool turns_scheduled_ = false;
  Gather gather_;
  bool drain_scheduled_ = false;
  bool enqueued_ = false;  ///< The sequencer has commands that it was not told of.
  bool retry_armed_ = false;
  bool reading_stopped_ = false;
};

/// Bytes that one read takes at most, into a buffer that all sessions of a thread share. What a
/// paused session keeps of it bounds the memory that a peer can bind, so it is not larger.
inline constexpr std::size_t kReadBytes = 16 * 1024;

}  // namespace txtchat::gateway
