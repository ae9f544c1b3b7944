#include "storage/background_thread.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace txtchat::storage {
namespace {

constexpr int kNice = 5;  // A third of the weight of a thread with none.
constexpr std::uint64_t kSliceNs = 100'000;

/// As the kernel knows it (VER0): the C library of Debian 12 has no sched_setattr, and the kernel's
/// header does not get along with its <sched.h>.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = SCHED_BATCH;
  std::uint64_t flags = 0;
  std::int32_t nice = kNice;
  std::uint32_t priority = 0;
  std::uint64_t runtime_ns = kSliceNs;
  std::uint64_t deadline_ns = 0;
  std::uint64_t period_ns = 0;
};
static_assert(sizeof(SchedulingAttributes) == 48);

}  // namespace

void RunInBackground() noexcept {
  SchedulingAttributes attributes;
  constexpr pid_t kThisThread = 0;
  (void)::syscall(SYS_sched_setattr, kThisThread, &attributes, /*flags=*/0);
}

}  // namespace txtchat::storage
