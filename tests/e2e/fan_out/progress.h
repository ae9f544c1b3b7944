#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>

namespace txtchat::e2e {

/// How far all receivers are, and the first thing that went wrong. Thread-safe.
class Progress {
 public:
  void OneMoreReady() { Count(ready_); }
  void OneMoreComplete() { Count(complete_); }

  void Fail(const std::string& problem) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (problem_.empty()) problem_ = problem;
    changed_.notify_all();
  }

  /// Waits; false after a failure, or when the time is over.
  bool AwaitReady(std::uint32_t count, std::chrono::seconds patience) {
    return Await(ready_, count, patience, "ready");
  }
  bool AwaitComplete(std::uint32_t count, std::chrono::seconds patience) {
    return Await(complete_, count, patience, "complete");
  }

  std::string problem() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return problem_;
  }

 private:
  void Count(std::uint32_t& counter) {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++counter;
    changed_.notify_all();
  }
  bool Await(const std::uint32_t& counter, std::uint32_t count, std::chrono::seconds patience,
             const std::string& what) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait_for(lock, patience, [&] { return counter >= count || !problem_.empty(); });
    if (problem_.empty() && counter < count) {
      problem_ = "only " + std::to_string(counter) + " of " + std::to_string(count) +
                 " receivers are " + what + " after " + std::to_string(patience.count()) + " s";
    }
    return problem_.empty();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint32_t ready_ = 0;
  std::uint32_t complete_ = 0;
  std::string problem_;
};

}  // namespace txtchat::e2e
