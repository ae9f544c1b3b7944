#include "bench/report_parts.h"

#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace txtchat::bench {
namespace {

constexpr double kPercents[] = {50, 90, 99, 99.9};
constexpr const char* kPercentNames[] = {"p50", "p90", "p99", "p99_9"};

}  // namespace

double Micros(std::uint64_t nanos) { return static_cast<double>(nanos) / 1e3; }

/// 1,234,567
std::string Grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(at, ",");
  return digits;
}

std::string Count(std::uint64_t count, const std::string& thing) {
  return Grouped(count) + " " + thing + (count == 1 ? "" : "s");
}

std::string LatencyRow(const std::string& name, const Histogram& histogram) {
  std::string row = absl::StrFormat("    %-14s", name);
  if (histogram.count() == 0) return row + "  (none)\n";
  for (const double percent : kPercents) {
    absl::StrAppendFormat(&row, "%12.1f", Micros(histogram.Percentile(percent)));
  }
  return row + absl::StrFormat("%12.1f\n", Micros(histogram.max()));
}

std::string FaultRows(const Faults& f, const Incidents& i) {
  std::string rows =
      f.any() ? absl::StrCat("  FAULTS          ", Grouped(f.lost), " lost, ", Grouped(f.twice),
                             " twice, ", Grouped(f.out_of_order), " out of order, ",
                             Grouped(f.unknown), " unknown; ", Count(f.readers, "reader"),
                             " concerned. First: ", f.example, "\n")
              : "  checked         nothing lost, nothing twice, nothing out of order\n";
  if (!i.first.empty()) {
    absl::StrAppend(&rows, "  incidents       ", Count(i.refusals, "refusal"), ", ",
                    Count(i.disconnects, "disconnect"), ", ", Count(i.gaps, "gap"),
                    ". First: ", i.first, "\n");
  }
  return rows;
}

Json JsonOf(const Histogram& histogram) {
  Json json = {{"count", histogram.count()},
               {"mean", histogram.mean() / 1e3},
               {"min", Micros(histogram.min())}};
  for (std::size_t i = 0; i < std::size(kPercents); ++i) {
    json[kPercentNames[i]] = Micros(histogram.Percentile(kPercents[i]));
  }
  json["max"] = Micros(histogram.max());
  return json;
}

Json JsonOf(const Machine& machine) {
  return {{"cpu", machine.cpu},
          {"cores", machine.cores},
          {"cores_allowed", machine.cores_allowed},
          {"memory_bytes", machine.memory_bytes},
          {"kernel", machine.kernel}};
}

Json JsonOf(const Faults& faults) {
  return {{"lost", faults.lost},
          {"twice", faults.twice},
          {"out_of_order", faults.out_of_order},
          {"unknown", faults.unknown},
          {"readers", faults.readers},
          {"example", faults.example}};
}

Json JsonOf(const Incidents& incidents) {
  return {{"refusals", incidents.refusals},
          {"disconnects", incidents.disconnects},
          {"gaps", incidents.gaps},
          {"first", incidents.first}};
}

}  // namespace txtchat::bench
