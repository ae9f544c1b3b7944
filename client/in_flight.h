#pragma once

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace txtchat::client {

// Counts what is under way on other threads, so that an owner can wait for the end of it all.
// Thread-safe. The tokens may outlive this object.
class InFlight {
 public:
  // Something is under way until the token is let go.
  std::shared_ptr<void> Begin() {
    absl::MutexLock lock(&state_->mutex);
    ++state_->count;
    return {static_cast<void*>(state_.get()), [state = state_](void*) {
              absl::MutexLock end(&state->mutex);
              --state->count;
            }};
  }

  // Blocks until nothing is under way, or for `longest`. True if nothing is.
  bool WaitIdle(absl::Duration longest) {
    absl::MutexLock lock(&state_->mutex);
    const auto idle = [](State* state)
                          ABSL_EXCLUSIVE_LOCKS_REQUIRED(state->mutex) { return state->count == 0; };
    return state_->mutex.AwaitWithTimeout(absl::Condition(+idle, state_.get()), longest);
  }

 private:
  struct State {
    absl::Mutex mutex;
    int count ABSL_GUARDED_BY(mutex) = 0;
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace txtchat::client
