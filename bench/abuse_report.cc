#include "bench/abuse_report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench/report_parts.h"

namespace txtchat::bench {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;

double PerSecond(double amount, const AbuseMeasurement& m) {
  return m.seconds > 0 ? amount / m.seconds : 0.0;
}

double PerSecond(std::uint64_t amount, const AbuseMeasurement& m) {
  return PerSecond(static_cast<double>(amount), m);
}

std::string WhereFrom(const AbuseOptions& abuse) {
  return abuse.many_addresses ? "each from an address of its own (127.1.x.y)"
                              : "all from the address of the honest";
}

std::string AbuseRow(Abuse kind, const AbuseMeasurement& m) {
  const AbuseCountsOf<std::uint64_t>& c = m.abuse[static_cast<std::size_t>(kind)];
  return absl::StrFormat("    %-14s%7s%12.0f%12.0f%12.0f%12.2f%12.0f%12.2f%12.0f\n", NameOf(kind),
                         Grouped(c.open), PerSecond(c.connected, m),
                         PerSecond(c.refused + c.failed, m), PerSecond(c.lines_sent, m),
                         PerSecond(c.bytes_sent, m) / kMiB, PerSecond(c.lines_received, m),
                         PerSecond(c.bytes_received, m) / kMiB, PerSecond(c.errors, m));
}

Json JsonOf(const AbuseCountsOf<std::uint64_t>& c) {
  return {{"open", c.open},
          {"connected", c.connected},
          {"failed", c.failed},
          {"refused", c.refused},
          {"bytes_sent", c.bytes_sent},
          {"lines_sent", c.lines_sent},
          {"bytes_received", c.bytes_received},
          {"lines_received", c.lines_received},
          {"errors", c.errors}};
}

Json JsonOf(const AbuseMeasurement& m) {
  Json abuse;
  for (std::size_t i = 0; i < kAbuseKinds; ++i) {
    abuse[std::string(NameOf(static_cast<Abuse>(i)))] = JsonOf(m.abuse[i]);
  }
  return {{"seconds", m.seconds},
          {"sent", m.honest.sent},
          {"acknowledged", m.honest.acknowledged},
          {"refused", m.honest.refused},
          {"deliveries", m.honest.deliveries},
          {"acknowledged_us", JsonOf(m.honest.ack_ns)},
          {"delivered_us", JsonOf(m.honest.delivery_ns)},
          {"server_cpu_s", m.server_cpu_s},
          {"abusers_cpu_s", m.abusers_cpu_s},
          {"abuse", abuse}};
}

}  // namespace

std::string TableOf(const Options& options, const AbuseOptions& abuse, const AbuseResult& result) {
  std::string table = absl::StrFormat(
      "abuse: %s of %s, %s on gRPC, %g lines a second each of %u bytes; %s, %s, %s\n",
      Count(options.publishers + options.subscribers, "honest user"),
      Count(options.channels, "channel"), Grouped(options.subscribers),
      options.rate / std::max(options.publishers, 1u), options.text_bytes,
      Count(abuse.abusers(), "abuser"), WhereFrom(abuse), absl::StrCat("nice ", abuse.nice));
  table += kLatencyHead;
  table += LatencyRow("unloaded", result.unloaded.honest.delivery_ns);
  table += LatencyRow("under abuse", result.abused.honest.delivery_ns);
  absl::StrAppendFormat(&table, "  p99 under abuse, by unloaded: %.2f\n", result.p99_ratio());
  absl::StrAppendFormat(&table,
                        "  deliveries      %s unloaded in %.1f s, %s under abuse in %.1f s\n",
                        Grouped(result.unloaded.honest.deliveries), result.unloaded.seconds,
                        Grouped(result.abused.honest.deliveries), result.abused.seconds);
  table +=
      "  a second under abuse  open   connects     refused  lines sent    MiB sent   lines got"
      "     MiB got      errors\n";
  for (std::size_t i = 0; i < kAbuseKinds; ++i) {
    table += AbuseRow(static_cast<Abuse>(i), result.abused);
  }
  absl::StrAppendFormat(&table, "  CPU, cores      abusers %.2f",
                        PerSecond(result.abused.abusers_cpu_s, result.abused));
  if (result.server.has_value()) {
    absl::StrAppendFormat(&table,
                          "; server %.2f unloaded, %.2f under abuse; memory %.1f MiB at the end",
                          PerSecond(result.unloaded.server_cpu_s, result.unloaded),
                          PerSecond(result.abused.server_cpu_s, result.abused),
                          static_cast<double>(result.server->resident_bytes) / kMiB);
  }
  table += "\n" + FaultRows(result.faults, result.incidents);
  if (!result.status.ok()) table += "  NOT FINISHED\n";
  return table;
}

std::string JsonOf(const Options& options, const AbuseOptions& abuse, const AbuseResult& result,
                   const Machine& machine) {
  const Json json = {
      {"program", "txtchat-bench"},
      {"version", TXTCHAT_VERSION},
      {"label", options.label},
      {"machine", JsonOf(machine)},
      {"parameters",
       {{"transport", "abuse"},
        {"users", options.publishers},
        {"streams", options.subscribers},
        {"channels", options.channels},
        {"rate_per_s", options.rate},
        {"text_bytes", options.text_bytes},
        {"seconds", abuse.seconds},
        {"settle_s", abuse.settle_s},
        {"flooding", abuse.flooding},
        {"silent", abuse.silent},
        {"unreading", abuse.unreading},
        {"reconnecting", abuse.reconnecting},
        {"many_addresses", abuse.many_addresses},
        {"nice", abuse.nice}}},
      {"status", result.status.ok() ? "ok" : std::string(result.status.message())},
      {"interrupted", result.interrupted},
      {"p99_ratio", result.p99_ratio()},
      {"unloaded", JsonOf(result.unloaded)},
      {"abused", JsonOf(result.abused)},
      {"faults", JsonOf(result.faults)},
      {"incidents", JsonOf(result.incidents)},
      {"server", result.server.has_value() ? Json{{"resident_bytes", result.server->resident_bytes}}
                                           : Json(nullptr)},
  };
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace txtchat::bench
