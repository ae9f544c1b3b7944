// Port: the one place that puts commands in order.
#pragma once

#include "absl/status/status.h"
#include "core/command.h"

namespace txtchat {

enum class SubmitResult {
  kAccepted,  ///< It will be decided, and its completion will run.
  kFull,      ///< The inbox is full; the envelope is untouched. The envelope's lane will be told
              ///< once there is room (LaneBatch::inbox_has_room).
  kDraining,  ///< The server stops; the envelope is untouched and will never be taken.
};

/// What every call is answered while the server drains.
inline absl::Status DrainingStatus() {
  return absl::UnavailableError("the server is draining; reconnect");
}

/// What the caller of a command is answered: UNAVAILABLE or RESOURCE_EXHAUSTED if it was not taken.
inline absl::Status StatusOf(SubmitResult result) {
  switch (result) {
    case SubmitResult::kAccepted:
      return absl::OkStatus();
    case SubmitResult::kFull:
      return absl::ResourceExhaustedError(
          "the server is busy: too many commands wait already; retry with backoff");
    case SubmitResult::kDraining:
      break;
  }
  return DrainingStatus();
}

class Sequencer {
 public:
  virtual ~Sequencer() = default;
  /// Hands a command over; moves from `envelope` only where the answer is kAccepted. Commands of
  /// one thread are decided in the order of their submission. Thread-safe; never blocks beyond a
  /// short lock.
  virtual SubmitResult Submit(Envelope& envelope) = 0;
  /// As Submit, but the command may wait for Flush: so commands that came together are decided
  /// together, and wake the deciding thread once.
  virtual SubmitResult Enqueue(Envelope& envelope) = 0;
  /// What was enqueued is decided now. To be called soon after Enqueue, whatever that answered.
  virtual void Flush() = 0;
};

}  // namespace txtchat
