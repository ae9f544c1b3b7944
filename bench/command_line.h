#pragma once

#include <cstdint>
#include <optional>

#include "bench/endpoint.h"
#include "bench/options.h"

namespace txtchat::bench {

/// What the command line asks for.
struct CommandLine {
  enum class Verb : std::uint8_t {
    kNone,   ///< Nothing to do: help or a usage error was printed; end with `exit_code`.
    kLoad,   ///< Run a load with `options`.
    kFloor,  ///< Serve as the floor on `listen`.
    kAbuse,  ///< Measure honest users, `options`, with and without `abuse`.
    kNaive,  ///< Serve as the naive gRPC server on `listen`, and lines on `publish_listen`.
  };
  Verb verb = Verb::kNone;
  int exit_code = 0;
  Options options;
  AbuseOptions abuse;
  Endpoint listen;
  std::optional<Endpoint> publish_listen;
};

/// Reads the command line. Prints help to standard output, and what is wrong to standard error.
CommandLine ParseCommandLine(int argc, const char* const* argv);

}  // namespace txtchat::bench
