#include "bench/report.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench/report_parts.h"

namespace txtchat::bench {
namespace {

constexpr double kKiB = 1024.0;
constexpr double kMiB = 1024.0 * kKiB;
constexpr double kDividedFromSeconds = 0.5;
double SecondsFrom(std::uint64_t begin_ns, std::uint64_t end_ns) {
  return end_ns > begin_ns ? static_cast<double>(end_ns - begin_ns) / 1e9 : 0.0;
}

double Ratio(double a, double b) { return b > 0 ? a / b : 0.0; }

/// The figures that both reports show.
struct Figures {
  explicit Figures(const RunResult& result) {
    const PhaseResult& measured = result.measured;
    const auto deliveries = static_cast<double>(measured.deliveries);
    send_s = SecondsFrom(measured.begin_ns, measured.last_ack_ns);
    delivery_s = SecondsFrom(measured.begin_ns, measured.last_delivery_ns);
    acknowledged_per_s = Ratio(static_cast<double>(measured.acknowledged), send_s);
    deliveries_per_s = Ratio(deliveries, delivery_s);
    load_us_per_delivery = Ratio(1e6 * result.load_cpu_s, deliveries);
    if (!result.server.has_value()) return;
    const ServerUsage& server = *result.server;
    const double cpu_s = server.measured_cpu_s();
    cpu_us_per_delivery = Ratio(1e6 * cpu_s, deliveries);
    cpu_us_per_message = Ratio(1e6 * cpu_s, static_cast<double>(measured.acknowledged));
    const double user_s = server.end.user_s - server.begin.user_s;
    const double system_s = server.end.system_s - server.begin.system_s;
    system_share = Ratio(system_s, user_s + system_s);
    cores = Ratio(cpu_s, std::max(send_s, delivery_s));
    bytes_per_user = Ratio(static_cast<double>(server.connected.resident_bytes) -
                               static_cast<double>(server.before.resident_bytes),
                           result.users);
  }

