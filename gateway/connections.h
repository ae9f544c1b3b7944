#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace txtchat::gateway {

class Connections;

/// A place among connections. It is given back when the last of those that share it lets go, on
/// whatever thread.
using Place = std::shared_ptr<Connections>;

/// The same place, which gives back `other` with itself.
template <typename Other>
Place With(Place place, Other other) {
  auto both = std::make_shared<std::pair<Place, Other>>(std::move(place), std::move(other));
  Connections* const connections = both->first.get();
  return Place(std::move(both), connections);
}

/// Counts open connections, and the files that they take, against two limits. Thread-safe; outlives
/// its places.
class Connections {
 public:
  Connections(std::size_t max, std::size_t files_max) : max_(max), files_max_(files_max) {}

  /// Takes a place for a connection of so many files; null where there is none.
  Place TryAcquire(std::size_t files = 1) {
    if (!TryCount(files)) return nullptr;
    return Place(this, [files](Connections* connections) { connections->Release(files); });
  }
  /// The same, and remembers meanwhile that `peer` is connected to a port of this kind.
  Place TryAcquire(std::size_t files, const std::string& peer, bool tls) {
    if (!TryCount(files)) return nullptr;
    absl::MutexLock lock(&mutex_);
    ++peers_[peer].at(tls ? 1 : 0);
    return Place(this, [files, peer, tls](Connections* connections) {
      connections->Forget(peer, tls);
      connections->Release(files);
    });
  }
  /// Whether `peer` is remembered to be connected to a port of this kind.
  bool Has(const std::string& peer, bool tls) const {
    absl::MutexLock lock(&mutex_);
    const auto it = peers_.find(peer);
    return it != peers_.end() && it->second.at(tls ? 1 : 0) > 0;
  }
  std::size_t open() const {
    absl::MutexLock lock(&mutex_);
    return open_;
  }
  std::size_t max() const { return max_; }
  /// How many there can be that take so many files each.
  std::size_t max_of(std::size_t files) const { return std::min(max_, files_max_ / files); }
  /// Waits until none is open; false if some still were after `timeout`.
  bool AwaitNone(absl::Duration timeout) {
    absl::MutexLock lock(&mutex_);
    const auto none = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return open_ == 0; };
    return mutex_.AwaitWithTimeout(absl::Condition(&none), timeout);
  }

 private:
  bool TryCount(std::size_t files) {
    absl::MutexLock lock(&mutex_);
    if (open_ >= max_ || files > files_max_ - files_) return false;
    ++open_;
    files_ += files;
    return true;
  }
  void Forget(const std::string& peer, bool tls) {
    absl::MutexLock lock(&mutex_);
    const auto it = peers_.find(peer);
    --it->second.at(tls ? 1 : 0);
    if (it->second == std::array<int, 2>{}) peers_.erase(it);
  }
  void Release(std::size_t files) {
    absl::MutexLock lock(&mutex_);
    --open_;
    files_ -= files;
  }

  const std::size_t max_;
  const std::size_t files_max_;
  mutable absl::Mutex mutex_;
  std::size_t open_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t files_ ABSL_GUARDED_BY(mutex_) = 0;
  /// How many connections each has without TLS, and with it. An address may have several of a kind
  /// while nobody has noticed that the former ones are dead.
  absl::flat_hash_map<std::string, std::array<int, 2>> peers_ ABSL_GUARDED_BY(mutex_);
};

/// What a gateway has seen since its start. Each counter by itself is thread-safe.
struct Counters {
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> refused{0};        ///< Over a limit of connections.
  std::atomic<std::uint64_t> accept_pauses{0};  ///< No file or memory for another connection.
  std::atomic<std::uint64_t> stalled{0};        ///< Ended by write_stall_timeout.
  std::atomic<std::uint64_t> unregistered{0};   ///< Ended by register_timeout.
  std::atomic<std::uint64_t> exceptions{0};     ///< Bugs, or out of memory.
  std::atomic<std::uint64_t> turns_awaited{0};  ///< How often a busy one let others go first.
  std::atomic<std::uint64_t> slowed{0};         ///< How often one was read no further for a while.
  /// Connections from a proxy that ended without the header that says for whom they are.
  std::atomic<std::uint64_t> proxy_failed{0};
  /// TLS connections that ended before their session began: no TLS, too old a version, no
  /// certificate that is accepted, too late, one too many.
  std::atomic<std::uint64_t> handshakes_failed{0};
};

}  // namespace txtchat::gateway
