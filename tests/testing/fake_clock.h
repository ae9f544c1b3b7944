#pragma once

#include <atomic>
#include <cstdint>

#include "core/clock.h"

namespace txtchat::testing {

/// A clock that stands still until told. Thread-safe.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(std::int64_t now_unix_ms = 1'000'000) : now_(now_unix_ms) {}
  std::int64_t NowUnixMs() const override { return now_.load(); }
  void Advance(std::int64_t ms) { now_ += ms; }

 private:
  std::atomic<std::int64_t> now_;
};

}  // namespace txtchat::testing
