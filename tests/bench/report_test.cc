#include "bench/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace txtchat::bench {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

RunResult SomeResult() {
  RunResult result;
  result.users = 101;
  result.connections = 101;
  result.measured.begin_ns = 1'000'000'000;
  result.measured.last_ack_ns = 3'000'000'000;
  result.measured.last_delivery_ns = 3'000'000'000;
  result.measured.sent = result.measured.acknowledged = 1'000;
  result.measured.deliveries = 101'000;
  for (std::uint64_t i = 1; i <= 100; ++i) result.measured.delivery_ns.Record(i * 1'000);
  result.server.emplace();
  result.server->before.resident_bytes = 1 << 20;
  result.server->connected.resident_bytes = (1 << 20) + 101 * 2048;
  result.server->begin.cpu_s = 1.0;
  result.server->end.cpu_s = 1.0505;
  return result;
}

TEST(Report, JsonCarriesFiguresParametersAndMachine) {
  Options options;
  options.label = "a \"label\"";
  options.window = 200;
  const json report = json::parse(JsonOf(options, SomeResult(), ThisMachine()));
  EXPECT_EQ(report["program"], "txtchat-bench");
  EXPECT_FALSE(report["version"].get<std::string>().empty());
  EXPECT_EQ(report["label"], "a \"label\"");
  EXPECT_EQ(report["status"], "ok");
  EXPECT_EQ(report["parameters"]["transport"], "line");
  EXPECT_EQ(report["parameters"]["window"], 200);
  EXPECT_TRUE(report["parameters"]["rate_per_s"].is_null());
  EXPECT_GE(report["machine"]["cores"], 1);
  EXPECT_NEAR(report["sent"]["acknowledged_per_s"], 500.0, 0.01);
  EXPECT_NEAR(report["delivered"]["deliveries_per_s"], 50'500.0, 0.1);
  EXPECT_NEAR(report["delivered"]["latency_us"]["p50"], 50.0, 1.0);
  EXPECT_NEAR(report["server"]["cpu_us_per_delivery"], 0.5, 1e-6);
  EXPECT_EQ(report["server"]["resident_bytes_per_user"], 2048.0);
  EXPECT_EQ(report["faults"]["lost"], 0);
}

TEST(Report, NamesWhatWasSpoken) {
  for (const auto& [transport, name] : {std::pair{Transport::kLine, "line"},
                                        {Transport::kGrpc, "grpc"},
                                        {Transport::kNats, "nats"},
                                        {Transport::kRedis, "redis"}}) {
    Options options;
    options.transport = transport;
    const json parameters = json::parse(JsonOf(options, SomeResult(), Machine()))["parameters"];
    EXPECT_EQ(parameters["transport"], name);
    EXPECT_EQ(parameters.contains("dialect"), transport == Transport::kLine);
    EXPECT_THAT(TableOf(options, SomeResult()), StartsWith(name));
  }
}

TEST(Report, JsonSaysThatNothingIsKnownOfTheServer) {
  RunResult result = SomeResult();
  result.server.reset();
  EXPECT_TRUE(json::parse(JsonOf(Options(), result, Machine()))["server"].is_null());
}

TEST(Report, TableShowsWhatMatters) {
  const std::string table = TableOf(Options(), SomeResult());
  EXPECT_THAT(table, HasSubstr("100 subscribers of 1 channel"));
  EXPECT_THAT(table, HasSubstr("0.500 µs a delivery"));
  EXPECT_THAT(table, HasSubstr("101,000"));
  EXPECT_THAT(table, HasSubstr("nothing lost"));
  EXPECT_THAT(table, Not(HasSubstr("NOT FINISHED")));
}

TEST(Report, SaysWhetherPublishersAreOnLines) {
  Options options;
  options.transport = Transport::kGrpc;
  EXPECT_THAT(TableOf(options, SomeResult()), Not(HasSubstr("publishers on lines")));
  EXPECT_EQ(
      json::parse(JsonOf(options, SomeResult(), Machine()))["parameters"]["publishers_on_lines"],
      false);
  options.line_server = Endpoint{"localhost", 1};
  EXPECT_THAT(TableOf(options, SomeResult()), HasSubstr("publishers on lines"));
  EXPECT_EQ(
      json::parse(JsonOf(options, SomeResult(), Machine()))["parameters"]["publishers_on_lines"],
      true);
}

TEST(Report, TableShowsFaultsAndIncidents) {
  RunResult result = SomeResult();
  result.faults.lost = 3;
  result.faults.example = "reader 7 lost 3 of 10";
  result.incidents.Note(&Incidents::disconnects, "gone");
  const std::string table = TableOf(Options(), result);
  EXPECT_THAT(table, HasSubstr("3 lost"));
  EXPECT_THAT(table, HasSubstr("reader 7 lost 3 of 10"));
  EXPECT_THAT(table, HasSubstr("1 disconnect"));
  EXPECT_THAT(table, Not(HasSubstr("nothing lost")));
}

TEST(Report, ExitCodesSayWhatHappened) {
  RunResult result = SomeResult();
  EXPECT_EQ(ExitCodeOf(result), kExitOk);
  result.faults.twice = 1;
  EXPECT_EQ(ExitCodeOf(result), kExitFaults);
  result.status = absl::UnavailableError("gone");
  EXPECT_EQ(ExitCodeOf(result), kExitCouldNotRun);
  result.interrupted = true;
  EXPECT_EQ(ExitCodeOf(result), kExitInterrupted);
  RunResult refused = SomeResult();
  refused.incidents.refusals = 1;
  EXPECT_EQ(ExitCodeOf(refused), kExitCouldNotRun);
}

}  // namespace
}  // namespace txtchat::bench
