#include "bench/process_usage.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <limits>

namespace txtchat::bench {
namespace {

TEST(ProcessUsage, ReadsItsOwn) {
  const auto before = UsageOf(getpid());
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_GT(before->cpu_s, 0.0);
  EXPECT_GT(before->resident_bytes, 100'000u);
  EXPECT_GE(before->resident_peak_bytes, before->resident_bytes / 2);
  const auto after = UsageOf(getpid());
  ASSERT_TRUE(after.ok());
  EXPECT_GT(after->cpu_s, before->cpu_s);
}

TEST(ProcessUsage, SaysThatThereIsNoSuchProcess) {
  const auto usage = UsageOf(std::numeric_limits<pid_t>::max());
  EXPECT_EQ(usage.status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace txtchat::bench
