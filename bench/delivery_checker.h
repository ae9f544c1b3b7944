#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "bench/stamp.h"

namespace txtchat::bench {

/// What was wrong with the deliveries of a run. A run is good if all counts are 0.
struct Faults {
  std::uint64_t lost = 0;          ///< Owed to a reader, and never given.
  std::uint64_t twice = 0;         ///< Given to a reader again.
  std::uint64_t out_of_order = 0;  ///< Given in another order than to others, or than sent.
  std::uint64_t unknown = 0;       ///< Nobody has sent this, or not to this reader.
  std::uint64_t readers = 0;       ///< How many readers had any of these.
  std::string example;             ///< One of them, for people.

  bool any() const { return lost + twice + out_of_order + unknown > 0; }
};

/// Checks every delivery to every reader.
///
/// Each channel has one log of what was delivered in it, in the order of whoever was first to get
/// a message; each reader has a place in that log. A good delivery is the one at the reader's
/// place, which costs one comparison and no memory, so that thousands of readers of millions of
/// messages can be checked. Only where something is wrong more is remembered.
///
/// Exact for lost and twice. Where readers got different orders, or the first to get something had
/// missed something before it, who is blamed for how many out of order depends on who was first.
///
/// Not thread-safe.
class DeliveryChecker {
 public:
  /// Publisher p sends to channel p % channels. `fifo`: a channel must also show each publisher's
  /// messages in the order of their numbers.
  DeliveryChecker(std::uint32_t channels, std::uint32_t publishers, bool fifo);

  /// Adds a reader of `channel_count` channels from `first_channel` on (see Layout); answers its
  /// number. What `patient` readers are owed is counted apart.
  std::uint32_t AddReader(std::uint32_t first_channel, std::uint32_t channel_count, bool patient);

  /// The publisher sends its next message: all readers of its channel are owed it.
  void Sent(std::uint32_t publisher);
  /// A message that was Sent was refused: nobody is owed it.
  void Refused(std::uint32_t publisher);

  /// A reader was given something; false if something is wrong with that.
  bool Delivered(std::uint32_t reader, const Stamp& stamp) {
    const Reader& who = readers_[reader];
    if (stamp.publisher < publishers_.size()) {
      const Publisher& publisher = publishers_[stamp.publisher];
      std::uint32_t at = publisher.channel - who.first_channel;
      if (publisher.channel < who.first_channel) at += channel_count_;
      if (at < who.channel_count) {
        std::uint32_t& place = places_[who.first_place + at];
        const std::vector<std::uint64_t>& log = channels_[publisher.channel].log;
        if (place < log.size() && log[place] == IdOf(stamp)) {
          ++place;
          --owed_[who.patient ? 1 : 0];
          return true;
        }
        return Unusual(reader, who.first_place + at, stamp);
      }
    }
    return Unknown(reader);
  }
  /// A reader was given something that is no stamp. Always false.
  bool Unknown(std::uint32_t reader);

  /// Deliveries that are still to come, to readers that are not patient or that are.
  std::int64_t owed() const { return owed_[0]; }
  std::int64_t owed_patient() const { return owed_[1]; }

  /// What was wrong so far; whatever is still owed counts as lost.
  Faults Verdict() const;

 private:
  struct Publisher {
    std::uint32_t channel = 0;
    std::uint32_t sent = 0;
    std::uint32_t next_seen = 0;                ///< For `fifo`.
    std::vector<std::uint32_t> position_plus1;  ///< In the channel's log; 0: not there yet.
  };
  struct Channel {
    std::vector<std::uint64_t> log;  ///< IdOf, in the order of delivery.
    std::uint64_t sent = 0;
    std::uint32_t readers[2] = {0, 0};  ///< Not patient, patient.
  };
  struct Reader {
    std::uint32_t first_channel = 0;
    std::uint32_t channel_count = 0;
    std::uint32_t first_place = 0;
    bool patient = false;
  };

  static std::uint64_t IdOf(const Stamp& stamp) {
    return (std::uint64_t{stamp.publisher} << 32) | stamp.number;
  }
  /// A delivery that nobody has had before, or that is wrong.
  bool Unusual(std::uint32_t reader, std::uint32_t place, const Stamp& stamp);
  bool Append(std::uint32_t reader, const Stamp& stamp);
  bool Blame(std::uint32_t reader, std::uint64_t Faults::*kind, const std::string& what);

  const std::uint32_t channel_count_;
  const bool fifo_;
  std::vector<Publisher> publishers_;
  std::vector<Channel> channels_;
  std::vector<Reader> readers_;
  std::vector<std::uint32_t> places_;
  /// Positions before a place that its reader has not got. Empty unless something is wrong.
  std::map<std::uint32_t, std::set<std::uint32_t>> skipped_;
  std::int64_t owed_[2] = {0, 0};
  Faults faults_;
  std::set<std::uint32_t> blamed_;
};

}  // namespace txtchat::bench
