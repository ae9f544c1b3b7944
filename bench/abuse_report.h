#pragma once

#include <string>

#include "bench/abuse_run.h"
#include "bench/machine.h"
#include "bench/options.h"

namespace txtchat::bench {

/// The result for people: latencies of the honest with and without abuse, their ratio, and what the
/// abusers did.
std::string TableOf(const Options& options, const AbuseOptions& abuse, const AbuseResult& result);

/// The result for programs: one JSON object in one line. Keys carry their units, and are only ever
/// added to.
std::string JsonOf(const Options& options, const AbuseOptions& abuse, const AbuseResult& result,
                   const Machine& machine);

}  // namespace txtchat::bench
