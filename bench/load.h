#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bench/histogram.h"
#include "bench/progress.h"
#include "bench/traffic.h"

namespace txtchat::bench {

/// Things that happen in a run and are no matter of single deliveries.
struct Incidents {
  std::uint64_t disconnects = 0;  ///< Connections or streams that the server ended.
  std::uint64_t gaps = 0;         ///< Times that the server said it no longer has something.
  std::uint64_t refusals = 0;     ///< Messages that the server did not take.
  std::string first;              ///< The first of these; for people.

  void Note(std::uint64_t Incidents::*kind, std::string what) {
    ++(this->*kind);
    if (first.empty()) first = std::move(what);
  }
  void Add(const Incidents& more) {
    disconnects += more.disconnects;
    gaps += more.gaps;
    refusals += more.refusals;
    if (first.empty()) first = more.first;
  }
};

/// What every load is given. All of it outlives the load.
struct LoadContext {
  const Options& options;
  const Layout& layout;
  Traffic& traffic;
  Progress& progress;
  /// Set when the user wants an end.
  const std::atomic<bool>& interrupted;
};

/// A crowd of users over one transport, and what they do one after the other. Every call blocks
/// until it is done, or until nothing has happened for Options::patience_s, and belongs to one
/// thread. What was sent and delivered is in the Traffic.
class Load {
 public:
  explicit Load(const LoadContext& context) : context_(context) {}
  virtual ~Load() = default;
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  /// Everybody connects, registers and joins. UNAVAILABLE, DEADLINE_EXCEEDED, or what the server
  /// answered; CANCELLED after an interrupt.
  virtual absl::Status Connect() = 0;
  /// The publishers send until the phase is complete. After an interrupt no more is sent, and what
  /// was sent is waited for. OK also if not everything came: the Traffic knows. UNAVAILABLE if a
  /// publisher has lost its connection.
  absl::Status Run(const Phase& phase);
  /// The slow read as fast as they can until they have everything. As Run.
  absl::Status CatchUp();
  /// All subscribers vanish, and come back at once. Answers how long each took to be back, in
  /// nanoseconds from when the first began.
  virtual absl::StatusOr<Histogram> Storm() = 0;

  /// TCP connections that are open.
  virtual std::uint32_t connection_count() const = 0;
  virtual Incidents incidents() const { return incidents_; }
  /// Why the run cannot go on; OK if it can.
  const absl::Status& failure() const { return failure_; }
  /// Slow readers read as fast as they can.
  void HurrySlow(bool hurry) { slow_may_hurry_ = hurry; }

 protected:
  /// Handles what happens until `until_ns`, or returns earlier. Readers that fall under
  /// `slow_may_hurry_` are not held back.
  virtual void Turn(std::uint64_t until_ns) = 0;
  /// Lets a publisher send `count` messages now.
  virtual void Send(std::uint32_t publisher, std::uint64_t count, std::uint64_t time_ns) = 0;
  /// Hands on what Send has put together since the last Flush.
  virtual void Flush() = 0;

  /// Closed loop: sends what the publisher may send now.
  void SendMore(std::uint32_t publisher);
  bool patience_is_over(std::uint64_t since_ns) const;
  std::uint64_t patience_ns() const {
    return static_cast<std::uint64_t>(context_.options.patience_s * 1e9);
  }

  const LoadContext context_;
  Incidents incidents_;
  absl::Status failure_;
  bool slow_may_hurry_ = false;

 private:
  void SendDue();
};

}  // namespace txtchat::bench
