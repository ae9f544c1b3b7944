#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/delivery_lane.h"
#include "core/fan_out.h"
#include "core/history_reader.h"
#include "grpc-service/rpc_options.h"
#include "grpc-service/subscribe_stream.h"
#include "grpc-service/unary_calls.h"
#include "grpc-service/write_gate.h"

namespace txtchat::rpc {

/// The delivery lane of gRPC: one thread that completes unary calls and tells streams what is new.
///
/// It works in turns. A turn takes everything that waits, in order; answers calls and hands on what
/// begins and ends; then wakes each stream concerned once, so that whatever came meanwhile goes out
/// in one write. A few times in each of the timeouts it ticks all streams, and the unary calls if
/// it is the one that is to do so.
///
/// Deliver, AddStream, RemoveStream, EndStreams, CutStreams and Fetch are thread-safe and never
/// block beyond a short lock; what they ask for happens on the pump's thread, in the order of the
/// calls. What waits is bounded by the sequencer's inbox and by one page for each stream.
///
/// Outlives the sequencer's thread and the history reader's.
class PumpThread final : public DeliveryLane, public PageSource {
 public:
  /// `history` may be null only if no stream ever falls behind. `calls` are ticked, and
  /// outlive the thread.
  PumpThread(HistoryReader* history, const RpcOptions& options, std::vector<UnaryCalls*> calls);
  ~PumpThread() override;  ///< Stops.
  PumpThread(const PumpThread&) = delete;
  PumpThread& operator=(const PumpThread&) = delete;

  void Deliver(LaneBatch batch) override;
  void Fetch(SessionId session, const PageRequest& request) override;

  /// From now on the items of this session go to `stream`. Call it before the session is opened.
  void AddStream(std::shared_ptr<SubscribeStream> stream);
  void RemoveStream(SessionId session);
  /// Has every stream deliver what it owes and then end with `status`.
  void EndStreams(const absl::Status& status);
  /// Ends every stream with `status`, delivered or not.
  void CutStreams(const absl::Status& status);

  /// Closed while the pump wakes streams.
  WriteGate& write_gate() { return write_gate_; }

  /// Milliseconds of the clock that streams are ticked with.
  static std::int64_t NowMs();

  /// Does everything that waits, then ends the thread. Idempotent; one thread.
  void Stop();

 private:
  using Task = absl::AnyInvocable<void()>;
  using Work = std::variant<Task, LaneBatch>;

  /// A stream as the lane sees it. Pump's thread only.
  struct Session {
    std::shared_ptr<SubscribeStream> stream;
    absl::flat_hash_set<ChannelKey> channels;  ///< It is in the fan-out of these.
    std::vector<Readable> news;                ///< For the end of the turn.
    bool concerned = false;                    ///< In concerned_.
  };

  void Post(Task task);
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !inbox_.empty() || stopping_; }
  void Run();
  void Handle(LaneBatch& batch);
  void Handle(Reply& reply);
  void Handle(SubscriptionStart& start);
  void Handle(SubscriptionEnd& end);
  void Handle(SessionEnd& end);
  void Concern(Session& session);
  void WakeConcerned();
  void TickIfDue();
  Session* Find(SessionId id);

  HistoryReader* const history_;
  const std::vector<UnaryCalls*> calls_;
  const std::int64_t tick_interval_ms_;

  WriteGate write_gate_;
  absl::Mutex mutex_;
  std::vector<Work> inbox_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  // --- Pump's thread only.
  absl::flat_hash_map<SessionId, std::unique_ptr<Session>> sessions_;
  FanOut<Session*> fan_out_;
  std::vector<Session*> concerned_;
  std::int64_t next_tick_ms_ = 0;

  std::thread thread_;
};

}  // namespace txtchat::rpc
