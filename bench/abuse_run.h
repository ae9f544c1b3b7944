#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "bench/abuse_counts.h"
#include "bench/delivery_checker.h"
#include "bench/load.h"
#include "bench/options.h"
#include "bench/process_usage.h"
#include "bench/traffic.h"

namespace txtchat::bench {

/// How honest users fared for a while, and what abusers did meanwhile.
struct AbuseMeasurement {
  PhaseResult honest;
  double seconds = 0;
  AbuseCounts abuse{};  ///< What happened meanwhile; `open` as it was at the end.
  double abusers_cpu_s = 0;
  double server_cpu_s = 0;
};

/// What a run brought.
struct AbuseResult {
  absl::Status status;  ///< Why it could not be carried through.
  bool interrupted = false;
  std::uint32_t users = 0;
  AbuseMeasurement unloaded;
  AbuseMeasurement abused;
  Faults faults;  ///< Of the honest users, the whole run.
  Incidents incidents;
  std::optional<ProcessUsage> server;  ///< At the end.

  /// How many times as long the slowest hundredth of deliveries takes under abuse.
  double p99_ratio() const;
};

/// Honest users talk at a steady pace, all the time. Their deliveries are measured for a while,
/// then the abusers come, and they are measured again. Blocks. Call it while the process has one
/// thread only; `interrupted` may be set from a signal handler.
AbuseResult RunAbuse(const Options& options, const AbuseOptions& abuse,
                     const std::atomic<bool>& interrupted);

/// As ExitCodeOf for other runs: whatever the ratio is.
int ExitCodeOf(const AbuseResult& result);

}  // namespace txtchat::bench
