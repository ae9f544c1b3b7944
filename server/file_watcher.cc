#include "server/file_watcher.h"

#include "absl/time/time.h"

namespace txtchat::server {

void FileWatcher::Start() {
  thread_ = std::thread([this] { Run(); });
}

void FileWatcher::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void FileWatcher::Run() {
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), absl::FromChrono(kInterval))) return;
    }
    look_();
  }
}

}  // namespace txtchat::server
