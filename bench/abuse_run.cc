#include "bench/abuse_run.h"

#include <memory>
#include <optional>
#include <utility>

#include "bench/abuser_process.h"
#include "bench/run.h"

namespace txtchat::bench {
namespace {

constexpr double kBeginPatienceS = 60;
// How long honest users talk between two looks at whether all abusers have begun.
constexpr double kLookEveryS = 0.5;

class AbuseRun {
 public:
  AbuseRun(const Options& options, const AbuseOptions& abuse, const std::atomic<bool>& interrupted)
      : options_(options),
        abuse_(abuse),
        interrupted_(interrupted),
        layout_(options),
        traffic_(options, layout_),
        progress_(options.quiet),
        abusers_(abuse) {}

  AbuseResult Play() {
    result_.users = static_cast<std::uint32_t>(layout_.seats.size());
    // First: afterwards there are threads.
    Step([&] { return abusers_.Start(options_.line_server.value_or(options_.server)); });
    if (!result_.status.ok()) return std::move(result_);
    load_ = MakeLoad({options_, layout_, traffic_, progress_, interrupted_});
    Step([&] { return load_->Connect(); });
    Step([&] { return load_->Run({.messages = options_.publishers}); });
    Talk(abuse_.settle_s);
    Measure(result_.unloaded);
    LetAbusersBegin();
    Talk(abuse_.settle_s);
    Measure(result_.abused);
    abusers_.Stop();
    // Behind everything else: what came twice has come by then.
    Step([&] { return load_->Run({.messages = options_.publishers}); });
    result_.faults = traffic_.Verdict();
    result_.incidents = load_->incidents();
    if (const auto usage = UsageOfServer()) result_.server = *usage;
    return std::move(result_);
  }

 private:
  template <typename Action>
  void Step(Action action) {
    if (interrupted_ && result_.status.ok()) result_.status = absl::CancelledError("interrupted");
    if (result_.status.ok()) result_.status = action();
  }

  Phase PhaseOf(double seconds, bool measured) const {
    return {.messages = static_cast<std::uint64_t>(seconds * options_.rate) + 1,
            .rate = options_.rate,
            .measured = measured};
  }

  void Talk(double seconds) {
    Step([&] { return load_->Run(PhaseOf(seconds, /*measured=*/false)); });
  }

  void LetAbusersBegin() {
    Step([&] {
      abusers_.Begin();
      return absl::OkStatus();
    });
    const std::uint64_t by_ns = NowNanos() + static_cast<std::uint64_t>(kBeginPatienceS * 1e9);
    // Some may never be let in; what the others do is measured.
    while (result_.status.ok() && !abusers_.HasBegun() && NowNanos() < by_ns) {
      Talk(kLookEveryS);
      Step([&] { return abusers_.Problem(); });
    }
  }

  std::optional<ProcessUsage> UsageOfServer() const {
    if (options_.server_pid == 0) return std::nullopt;
    const absl::StatusOr<ProcessUsage> usage = UsageOf(options_.server_pid);
    return usage.ok() ? std::optional<ProcessUsage>(*usage) : std::nullopt;
  }

  void Measure(AbuseMeasurement& into) {
    const AbuseCounts before = abusers_.counts();
    const double abusers_before_s = abusers_.cpu_s();
    const std::optional<ProcessUsage> server_before = UsageOfServer();
    const std::uint64_t begin_ns = NowNanos();
    Step([&] {
      absl::Status status = load_->Run(PhaseOf(abuse_.seconds, /*measured=*/true));
      into.honest = traffic_.result();
      return status;
    });
    into.seconds = static_cast<double>(NowNanos() - begin_ns) / 1e9;
    into.abuse = abusers_.counts();
    for (std::size_t i = 0; i < kAbuseKinds; ++i) {
      const std::uint64_t open = into.abuse[i].open;
      ForEachCount(into.abuse[i], before[i],
                   [](std::uint64_t& to, const std::uint64_t& from) { to -= from; });
      into.abuse[i].open = open;
    }
    into.abusers_cpu_s = abusers_.cpu_s() - abusers_before_s;
    const std::optional<ProcessUsage> server_after = UsageOfServer();
    if (server_before.has_value() && server_after.has_value()) {
      into.server_cpu_s = server_after->cpu_s - server_before->cpu_s;
    }
  }

  const Options& options_;
  const AbuseOptions& abuse_;
  const std::atomic<bool>& interrupted_;
  const Layout layout_;
  Traffic traffic_;
  Progress progress_;
  AbuserProcess abusers_;
  std::unique_ptr<Load> load_;
  AbuseResult result_;
};

}  // namespace

double AbuseResult::p99_ratio() const {
  const auto before = static_cast<double>(unloaded.honest.delivery_ns.Percentile(99));
  return before > 0 ? static_cast<double>(abused.honest.delivery_ns.Percentile(99)) / before : 0.0;
}

AbuseResult RunAbuse(const Options& options, const AbuseOptions& abuse,
                     const std::atomic<bool>& interrupted) {
  AbuseResult result = AbuseRun(options, abuse, interrupted).Play();
  result.interrupted = interrupted;
  return result;
}

int ExitCodeOf(const AbuseResult& result) {
  RunResult run;
  run.status = result.status;
  run.interrupted = result.interrupted;
  run.faults = result.faults;
  run.incidents = result.incidents;
  return ExitCodeOf(run);
}

}  // namespace txtchat::bench