  double send_s = 0;
  double delivery_s = 0;
  double acknowledged_per_s = 0;
  double deliveries_per_s = 0;
  double load_us_per_delivery = 0;
  double cpu_us_per_delivery = 0;
  double cpu_us_per_message = 0;
  double system_share = 0;
  double cores = 0;
  double bytes_per_user = 0;
};

std::string Headline(const Options& o) {
  std::string line(NameOf(o.transport));
  if (o.transport == Transport::kGrpc) {
    absl::StrAppend(&line, ", ", Count(o.connections, "connection"),
                    o.line_server.has_value() ? ", publishers on lines" : "");
  }
  if (o.dialect == Dialect::kTagged) line += ", tagged";
  absl::StrAppend(&line, ": ", Count(o.subscribers, "subscriber"), " of ",
                  Count(o.channels, "channel"), ", ", Count(o.publishers, "publisher"));
  if (o.channels_each > 1) absl::StrAppend(&line, ", each in ", Count(o.channels_each, "channel"));
  if (o.slow > 0) absl::StrAppend(&line, ", ", Grouped(o.slow), " slow");
  if (o.stalled > 0) absl::StrAppend(&line, ", ", Grouped(o.stalled), " stalled");
  if (o.idle > 0) absl::StrAppend(&line, ", ", Grouped(o.idle), " idle");
  absl::StrAppend(&line, "; ", Count(o.messages, "message"), " of ", o.text_bytes, " bytes, ");
  if (!o.closed_loop()) return line + absl::StrFormat("%g a second", o.rate);
  absl::StrAppend(&line, "window ", o.window);
  if (o.burst > 1) absl::StrAppend(&line, ", bursts of ", o.burst);
  return line;
}

std::string ServerRows(const RunResult& result, const Figures& figures) {
  const ServerUsage& server = *result.server;
  std::string rows;
  if (result.measured.deliveries > 0) {
    rows = absl::StrFormat("  server CPU      %.3f µs a delivery, %.1f µs a message, %.2f cores",
                           figures.cpu_us_per_delivery, figures.cpu_us_per_message, figures.cores);
    // The division is sampled every 10 ms: of a short run it says nothing.
    if (server.measured_cpu_s() >= kDividedFromSeconds) {
      absl::StrAppendFormat(&rows, "; %.0f %% of it in the kernel", 100 * figures.system_share);
    }
    rows += '\n';
  } else if (result.measured.acknowledged > 0) {
    rows = absl::StrFormat("  server CPU      %.1f µs a message, %.2f cores\n",
                           figures.cpu_us_per_message, figures.cores);
  }
  return rows + absl::StrFormat(
                    "  server memory   %.1f MiB before, %.1f with everybody there (%.1f KiB each), "
                    "%.1f at the end, %.1f at the peak\n",
                    static_cast<double>(server.before.resident_bytes) / kMiB,
                    static_cast<double>(server.connected.resident_bytes) / kMiB,
                    figures.bytes_per_user / kKiB,
                    static_cast<double>(server.after.resident_bytes) / kMiB,
                    static_cast<double>(server.after.resident_peak_bytes) / kMiB);
}

Json JsonOf(const Options& o) {
  Json json = {
      {"transport", NameOf(o.transport)},
      {"subscribers", o.subscribers},
      {"channels", o.channels},
      {"channels_each", o.channels_each},
      {"publishers", o.publishers},
      {"slow", o.slow},
      {"slow_bytes_per_s", o.slow_bytes_per_s},
      {"stalled", o.stalled},
      {"idle", o.idle},
      {"idle_channel_members", o.idle_channel_members},
      {"messages", o.messages},
      {"warmup", o.warmup},
      {"text_bytes", o.text_bytes},
      {"window", o.closed_loop() ? Json(o.window) : Json(nullptr)},
      {"burst", o.closed_loop() ? Json(o.burst) : Json(nullptr)},
      {"rate_per_s", o.closed_loop() ? Json(nullptr) : Json(o.rate)},
      {"seconds_max", o.seconds_max},
      {"storms", o.storms},
      {"patience_s", o.patience_s},
  };
  if (o.transport == Transport::kGrpc) {
    json["connections"] = o.connections;
    json["publishers_on_lines"] = o.line_server.has_value();
  } else if (o.transport == Transport::kLine) {
    json["dialect"] = o.dialect == Dialect::kTagged ? "tagged" : "classic";
  }
  return json;
}

Json JsonOf(const ServerUsage& server, const Figures& figures) {
  return {{"cpu_us_per_delivery", figures.cpu_us_per_delivery},
          {"cpu_us_per_message", figures.cpu_us_per_message},
          {"cpu_s", server.measured_cpu_s()},
          {"cpu_system_share", figures.system_share},
          {"cores", figures.cores},
          {"resident_bytes_before", server.before.resident_bytes},
          {"resident_bytes_connected", server.connected.resident_bytes},
          {"resident_bytes_per_user", figures.bytes_per_user},
          {"resident_bytes_after", server.after.resident_bytes},
          {"resident_bytes_peak", server.after.resident_peak_bytes}};
}

}  // namespace

std::string TableOf(const Options& options, const RunResult& result) {
  const Figures figures(result);
  const PhaseResult& measured = result.measured;
  std::string table = Headline(options) + "\n";
  absl::StrAppendFormat(&table, "  connected       %s over %s in %.2f s\n",
                        Count(result.users, "user"), Count(result.connections, "connection"),
                        result.connect_s);
  if (options.messages > 0) {
    absl::StrAppendFormat(&table, "  acknowledged    %s in %.2f s: %s a second\n",
                          Count(measured.acknowledged, "message"), figures.send_s,
                          Grouped(static_cast<std::uint64_t>(figures.acknowledged_per_s)));
    absl::StrAppendFormat(&table, "  delivered       %s in %.2f s: %s a second\n",
                          Grouped(measured.deliveries), figures.delivery_s,
                          Grouped(static_cast<std::uint64_t>(figures.deliveries_per_s)));
    table += kLatencyHead;
    table += LatencyRow("acknowledged", measured.ack_ns);
    table += LatencyRow("delivered", measured.delivery_ns);
  }
  if (options.slow > 0) {
    absl::StrAppendFormat(&table, "  slow readers    caught up with %s deliveries in %.2f s\n",
                          Grouped(result.catch_up_deliveries), result.catch_up_s);
  }
  for (const StormResult& storm : result.storms) {
    absl::StrAppendFormat(&table, "  storm           %s back in %.2f s; p50 %.0f ms, p99 %.0f ms\n",
                          Grouped(storm.back_ns.count()), storm.seconds,
                          Micros(storm.back_ns.Percentile(50)) / 1e3,
                          Micros(storm.back_ns.Percentile(99)) / 1e3);
  }
  if (result.server.has_value()) table += ServerRows(result, figures);
  if (measured.deliveries > 0) {
    absl::StrAppendFormat(&table, "  load CPU        %.3f µs a delivery\n",
                          figures.load_us_per_delivery);
  }
  table += FaultRows(result.faults, result.incidents);
  if (!result.status.ok()) {
    absl::StrAppend(&table, "  NOT FINISHED\n");
  }
  return table;
}

std::string JsonOf(const Options& options, const RunResult& result, const Machine& machine) {
  const Figures figures(result);
  const PhaseResult& measured = result.measured;
  Json storms = Json::array();
  for (const StormResult& storm : result.storms) {
    storms.push_back({{"seconds", storm.seconds}, {"back_us", JsonOf(storm.back_ns)}});
  }
  const Json json = {
      {"program", "txtchat-bench"},
      {"version", TXTCHAT_VERSION},
      {"label", options.label},
      {"machine", JsonOf(machine)},
      {"parameters", JsonOf(options)},
      {"status", result.status.ok() ? "ok" : std::string(result.status.message())},
      {"interrupted", result.interrupted},
      {"connect",
       {{"seconds", result.connect_s},
        {"users", result.users},
        {"connections", result.connections}}},
      {"sent",
       {{"messages", measured.sent},
        {"acknowledged", measured.acknowledged},
        {"refused", measured.refused},
        {"seconds", figures.send_s},
        {"acknowledged_per_s", figures.acknowledged_per_s},
        {"latency_us", JsonOf(measured.ack_ns)}}},
      {"delivered",
       {{"deliveries", measured.deliveries},
        {"seconds", figures.delivery_s},
        {"deliveries_per_s", figures.deliveries_per_s},
        {"latency_us", JsonOf(measured.delivery_ns)}}},
      {"faults", JsonOf(result.faults)},
      {"incidents", JsonOf(result.incidents)},
      {"slow", {{"deliveries", result.catch_up_deliveries}, {"seconds", result.catch_up_s}}},
      {"storms", storms},
      {"server", result.server.has_value() ? JsonOf(*result.server, figures) : Json(nullptr)},
      {"load",
       {{"cpu_s", result.load_cpu_s}, {"cpu_us_per_delivery", figures.load_us_per_delivery}}},
  };
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace txtchat::bench
