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

/// The order that a server promises to the readers of a channel.
enum class Order : std::uint8_t {
  kShared,        ///< The same for all of them.
  kSharedAsSent,  ///< The same for all of them, and each publisher's messages as it sent them.
  kPublishers,    ///< Each publisher's messages as it sent them; how they mix may differ.
};

/// Checks every delivery to every reader.
///
/// Each channel has one log of what was delivered in it, in the order of whoever was first to get
/// a message; with Order::kPublishers it has one for each of its publishers. Each reader has a
/// place in that log. A good delivery is the one at the reader's place, which costs one comparison
/// and no memory, so that thousands of readers of millions of messages can be checked. Only where
/// something is wrong more is remembered.
///
/// Exact for lost and twice. Where readers got different orders, or the first to get something had
/// missed something before it, who is blamed for how many out of order depends on who was first.
///
/// Not thread-safe.
class DeliveryChecker {
 public:
  /// Publisher p sends to channel p % channels.
  DeliveryChecker(std::uint32_t channels, std::uint32_t publishers, Order order);

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
        const std::uint32_t index = who.first_place + at * logs_each_ + publisher.log_of_channel;
        std::uint32_t& place = places_[index];
        const std::vector<std::uint64_t>& ids = LogOf(publisher).ids;
        if (place < ids.size() && ids[place] == IdOf(stamp)) {
          ++place;
          --owed_[who.patient ? 1 : 0];
          return true;
        }
        return Unusual(reader, index, stamp);
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
    std::uint32_t log_of_channel = 0;  ///< Which of its channel's logs its messages are in.
    std::uint32_t sent = 0;
    std::uint32_t next_seen = 0;                ///< Where they must come as sent.
    std::vector<std::uint32_t> position_plus1;  ///< In the log; 0: not there yet.
  };
  struct Log {
    std::vector<std::uint64_t> ids;  ///< IdOf, in the order of delivery.
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
  const Log& LogOf(const Publisher& publisher) const {
    return logs_[publisher.channel * logs_each_ + publisher.log_of_channel];
  }
  Log& LogOf(const Publisher& publisher) {
    return logs_[publisher.channel * logs_each_ + publisher.log_of_channel];
  }
  /// A delivery that nobody has had before, or that is wrong.
  bool Unusual(std::uint32_t reader, std::uint32_t place, const Stamp& stamp);
  bool Append(std::uint32_t reader, const Stamp& stamp);
  bool Blame(std::uint32_t reader, std::uint64_t Faults::*kind, const std::string& what);

  const std::uint32_t channel_count_;
  const std::uint32_t logs_each_;  ///< Of each channel.
  const bool as_sent_;
  std::vector<Publisher> publishers_;
  std::vector<Log> logs_;  ///< `logs_each_` of the first channel, of the second, …
  std::vector<Reader> readers_;
  std::vector<std::uint32_t> places_;  ///< Of each reader, one in each log of its channels.
  /// Positions before a place that its reader has not got. Empty unless something is wrong.
  std::map<std::uint32_t, std::set<std::uint32_t>> skipped_;
  std::int64_t owed_[2] = {0, 0};
  Faults faults_;
  std::set<std::uint32_t> blamed_;
};

}  // namespace txtchat::bench
