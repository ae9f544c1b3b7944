#include "bench/run.h"

#include <sys/resource.h>

#include <algorithm>
#include <memory>

#include "bench/grpc_load.h"
#include "bench/line_load.h"
#include "bench/mixed_load.h"

namespace txtchat::bench {
namespace {

double SecondsBetween(std::uint64_t begin_ns, std::uint64_t end_ns) {
  return end_ns > begin_ns ? static_cast<double>(end_ns - begin_ns) / 1e9 : 0.0;
}

double OwnCpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// The steps of a run. Each is skipped if one before it has failed or got stuck.
class Run {
 public:
  Run(const Options& options, const std::atomic<bool>& interrupted)
      : options_(options),
        layout_(options),
        traffic_(options, layout_),
        progress_(options.quiet),
        load_(MakeLoad({options_, layout_, traffic_, progress_, interrupted})) {
    result_.users = static_cast<std::uint32_t>(layout_.seats.size());
    if (options.server_pid != 0) result_.server.emplace();
  }

  RunResult Play() {
    NoteUsage(&ServerUsage::before);
    Connect();
    NoteUsage(&ServerUsage::connected);
    Send(OneOfEach());
    if (options_.warmup > 0) Send({.messages = options_.warmup, .rate = options_.rate});
    Measure();
    CatchUpMeasured();
    for (std::uint32_t i = 0; i < options_.storms; ++i) Storm();
    // Behind everything else: what came twice has come by then.
    Send(OneOfEach());
    CatchUp();
    NoteUsage(&ServerUsage::after);
    result_.faults = traffic_.Verdict();
    result_.incidents = load_->incidents();
    return std::move(result_);
  }

 private:
  template <typename Action>
  void Step(Action action) {
    if (result_.status.ok() && !stuck_) result_.status = action();
  }

  void Send(const Phase& phase) {
    Step([&] {
      absl::Status status = load_->Run(phase);
      // Whatever did not come in all the patience is lost; waiting again would not bring it.
      stuck_ = !traffic_.Complete();
      if (phase.measured) result_.measured = traffic_.result();
      return status;
    });
  }

  Phase OneOfEach() const { return {.messages = options_.publishers}; }

  void NoteUsage(ProcessUsage ServerUsage::*when) {
    if (!result_.server.has_value()) return;
    absl::StatusOr<ProcessUsage> usage = UsageOf(options_.server_pid);
    if (usage.ok()) (*result_.server).*when = *usage;
    // What a failed run has used may explain it; that it cannot be read then says nothing.
    if (result_.status.ok()) result_.status = usage.status();
  }

  void Connect() {
    Step([&] {
      const std::uint64_t begin_ns = NowNanos();
      absl::Status status = load_->Connect();
      result_.connect_s = SecondsBetween(begin_ns, NowNanos());
      result_.connections = load_->connection_count();
      return status;
    });
  }

  void Measure() {
    NoteUsage(&ServerUsage::begin);
    const double cpu_before_s = OwnCpuSeconds();
    Send({.messages = options_.messages,
          .rate = options_.rate,
          .seconds_max = options_.seconds_max,
          .measured = true});
    result_.load_cpu_s = OwnCpuSeconds() - cpu_before_s;
    // Also of a phase that got stuck: what it did deliver is worth knowing.
    NoteUsage(&ServerUsage::end);
  }

  /// The slow read as fast as they can. Answers how long that took.
  double CatchUp() {
    const std::uint64_t begin_ns = NowNanos();
    Step([&] {
      absl::Status status = load_->CatchUp();
      stuck_ = !traffic_.SlowComplete();
      return status;
    });
    return SecondsBetween(begin_ns, NowNanos());
  }

  void CatchUpMeasured() {
    const std::uint64_t before = traffic_.result().deliveries;
    result_.catch_up_s = CatchUp();
    result_.catch_up_deliveries = traffic_.result().deliveries - before;
  }

  void Storm() {
    Step([&] {
      const std::uint64_t begin_ns = NowNanos();
      absl::StatusOr<Histogram> back_ns = load_->Storm();
      if (!back_ns.ok()) return back_ns.status();
      result_.storms.push_back({SecondsBetween(begin_ns, NowNanos()), *back_ns});
      return absl::OkStatus();
    });
    Send(OneOfEach());
  }

  const Options& options_;
  const Layout layout_;
  Traffic traffic_;
  Progress progress_;
  const std::unique_ptr<Load> load_;
  bool stuck_ = false;
  RunResult result_;
};

}  // namespace

std::unique_ptr<Load> MakeLoad(const LoadContext& context) {
  if (context.options.line_server.has_value()) return std::make_unique<MixedLoad>(context);
  if (context.options.transport == Transport::kGrpc) return std::make_unique<GrpcLoad>(context);
  return std::make_unique<LineLoad>(context);
}

RunResult RunLoad(const Options& options, const std::atomic<bool>& interrupted) {
  RunResult result = Run(options, interrupted).Play();
  result.interrupted = interrupted;
  return result;
}

ExitCode ExitCodeOf(const RunResult& result) {
  if (result.interrupted) return kExitInterrupted;
  // Before the status: what was lost may be why it did not go on.
  if (result.status.ok() && result.faults.any()) return kExitFaults;
  if (!result.status.ok() || result.incidents.refusals > 0) return kExitCouldNotRun;
  return kExitOk;
}

}  // namespace txtchat::bench
