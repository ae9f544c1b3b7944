// Who is served first where there is more to do than can be done at once.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace txtchat::gateway {

/// What a line costs: one, and one more for each KiB.
constexpr std::int64_t CostOfLine(std::size_t bytes) {
  return 1 + static_cast<std::int64_t>(bytes / 1'024);
}

/// How much one connection has sent lately: whoever sends as people do is light and goes first;
/// everybody else is busy, and waits for a turn while somebody light is there. No limit: it says
/// who comes first, not how much.
///
/// A bucket of tokens that is empty at first, so that a connection earns its place by being there
/// for a moment. Belongs to one thread; 16 bytes.
class FairShare {
 public:
  /// A person at a keyboard, or a bot that answers some, stays below it; a paste is within the
  /// burst.
  static constexpr std::int64_t kTokensPerSecond = 50;
  static constexpr std::int64_t kBurst = 100;
  /// So long, at most, one that was busy has to be quiet until it is light again.
  static constexpr std::int64_t kDebtMaxMs = 2'000;

  explicit FairShare(std::int64_t now_ms) : at_ms_(now_ms) {}

  bool IsLight(std::int64_t now_ms) const { return LevelAt(now_ms) >= kUnit; }
  /// Something was sent, by whoever.
  void Take(std::int64_t cost, std::int64_t now_ms) {
    const std::int64_t level = LevelAt(now_ms) - std::min(cost, kBurst) * kUnit;
    level_ = std::max(level, -kDebtMaxMs * kTokensPerSecond);
    at_ms_ = std::max(at_ms_, now_ms);
  }

 private:
  // A token is so many units; each millisecond brings kTokensPerSecond of them.
  static constexpr std::int64_t kUnit = 1'000;

  std::int64_t LevelAt(std::int64_t now_ms) const {
    const std::int64_t elapsed = std::max<std::int64_t>(now_ms - at_ms_, 0);
    return std::min(level_ + elapsed * kTokensPerSecond, kBurst * kUnit);
  }

  std::int64_t level_ = 0;
  std::int64_t at_ms_;
};

/// Whether somebody light is there, as far as all I/O threads of a gateway know. Thread-safe.
class LightPresence {
 public:
  /// So long the busy are held back after a light connection has sent something.
  static constexpr std::int64_t kRemembersMs = 5'000;

  void Note(std::int64_t now_ms) {
    // Written seldom: it is read by all threads, for each line.
    if (now_ms - last_ms_.load(std::memory_order_relaxed) >= kRemembersMs / 10) {
      last_ms_.store(now_ms, std::memory_order_relaxed);
    }
  }
  bool Is(std::int64_t now_ms) const {
    return now_ms - last_ms_.load(std::memory_order_relaxed) < kRemembersMs;
  }

 private:
  std::atomic<std::int64_t> last_ms_{-kRemembersMs};
};

// --- Turns of the busy. What all of them have under way together is what a light connection may
// have to wait for, so it is little: some tenths of a millisecond.

/// The cost of the lines that one takes in a turn.
inline constexpr std::int64_t kCostPerTurn = 16;
/// … of the commands of the busy that are not answered, all together: shared by the I/O threads,
/// and not less than kCostPerTurn for each.
inline constexpr std::int64_t kBusyInFlightMax = 32;
/// When all that the busy had under way is answered, they rest so many times as long as that took,
inline constexpr int kRestByRound = 3;
/// and no longer than this.
inline constexpr std::chrono::milliseconds kRestMax{30};
/// Turns before others of the thread's sessions are looked at.
inline constexpr int kTurnsInARow = 1;

}  // namespace txtchat::gateway
