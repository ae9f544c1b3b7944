#include "core/connection_limiter.h"

namespace txtchat {

void ConnectionLimiter::SetFinder(std::function<void(const IpAddress&)> find_ended) {
  absl::MutexLock lock(&finder_mutex_);
  find_ended_ = std::move(find_ended);
}

ConnectionLimiter::Place ConnectionLimiter::TryAcquire(const IpAddress& address) {
  if (TryCount(address)) return {this, address};
  {
    absl::MutexLock lock(&finder_mutex_);
    if (!find_ended_) return {};
    find_ended_(address);
  }
  return TryCount(address) ? Place(this, address) : Place();
}

std::size_t ConnectionLimiter::open(const IpAddress& address) const {
  absl::MutexLock lock(&mutex_);
  const auto it = open_.find(address);
  return it == open_.end() ? 0 : it->second;
}

bool ConnectionLimiter::TryCount(const IpAddress& address) {
  absl::MutexLock lock(&mutex_);
  std::size_t& open = open_[address];
  if (max_ != 0 && open >= max_) return false;
  ++open;
  return true;
}

void ConnectionLimiter::Release(const IpAddress& address) {
  absl::MutexLock lock(&mutex_);
  const auto it = open_.find(address);
  if (--it->second == 0) open_.erase(it);
}

}  // namespace txtchat
