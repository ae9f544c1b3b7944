#include "grpc-service/health_book.h"

#include <utility>

namespace txtchat::rpc {

void HealthBook::Set(const std::string& service, bool serving) {
  std::vector<std::shared_ptr<Watcher>> watchers;
  {
    absl::MutexLock lock(&mutex_);
    services_[service] = serving;
    watchers = Watchers();
  }
  for (const auto& watcher : watchers) watcher->Wake();
}

void HealthBook::SetAll(bool serving) {
  std::vector<std::shared_ptr<Watcher>> watchers;
  {
    absl::MutexLock lock(&mutex_);
    for (auto& [name, its] : services_) its = serving;
    watchers = Watchers();
  }
  for (const auto& watcher : watchers) watcher->Wake();
}

void HealthBook::End() {
  std::vector<std::shared_ptr<Watcher>> watchers;
  {
    absl::MutexLock lock(&mutex_);
    ended_ = true;
    watchers = Watchers();
  }
  for (const auto& watcher : watchers) watcher->Wake();
}

Serving HealthBook::Of(const std::string& service) const {
  absl::MutexLock lock(&mutex_);
  const auto it = services_.find(service);
  if (it == services_.end()) return Serving::kServiceUnknown;
  return it->second ? Serving::kServing : Serving::kNotServing;
}

bool HealthBook::ended() const {
  absl::MutexLock lock(&mutex_);
  return ended_;
}

void HealthBook::Add(const std::shared_ptr<Watcher>& watcher) {
  absl::MutexLock lock(&mutex_);
  watchers_.emplace(watcher.get(), watcher);
}

void HealthBook::Remove(Watcher* watcher) {
  std::shared_ptr<Watcher> gone;  // After the mutex.
  absl::MutexLock lock(&mutex_);
  const auto it = watchers_.find(watcher);
  if (it == watchers_.end()) return;
  gone = std::move(it->second);
  watchers_.erase(it);
}

std::vector<std::shared_ptr<HealthBook::Watcher>> HealthBook::Watchers() const {
  std::vector<std::shared_ptr<Watcher>> all;
  all.reserve(watchers_.size());
  for (const auto& [key, watcher] : watchers_) all.push_back(watcher);
  return all;
}

}  // namespace txtchat::rpc
