#include "bench/progress.h"

#include <unistd.h>

#include <cstdio>
#include <limits>

namespace txtchat::bench {
namespace {

constexpr std::uint64_t kTerminalIntervalNs = 200'000'000;
constexpr std::uint64_t kLineIntervalNs = 5'000'000'000;

}  // namespace

Progress::Progress(bool quiet)
    : terminal_(isatty(STDERR_FILENO) == 1),
      interval_ns_(terminal_ ? kTerminalIntervalNs : kLineIntervalNs),
      next_ns_(quiet ? std::numeric_limits<std::uint64_t>::max() : interval_ns_) {}

void Progress::Say(const char* what, std::uint64_t done, std::uint64_t total,
                   std::uint64_t now_ns) {
  next_ns_ = now_ns + interval_ns_;
  const double percent =
      total == 0 ? 100.0 : 100.0 * static_cast<double>(done) / static_cast<double>(total);
  std::fprintf(
      stderr, terminal_ ? "\r\033[K%s: %llu of %llu (%.0f %%)" : "%s: %llu of %llu (%.0f %%)\n",
      what, static_cast<unsigned long long>(done), static_cast<unsigned long long>(total), percent);
  drawn_ = terminal_;
}

void Progress::Clear() {
  if (drawn_) std::fputs("\r\033[K", stderr);
  drawn_ = false;
}

}  // namespace txtchat::bench
