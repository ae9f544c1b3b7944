#pragma once

#include <sys/types.h>

#include <cstdint>

#include "absl/status/statusor.h"

namespace txtchat::bench {

/// What a process has used so far.
struct ProcessUsage {
  double cpu_s = 0;  ///< All threads, user and kernel, to the nanosecond.
  // The same, divided as the kernel's 10 ms samples say.
  double user_s = 0;
  double system_s = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t resident_peak_bytes = 0;
};

/// Reads it from /proc. NOT_FOUND if there is no such process, or it is another user's.
absl::StatusOr<ProcessUsage> UsageOf(pid_t pid);

}  // namespace txtchat::bench
