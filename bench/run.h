#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "bench/delivery_checker.h"
#include "bench/histogram.h"
#include "bench/load.h"
#include "bench/options.h"
#include "bench/process_usage.h"
#include "bench/traffic.h"

namespace txtchat::bench {

/// The server's process at the points of a run that matter.
struct ServerUsage {
  ProcessUsage before;     ///< Before anybody connected.
  ProcessUsage connected;  ///< Everybody is there, nothing is said.
  ProcessUsage begin;      ///< Of the measured messages.
  ProcessUsage end;        ///< Of the measured messages.
  ProcessUsage after;      ///< At the end of the run, everybody still there.

  double measured_cpu_s() const { return end.cpu_s - begin.cpu_s; }
};

/// One storm: all subscribers vanish and come back at once.
struct StormResult {
  double seconds = 0;  ///< Until the last was back in its channels.
  Histogram back_ns;   ///< Of each.
};

/// What a run brought.
struct RunResult {
  absl::Status status;  ///< Why it could not be carried through.
  bool interrupted = false;
  double connect_s = 0;
  std::uint32_t users = 0;
  std::uint32_t connections = 0;  ///< TCP.
  PhaseResult measured;
  double load_cpu_s = 0;  ///< Of this process, while the measured messages went.
  std::uint64_t catch_up_deliveries = 0;
  double catch_up_s = 0;
  std::vector<StormResult> storms;
  Faults faults;  ///< Of the whole run.
  Incidents incidents;
  std::optional<ServerUsage> server;

  /// Whether it got as far as the measured messages: otherwise there is nothing to show.
  bool began() const { return measured.begin_ns != 0; }
};

/// The load that the options ask for.
std::unique_ptr<Load> MakeLoad(const LoadContext& context);

/// Plays a whole run: everybody connects, one message of each publisher (and --warmup more) gets
/// through, the measured messages, the slow catch up, storms, one message of each publisher again.
/// Blocks. `interrupted` may be set from a signal handler.
RunResult RunLoad(const Options& options, const std::atomic<bool>& interrupted);

/// What the program's end says (docs in --help).
enum ExitCode : int {
  kExitOk = 0,
  kExitCouldNotRun = 1,
  kExitUsage = 2,
  kExitFaults = 3,
  kExitInterrupted = 130,
};
ExitCode ExitCodeOf(const RunResult& result);

}  // namespace txtchat::bench
