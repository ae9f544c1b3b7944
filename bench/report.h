#pragma once

#include <string>

#include "bench/machine.h"
#include "bench/options.h"
#include "bench/run.h"

namespace txtchat::bench {

/// The result for people: a headline, then a line for each figure.
std::string TableOf(const Options& options, const RunResult& result);

/// The result for programs: one JSON object in one line, with every parameter, the machine and the
/// version. Keys carry their units. The keys are described in bench/README.md; they are only ever
/// added to.
std::string JsonOf(const Options& options, const RunResult& result, const Machine& machine);

}  // namespace txtchat::bench
