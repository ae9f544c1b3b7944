#include "bench/process_usage.h"

#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace txtchat::bench {
namespace {

/// The bytes of a line `KEY:  N kB` of a file of /proc; 0 if it is not there.
std::uint64_t BytesOf(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(key, 0) == 0) {
      return 1024 * std::strtoull(line.c_str() + key.size(), nullptr, 10);
    }
  }
  return 0;
}

}  // namespace

absl::StatusOr<ProcessUsage> UsageOf(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  std::ifstream file(folder + "/stat");
  std::string stat;
  clockid_t clock = 0;
  timespec cpu{};
  if (!std::getline(file, stat) || clock_getcpuclockid(pid, &clock) != 0 ||
      clock_gettime(clock, &cpu) != 0) {
    return absl::NotFoundError("cannot read what process " + std::to_string(pid) + " uses");
  }
  ProcessUsage usage;
  usage.cpu_s = static_cast<double>(cpu.tv_sec) + static_cast<double>(cpu.tv_nsec) / 1e9;
  // The name, in parentheses, may hold anything; behind it fields 3 to 13 precede the times.
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field <= 13; ++field) fields >> skipped;
  double user_ticks = 0;
  double system_ticks = 0;
  fields >> user_ticks >> system_ticks;
  const auto ticks_per_s = static_cast<double>(sysconf(_SC_CLK_TCK));
  usage.user_s = user_ticks / ticks_per_s;
  usage.system_s = system_ticks / ticks_per_s;
  // VmRSS lags behind by some pages for each thread; the roll-up counts.
  usage.resident_bytes = BytesOf(folder + "/smaps_rollup", "Rss:");
  if (usage.resident_bytes == 0) usage.resident_bytes = BytesOf(folder + "/status", "VmRSS:");
  usage.resident_peak_bytes = BytesOf(folder + "/status", "VmHWM:");
  return usage;
}

}  // namespace txtchat::bench
