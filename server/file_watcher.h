#pragma once

#include <chrono>
#include <functional>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace txtchat::server {

/// Calls `look` every kInterval on a thread of its own, between Start and Stop.
class FileWatcher {
 public:
  static constexpr std::chrono::seconds kInterval{5};

  explicit FileWatcher(std::function<void()> look) : look_(std::move(look)) {}
  ~FileWatcher() { Stop(); }
  FileWatcher(const FileWatcher&) = delete;
  FileWatcher& operator=(const FileWatcher&) = delete;

  void Start();
  /// `look` is not called any more when this returns. Idempotent.
  void Stop();

 private:
  void Run();

  const std::function<void()> look_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace txtchat::server
