#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "grpc-service/standard_messages.h"

namespace txtchat::rpc {

/// Which services serve, and who wants to know when that changes. The server as a whole is the
/// service without a name, and serves at first.
///
/// Thread-safe; one mutex, held for memory work only. Shares the watchers from Add to Remove; their
/// number is for the caller to bound.
class HealthBook {
 public:
  class Watcher {
   public:
    virtual ~Watcher() = default;
    /// Something is different now: ask. Called without a lock, on any thread, at times for nothing.
    virtual void Wake() = 0;
  };

  HealthBook() = default;
  HealthBook(const HealthBook&) = delete;
  HealthBook& operator=(const HealthBook&) = delete;

  void Set(const std::string& service, bool serving);
  /// Every service there is.
  void SetAll(bool serving);
  /// Nothing more will be told: watchers are to end.
  void End();

  /// kServiceUnknown: it was never set.
  Serving Of(const std::string& service) const;
  bool ended() const;

  /// The watcher is woken from now on; it has to ask by itself what is so already.
  void Add(const std::shared_ptr<Watcher>& watcher);
  void Remove(Watcher* watcher);

 private:
  std::vector<std::shared_ptr<Watcher>> Watchers() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  absl::flat_hash_map<std::string, bool> services_ ABSL_GUARDED_BY(mutex_){{"", true}};
  absl::flat_hash_map<Watcher*, std::shared_ptr<Watcher>> watchers_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace txtchat::rpc
