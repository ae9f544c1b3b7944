#include "bench/delivery_checker.h"

#include <algorithm>

namespace txtchat::bench {
namespace {

std::string Name(const Stamp& stamp) {
  return "message " + std::to_string(stamp.number) + " of publisher " +
         std::to_string(stamp.publisher);
}

}  // namespace

DeliveryChecker::DeliveryChecker(std::uint32_t channels, std::uint32_t publishers, Order order)
    : channel_count_(channels),
      logs_each_(order == Order::kPublishers ? (publishers + channels - 1) / channels : 1),
      as_sent_(order != Order::kShared),
      publishers_(publishers),
      logs_(std::size_t{channels} * logs_each_) {
  for (std::uint32_t p = 0; p < publishers; ++p) {
    publishers_[p].channel = p % channels;
    if (order == Order::kPublishers) publishers_[p].log_of_channel = p / channels;
  }
}

std::uint32_t DeliveryChecker::AddReader(std::uint32_t first_channel, std::uint32_t channel_count,
                                         bool patient) {
  readers_.push_back({.first_channel = first_channel,
                      .channel_count = channel_count,
                      .first_place = static_cast<std::uint32_t>(places_.size()),
                      .patient = patient});
  const std::uint32_t places = channel_count * logs_each_;
  places_.resize(places_.size() + places);
  for (std::uint32_t i = 0; i < places; ++i) {
    ++logs_[(first_channel * logs_each_ + i) % logs_.size()].readers[patient ? 1 : 0];
  }
  return static_cast<std::uint32_t>(readers_.size()) - 1;
}

void DeliveryChecker::Sent(std::uint32_t publisher) {
  Publisher& who = publishers_[publisher];
  Log& log = LogOf(who);
  ++who.sent;
  ++log.sent;
  who.position_plus1.push_back(0);
  owed_[0] += log.readers[0];
  owed_[1] += log.readers[1];
}

void DeliveryChecker::Refused(std::uint32_t publisher) {
  Log& log = LogOf(publishers_[publisher]);
  --log.sent;
  owed_[0] -= log.readers[0];
  owed_[1] -= log.readers[1];
}

bool DeliveryChecker::Unusual(std::uint32_t reader, std::uint32_t place, const Stamp& stamp) {
  const Publisher& publisher = publishers_[stamp.publisher];
  if (stamp.number >= publisher.sent) return Unknown(reader);
  std::int64_t& owed = owed_[readers_[reader].patient ? 1 : 0];
  std::uint32_t& next = places_[place];
  const std::uint32_t known = publisher.position_plus1[stamp.number];
  if (known == 0) {
    // The first to get it. Whatever lies between its place and the log's end it has not got.
    const auto end = static_cast<std::uint32_t>(LogOf(publisher).ids.size());
    for (; next < end; ++next) skipped_[place].insert(next);
    ++next;
    --owed;
    return Append(reader, stamp);
  }
  const std::uint32_t position = known - 1;
  if (position >= next) {
    // Others got more before it: that may still come, late, or be lost.
    for (; next < position; ++next) skipped_[place].insert(next);
    ++next;
    --owed;
    return true;
  }
  const auto skipped = skipped_.find(place);
  if (skipped == skipped_.end() || skipped->second.erase(position) == 0) {
    return Blame(reader, &Faults::twice, "got " + Name(stamp) + " twice");
  }
  --owed;
  return Blame(reader, &Faults::out_of_order, "got " + Name(stamp) + " late");
}

bool DeliveryChecker::Append(std::uint32_t reader, const Stamp& stamp) {
  Publisher& publisher = publishers_[stamp.publisher];
  Log& log = LogOf(publisher);
  log.ids.push_back(IdOf(stamp));
  publisher.position_plus1[stamp.number] = static_cast<std::uint32_t>(log.ids.size());
  // A later one than the next is no fault yet: what is between may be lost.
  const bool in_order = !as_sent_ || stamp.number >= publisher.next_seen;
  publisher.next_seen = std::max(publisher.next_seen, stamp.number + 1);
  return in_order ||
         Blame(reader, &Faults::out_of_order, "got " + Name(stamp) + " in another order than sent");
}

bool DeliveryChecker::Unknown(std::uint32_t reader) {
  return Blame(reader, &Faults::unknown, "got what nobody has sent it");
}

bool DeliveryChecker::Blame(std::uint32_t reader, std::uint64_t Faults::*kind,
                            const std::string& what) {
  ++(faults_.*kind);
  blamed_.insert(reader);
  if (faults_.example.empty()) faults_.example = "reader " + std::to_string(reader) + " " + what;
  return false;
}

Faults DeliveryChecker::Verdict() const {
  Faults faults = faults_;
  std::set<std::uint32_t> blamed = blamed_;
  for (std::uint32_t reader = 0; reader < readers_.size(); ++reader) {
    const Reader& who = readers_[reader];
    for (std::uint32_t i = 0; i < who.channel_count * logs_each_; ++i) {
      const std::uint32_t place = who.first_place + i;
      const std::uint64_t sent = logs_[(who.first_channel * logs_each_ + i) % logs_.size()].sent;
      const auto skipped = skipped_.find(place);
      const std::uint64_t got =
          places_[place] - (skipped == skipped_.end() ? 0 : skipped->second.size());
      if (got >= sent) continue;
      faults.lost += sent - got;
      blamed.insert(reader);
      if (faults.example.empty()) {
        faults.example = "reader " + std::to_string(reader) + " lost " +
                         std::to_string(sent - got) + " of " + std::to_string(sent);
      }
    }
  }
  faults.readers = blamed.size();
  return faults;
}

}  // namespace txtchat::bench
