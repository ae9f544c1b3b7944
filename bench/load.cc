#include "bench/load.h"

#include <algorithm>

namespace txtchat::bench {
namespace {

// How late an interrupt or a time limit may be noticed.
constexpr std::uint64_t kTurnNs = 50'000'000;

}  // namespace

bool Load::patience_is_over(std::uint64_t since_ns) const {
  return NowNanos() > since_ns + patience_ns();
}

void Load::SendMore(std::uint32_t publisher) {
  if (const std::uint64_t count = context_.traffic.Allowance(publisher); count > 0) {
    Send(publisher, count, NowNanos());
  }
}

void Load::SendDue() {
  Traffic& traffic = context_.traffic;
  // What is overdue is sent at once, with the time at which it was due.
  for (const std::uint64_t now = NowNanos(); !traffic.AllSent();) {
    const std::uint64_t due = traffic.NextDueNanos();
    if (due > now) break;
    Send(traffic.NextPublisher(), 1, due);
  }
  Flush();
}

absl::Status Load::Run(const Phase& phase) {
  Traffic& traffic = context_.traffic;
  traffic.Begin(phase);
  for (std::uint32_t p = 0; p < context_.options.publishers; ++p) SendMore(p);
  Flush();
  const bool open_loop = phase.rate > 0;
  const auto end_ns =
      phase.seconds_max > 0
          ? traffic.result().begin_ns + static_cast<std::uint64_t>(phase.seconds_max * 1e9)
          : ~std::uint64_t{0};
  while (failure_.ok() && !traffic.Complete()) {
    if (open_loop) SendDue();
    const std::uint64_t now = NowNanos();
    if (context_.interrupted || now >= end_ns) traffic.StopSending();
    std::uint64_t until = now + kTurnNs;
    if (open_loop && !traffic.AllSent()) until = std::min(until, traffic.NextDueNanos());
    Turn(until);
    if (patience_is_over(std::max(traffic.last_progress_ns(), traffic.last_sent_ns()))) break;
    context_.progress.Update(phase.measured ? "messages acknowledged" : "warming up",
                             traffic.result().acknowledged, phase.messages, now);
  }
  return failure_;
}

absl::Status Load::CatchUp() {
  Traffic& traffic = context_.traffic;
  slow_may_hurry_ = true;
  std::uint64_t begin_ns = NowNanos();
  while (failure_.ok() && !traffic.SlowComplete() && !context_.interrupted) {
    const std::uint64_t now = NowNanos();
    Turn(now + kTurnNs);
    if (patience_is_over(std::max(begin_ns, traffic.last_progress_ns()))) break;
    context_.progress.Update("slow readers catch up", traffic.result().deliveries, 0, now);
  }
  slow_may_hurry_ = false;
  return failure_;
}

}  // namespace txtchat::bench
