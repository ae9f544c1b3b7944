#pragma once

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace txtchat::rpc {

/// Holds back what follows a write while a burst of writes is being started.
///
/// gRPC tells of each completed write on a thread of its own, and wakes it for the first one that
/// comes while it sleeps. Where writes complete as fast as they are started that is a switch of
/// threads, there and back, for every write. Held back until the burst has begun, all completions
/// are handled in one go.
///
/// Thread-safe. Whoever starts writes holds the gate for a bounded number of them, and waits for
/// nothing meanwhile that a completion would bring.
class ABSL_LOCKABLE WriteGate {
 public:
  void Close() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.Lock(); }
  void Open() ABSL_UNLOCK_FUNCTION() { mutex_.Unlock(); }
  /// Returns when the gate is open.
  void Pass() {
    mutex_.ReaderLock();
    mutex_.ReaderUnlock();
  }

 private:
  absl::Mutex mutex_;
};

}  // namespace txtchat::rpc
