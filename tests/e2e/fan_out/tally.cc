#include "tests/e2e/fan_out/tally.h"

#include <charconv>

namespace txtchat::e2e {
namespace {

bool TakeNumber(std::string_view& text, char end, std::uint32_t& number) {
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || rest == text.data() + text.size() || *rest != end) return false;
  text.remove_prefix(rest - text.data() + 1);
  return true;
}

}  // namespace

std::string MakeText(std::uint32_t sender, std::uint32_t number) {
  return std::to_string(sender) + ":" + std::to_string(number) + ":the quick brown fox jumps";
}

bool ParseText(std::string_view text, std::uint32_t& sender, std::uint32_t& number) {
  return TakeNumber(text, ':', sender) && TakeNumber(text, ':', number);
}

std::string Tally::Add(std::string_view text) {
  std::uint32_t sender = 0;
  std::uint32_t number = 0;
  if (!ParseText(text, sender, number) || sender >= traffic_.senders ||
      number >= traffic_.messages_each) {
    return "got what nobody sent: " + std::string(text.substr(0, 100));
  }
  const std::uint32_t id = sender * traffic_.messages_each + number;
  if (seen_[id]) return "got twice: " + std::string(text);
  seen_[id] = true;
  hash_ = (hash_ ^ id) * 1099511628211u;
  if (++count_ % kNoteEvery == 0 || complete()) order_.push_back(hash_);
  return "";
}

std::string Tally::Missing() const {
  std::string out;
  int listed = 0;
  for (std::uint32_t id = 0; id < traffic_.total() && listed < 5; ++id) {
    if (seen_[id]) continue;
    out += " " + std::to_string(id / traffic_.messages_each) + ":" +
           std::to_string(id % traffic_.messages_each);
    ++listed;
  }
  return std::to_string(traffic_.total() - count_) + " missing, among them" + out;
}

}  // namespace txtchat::e2e
