#pragma once

#include <cstddef>
#include <cstdint>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/clock.h"
#include "core/delivery_lane.h"
#include "core/message_store.h"
#include "core/sequencer.h"

namespace txtchat {

/// Keeps channels within the retention policy, and removes what ended channels and users left
/// behind: looks for both on a thread of its own, and has the sequencer carry them out in small
/// steps between other commands, one step at a time.
///
/// The store and the clock outlive it; it outlives the sequencer's thread, as its lane must.
class RetentionSweeper {
 public:
  struct Options {
    RetentionPolicy policy;
    absl::Duration interval = absl::Seconds(10);  ///< Between two looks that find nothing.
    std::uint64_t step_events = 500;              ///< Removed by one command at the most.
  };

  RetentionSweeper(const Options& options, MessageStore* store, const Clock* clock);
  ~RetentionSweeper();  ///< Stops.
  RetentionSweeper(const RetentionSweeper&) = delete;
  RetentionSweeper& operator=(const RetentionSweeper&) = delete;

  void Start(Sequencer* sequencer);
  /// Ends the thread. Before the sequencer is destroyed. Idempotent.
  void Stop();

 private:
  void Run();
  /// One look and the steps that follow from it; answers whether to look again at once.
  bool Sweep();
  /// Has the sequencer carry out `command`; answers whether it did. Blocking.
  bool CarryOut(Command command);

  const Options options_;
  MessageStore* const store_;
  const Clock* const clock_;
  Sequencer* sequencer_ = nullptr;
  InlineLane lane_;

  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool answered_ ABSL_GUARDED_BY(mutex_) = false;
  bool succeeded_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace txtchat
