#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/log.h"

struct gpr_log_func_args;

namespace txtchat::server {

/// Counts errors by the place that they come from, and says when one is to be told: the first at
/// once, then one in `interval`. Thread-safe. Holds one entry for each place: as many as there are
/// in the program that logs.
class ErrorTally {
 public:
  explicit ErrorTally(std::chrono::seconds interval) : interval_(interval) {}

  /// Counts one more error of `where`. Answers 0, or, if it is to be told, how many there were
  /// since the last that was told.
  std::uint64_t Add(const std::string& where, std::chrono::steady_clock::time_point now);

 private:
  struct Entry {
    std::chrono::steady_clock::time_point told;
    std::uint64_t untold = 0;
  };

  const std::chrono::seconds interval_;
  absl::Mutex mutex_;
  std::map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

/// Sends gRPC's own log lines to `log` while it lives, so that everything on standard error has one
/// form. gRPC quotes what peers sent, tokens included: its texts are for level debug only. Its
/// errors, which are mostly of peers (a broken handshake, a lost connection), are also a warning
/// that names the place in gRPC and how many there were, once a minute for each. One at a time in a
/// process; `log` outlives it.
class GrpcLogRoute {
 public:
  explicit GrpcLogRoute(const Log& log);
  ~GrpcLogRoute();
  GrpcLogRoute(const GrpcLogRoute&) = delete;
  GrpcLogRoute& operator=(const GrpcLogRoute&) = delete;

 private:
  static void Forward(gpr_log_func_args* args);

  // gRPC takes a bare function for the whole process.
  static std::atomic<GrpcLogRoute*> current_;

  const Log& log_;
  ErrorTally errors_{std::chrono::seconds(60)};
};

}  // namespace txtchat::server
