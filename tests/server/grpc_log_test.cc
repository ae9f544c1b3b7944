#include "server/grpc_log.h"

#include <grpc/support/log.h>

#include <chrono>
#include <string>

#include "gtest/gtest.h"

namespace txtchat::server {
namespace {

using std::chrono::seconds;

const std::chrono::steady_clock::time_point kStart{seconds(1'000)};

TEST(ErrorTally, TellsTheFirstAtOnce) {
  ErrorTally tally(seconds(60));
  EXPECT_EQ(tally.Add("a.cc:1", kStart), 1u);
}

TEST(ErrorTally, TellsAPlaceOnceInAnIntervalWithHowManyThereWere) {
  ErrorTally tally(seconds(60));
  tally.Add("a.cc:1", kStart);
  for (int i = 0; i < 60; ++i) EXPECT_EQ(tally.Add("a.cc:1", kStart + seconds(i)), 0u);
  EXPECT_EQ(tally.Add("a.cc:1", kStart + seconds(60)), 61u);
  EXPECT_EQ(tally.Add("a.cc:1", kStart + seconds(61)), 0u);
}

TEST(ErrorTally, CountsEachPlaceForItself) {
  ErrorTally tally(seconds(60));
  tally.Add("a.cc:1", kStart);
  EXPECT_EQ(tally.Add("b.cc:1", kStart), 1u);
  EXPECT_EQ(tally.Add("a.cc:2", kStart), 1u);
  EXPECT_EQ(tally.Add("a.cc:1", kStart + seconds(70)), 1u);
}

/// What is on standard error at `level` after gRPC has logged `secret` as an error, many times.
std::string LoggedAt(LogLevel level) {
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_INFO);
  ::testing::internal::CaptureStderr();
  {
    const Log log(LogFormat::kText, level);
    const GrpcLogRoute route(log);
    for (int i = 0; i < 100; ++i) gpr_log("src/core/x.cc", 7, GPR_LOG_SEVERITY_ERROR, "a secret");
    gpr_log("src/core/y.cc", 8, GPR_LOG_SEVERITY_INFO, "another secret");
  }
  return ::testing::internal::GetCapturedStderr();
}

TEST(GrpcLogRoute, WarnsOnceAndKeepsTheTextToItself) {
  const std::string logged = LoggedAt(LogLevel::kInfo);
  EXPECT_EQ(logged.find("secret"), std::string::npos) << logged;
  EXPECT_NE(logged.find("where=x.cc:7 count=1 "), std::string::npos) << logged;
  EXPECT_EQ(logged.find('\n'), logged.size() - 1) << "one line: " << logged;
}

TEST(GrpcLogRoute, TellsTheTextToWhoeverDebugs) {
  const std::string logged = LoggedAt(LogLevel::kDebug);
  EXPECT_NE(logged.find("where=x.cc:7 message=\"a secret\""), std::string::npos) << logged;
  EXPECT_NE(logged.find("where=y.cc:8 message=\"another secret\""), std::string::npos) << logged;
}

}  // namespace
}  // namespace txtchat::server
