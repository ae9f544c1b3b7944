#pragma once

#include <cstdint>
#include <string>

namespace txtchat::bench {

/// Says on standard error how far a run is: a line that is overwritten five times a second on a
/// terminal, otherwise a line every five seconds. Not thread-safe.
class Progress {
 public:
  explicit Progress(bool quiet);
  ~Progress() { Clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `what` is done to `done` of `total`. Cheap when it is not time to say something.
  void Update(const char* what, std::uint64_t done, std::uint64_t total, std::uint64_t now_ns) {
    if (now_ns >= next_ns_) Say(what, done, total, now_ns);
  }
  /// Takes the line away, before something else is printed.
  void Clear();

 private:
  void Say(const char* what, std::uint64_t done, std::uint64_t total, std::uint64_t now_ns);

  const bool terminal_;
  const std::uint64_t interval_ns_;
  std::uint64_t next_ns_;
  bool drawn_ = false;
};

}  // namespace txtchat::bench
