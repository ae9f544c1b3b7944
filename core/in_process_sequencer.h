#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/chat_engine.h"
#include "core/clock.h"
#include "core/sequencer.h"

namespace txtchat {

/// The Sequencer of a single process: a bounded inbox and the one thread that decides. Whatever
/// arrived while the last batch was committed is the next batch.
///
/// Thread-safe. The engine, the clock and all lanes must outlive it.
class InProcessSequencer final : public Sequencer {
 public:
  InProcessSequencer(ChatEngine* engine, const Clock* clock, const Limits& limits);
  ~InProcessSequencer() override;  ///< Stops.
  InProcessSequencer(const InProcessSequencer&) = delete;
  InProcessSequencer& operator=(const InProcessSequencer&) = delete;

  SubmitResult Submit(Envelope& envelope) override;
  SubmitResult Enqueue(Envelope& envelope) override;
  void Flush() override;

  /// Refuses further commands, decides those accepted and returns when their answers are with
  /// their lanes, or after `timeout`. Answers whether all were decided. Blocking. Idempotent.
  bool Drain(absl::Duration timeout = absl::InfiniteDuration());
  /// Drains and ends the thread. Idempotent.
  void Stop();

 private:
  void Run();
  void Want() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  SubmitResult Add(Envelope& envelope) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsFullFor(const Command& command) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasWorkOrStops() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return (wanted_ && !inbox_.empty()) || stopping_;
  }
  /// Waits for commands, the stop, or the engine's next deadline.
  void AwaitWork(std::optional<std::int64_t> deadline_unix_ms)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  ChatEngine* const engine_;
  const Clock* const clock_;
  const Limits limits_;

  absl::Mutex mutex_;
  absl::CondVar work_;  ///< Signalled when HasWorkOrStops may have become true.
  std::vector<Envelope> inbox_ ABSL_GUARDED_BY(mutex_);
  std::size_t inbox_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<DeliveryLane*> waiting_for_room_ ABSL_GUARDED_BY(mutex_);
  bool wanted_ ABSL_GUARDED_BY(mutex_) = false;  ///< What is in the inbox shall be decided now.
  bool deciding_ ABSL_GUARDED_BY(mutex_) = false;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace txtchat
