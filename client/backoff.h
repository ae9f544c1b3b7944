#pragma once

#include <chrono>
#include <functional>

namespace txtchat::client {

// How long to wait before each attempt to reconnect: exponential, capped, and jittered so that the
// clients of a restarted server do not all return at the same moment. Not thread-safe.
class Backoff {
 public:
  struct Options {
    std::chrono::milliseconds initial{500};
    std::chrono::milliseconds max{30'000};
    double multiplier = 2.0;
    // The part of the delay that is left to chance: 0.5 gives between half of it and all of it.
    double jitter = 0.5;
  };

  // `random` answers numbers in [0, 1).
  Backoff(Options options, std::function<double()> random);

  // The delay before the next attempt; each call makes the one after it longer, up to the cap.
  std::chrono::milliseconds Next();

  // Starts again from the initial delay, after a success.
  void Reset();

 private:
  const Options options_;
  const std::function<double()> random_;
  double next_ms_;
};

}  // namespace txtchat::client
