#pragma once

#include <sys/types.h>

#include "absl/status/status.h"
#include "bench/abuse_counts.h"
#include "bench/options.h"

namespace txtchat::bench {

/// The abusers, in a process of their own: its descriptors are its own, and it can be made to give
/// way to the server and to whoever measures. Ends with its parent, whatever becomes of that.
class AbuserProcess {
 public:
  explicit AbuserProcess(const AbuseOptions& options) : options_(options) {}
  /// Ends it.
  ~AbuserProcess();
  AbuserProcess(const AbuserProcess&) = delete;
  AbuserProcess& operator=(const AbuserProcess&) = delete;

  /// Forks; it waits for Begin. Call it while this process has one thread only.
  absl::Status Start(const Endpoint& line_server);
  /// All connect to the line port, and do what they do.
  void Begin() { shared_->begin = true; }
  bool HasBegun() const { return shared_->begun; }
  /// Why there are no abusers, if there are none.
  absl::Status Problem() const;
  /// All connections are broken off, and the process ends. Blocks.
  void Stop();

  AbuseCounts counts() const;
  double cpu_s() const { return shared_->cpu_s; }

 private:
  const AbuseOptions& options_;
  SharedAbuse* shared_ = nullptr;
  pid_t pid_ = 0;
};

}  // namespace txtchat::bench
