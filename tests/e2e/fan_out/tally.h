#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace txtchat::e2e {

/// How many messages there are, and from how many senders.
struct Traffic {
  std::uint32_t senders = 0;
  std::uint32_t messages_each = 0;

  std::uint32_t total() const { return senders * messages_each; }
};

/// The text of a sender's message: who and which, and some words so that it is as long as chat is.
std::string MakeText(std::uint32_t sender, std::uint32_t number);

/// What MakeText has put in; false if the text is none of its.
bool ParseText(std::string_view text, std::uint32_t& sender, std::uint32_t& number);

/// What one receiver got: which messages, and in what order. For one thread at a time.
class Tally {
 public:
  explicit Tally(Traffic traffic) : traffic_(traffic), seen_(traffic.total()) {}

  /// Takes the next message. Answers what is wrong with it, or nothing.
  std::string Add(std::string_view text);

  std::uint32_t count() const { return count_; }
  bool complete() const { return count_ == traffic_.total(); }

  /// A running hash of the order, noted every so many messages: receivers with equal notes got
  /// the same order.
  const std::vector<std::uint64_t>& order() const { return order_; }
  static constexpr std::uint32_t kNoteEvery = 100;

  /// Some of what is missing, for people.
  std::string Missing() const;

 private:
  const Traffic traffic_;
  std::vector<bool> seen_;
  std::uint32_t count_ = 0;
  std::uint64_t hash_ = 14695981039346656037u;
  std::vector<std::uint64_t> order_;
};

}  // namespace txtchat::e2e
