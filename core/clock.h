#pragma once

#include <chrono>
#include <cstdint>

namespace txtchat {

/// Port: the time of day. Commands are stamped with it by whoever receives them, so that deciding
/// is deterministic. Implementations are thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Milliseconds since the Unix epoch.
  virtual std::int64_t NowUnixMs() const = 0;
};

/// The system's clock.
class SystemClock final : public Clock {
 public:
  std::int64_t NowUnixMs() const override {
    using std::chrono::duration_cast, std::chrono::milliseconds, std::chrono::system_clock;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  }
};

}  // namespace txtchat
