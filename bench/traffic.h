#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "bench/delivery_checker.h"
#include "bench/histogram.h"
#include "bench/layout.h"
#include "bench/options.h"
#include "bench/stamp.h"

namespace txtchat::bench {

/// How many messages a publisher may send now in a closed loop: none, or what fills its window.
/// It waits until there is room for `burst`, or for all that are `left`.
std::uint64_t SendAllowance(std::uint32_t window, std::uint32_t burst, std::uint64_t outstanding,
                            std::uint64_t left);

/// A part of a run in which the publishers send.
struct Phase {
  std::uint64_t messages = 0;  ///< All publishers together.
  double rate = 0;             ///< 0: closed loop.
  double seconds_max = 0;      ///< 0: no limit.
  bool measured = false;
};

/// What a phase brought. Times in nanoseconds.
struct PhaseResult {
  std::uint64_t begin_ns = 0;
  std::uint64_t last_ack_ns = 0;
  std::uint64_t last_delivery_ns = 0;
  std::uint64_t sent = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t refused = 0;
  std::uint64_t deliveries = 0;
  Histogram ack_ns;       ///< From sent (or due) to acknowledged.
  Histogram delivery_ns;  ///< From sent (or due) to delivered, of readers that read all the time.
};

/// The transport-independent half of a load: what each publisher sends when, and what became of
/// it. The transports move the bytes.
///
/// Not thread-safe.
class Traffic {
 public:
  Traffic(const Options& options, const Layout& layout);

  // --- Phases.
  void Begin(const Phase& phase);
  /// No new messages in this phase.
  void StopSending() { stopped_ = true; }
  bool AllSent() const { return stopped_ || sent_in_phase_ >= phase_.messages; }
  /// Everything is sent and acknowledged, and everybody but the slow has everything.
  bool Complete() const { return AllSent() && outstanding_ == 0 && checker_.owed() <= 0; }
  bool SlowComplete() const { return checker_.owed_patient() <= 0; }
  const Phase& phase() const { return phase_; }
  const PhaseResult& result() const { return result_; }
  /// When anything was last delivered or acknowledged.
  std::uint64_t last_progress_ns() const { return last_progress_ns_; }
  /// When a message was last sent, or due.
  std::uint64_t last_sent_ns() const { return last_sent_ns_; }
  Faults Verdict() const { return checker_.Verdict(); }

  // --- Sending.
  /// Closed loop: how many messages the publisher may send now.
  std::uint64_t Allowance(std::uint32_t publisher) const;
  /// Open loop: when the next message of all is due; only while !AllSent(). NextPublisher sends it.
  std::uint64_t NextDueNanos() const;
  std::uint32_t NextPublisher() const {
    return static_cast<std::uint32_t>(sent_in_phase_ % publishers_.size());
  }
  /// The publisher sends its next message now: what its text says.
  Stamp Send(std::uint32_t publisher, std::uint64_t time_ns);
  void Acknowledged(std::uint32_t publisher, std::uint64_t time_ns, std::uint64_t now_ns);
  void Refused(std::uint32_t publisher);

  // --- Receiving. `seat` is the index of a seat whose role reads.
  /// Notes a text that a reader was given. False if it is not the text of any message.
  bool Delivered(std::uint32_t seat, std::string_view text, std::uint64_t now_ns, Stamp& stamp);
  /// The channel that its publisher sends to.
  std::uint32_t ChannelOf(const Stamp& stamp) const { return stamp.publisher % options_.channels; }
  void Unknown(std::uint32_t seat) { checker_.Unknown(reader_of_seat_[seat]); }

  const StampCodec& codec() const { return codec_; }

 private:
  struct Publisher {
    std::uint64_t goal = 0;  ///< Of this phase.
    std::uint64_t sent_in_phase = 0;
    std::uint64_t outstanding = 0;
    std::uint32_t next_number = 0;
  };

  const Options& options_;
  const StampCodec codec_;
  DeliveryChecker checker_;
  std::vector<std::uint32_t> reader_of_seat_;
  std::vector<bool> seat_is_slow_;
  std::vector<Publisher> publishers_;
  Phase phase_;
  PhaseResult result_;
  bool stopped_ = false;
  std::uint64_t sent_in_phase_ = 0;
  std::uint64_t outstanding_ = 0;
  std::uint64_t last_progress_ns_ = 0;
  std::uint64_t last_sent_ns_ = 0;
};

}  // namespace txtchat::bench
