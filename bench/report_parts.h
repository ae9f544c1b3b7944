// What the reports of all verbs are made of.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "bench/delivery_checker.h"
#include "bench/histogram.h"
#include "bench/load.h"
#include "bench/machine.h"

namespace txtchat::bench {

using Json = nlohmann::ordered_json;

double Micros(std::uint64_t nanos);

// --- For people.
/// 1,234,567
std::string Grouped(std::uint64_t number);
/// "1 thing", "2 things".
std::string Count(std::uint64_t count, const std::string& thing);
/// What stands above LatencyRow.
inline constexpr char kLatencyHead[] =
    "  latency, µs               p50         p90         p99       p99.9         max\n";
std::string LatencyRow(const std::string& name, const Histogram& histogram);
std::string FaultRows(const Faults& f, const Incidents& i);

// --- For programs.
Json JsonOf(const Histogram& histogram);
Json JsonOf(const Machine& machine);
Json JsonOf(const Faults& faults);
Json JsonOf(const Incidents& incidents);

}  // namespace txtchat::bench
