#pragma once

#include <cstddef>
#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "core/ip_address.h"

namespace txtchat {

/// Counts open connections by address, of all transports together, against a maximum for each.
///
/// Thread-safe; one mutex, held for memory work only. Holds an entry for each address that has a
/// connection. Outlives its places.
class ConnectionLimiter {
 public:
  /// A connection's place, given back at the end of its life on whatever thread. An empty one
  /// stands for nothing.
  class Place {
   public:
    Place() = default;
    Place(ConnectionLimiter* limiter, const IpAddress& address)
        : limiter_(limiter), address_(address) {}
    Place(Place&& other) noexcept
        : limiter_(std::exchange(other.limiter_, nullptr)), address_(other.address_) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(limiter_, other.limiter_);
      std::swap(address_, other.address_);
      return *this;
    }
    ~Place() {
      if (limiter_ != nullptr && address_.known()) limiter_->Release(address_);
    }
    bool held() const { return limiter_ != nullptr; }

   private:
    ConnectionLimiter* limiter_ = nullptr;
    IpAddress address_;
  };

  /// `max`: for each address; 0: no limit.
  explicit ConnectionLimiter(std::size_t max) : max_(max) {}
  ConnectionLimiter(const ConnectionLimiter&) = delete;
  ConnectionLimiter& operator=(const ConnectionLimiter&) = delete;

  /// Some transports learn late that a connection has ended. `find_ended` is called on any thread,
  /// under a lock of its own, before one more connection of an address is refused: it gives back
  /// the places of those of this address that have ended. Null: it is not called any more when this
  /// returns.
  void SetFinder(std::function<void(const IpAddress&)> find_ended);

  /// A place for one more connection of the address; an empty one if it has its most.
  Place TryAcquire(const IpAddress& address);

  /// A place for a connection of an address that may have any number.
  Place Exempt() { return {this, {}}; }

  /// Open connections of the address.
  std::size_t open(const IpAddress& address) const;
  std::size_t max() const { return max_; }

 private:
  bool TryCount(const IpAddress& address);
  void Release(const IpAddress& address);

  const std::size_t max_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<IpAddress, std::size_t> open_ ABSL_GUARDED_BY(mutex_);
  absl::Mutex finder_mutex_;  ///< Taken before what the finder locks, and before mutex_.
  std::function<void(const IpAddress&)> find_ended_ ABSL_GUARDED_BY(finder_mutex_);
};

}  // namespace txtchat
