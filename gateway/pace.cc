#include "gateway/pace.h"

#include <algorithm>

namespace txtchat::gateway {
namespace {

// Turns in a second, at the most, of a connection that is slowed.
constexpr std::int64_t kTurnsPerSecond = 20;

// What comes in a turn, if the bucket can hold so much.
std::int64_t ShareOf(std::int64_t per_second, std::int64_t burst) {
  return std::max<std::int64_t>(std::min(per_second / kTurnsPerSecond, burst), 1);
}

}  // namespace

Verdict Pace::CountLine(std::int64_t now_ms) {
  if (guard_ == nullptr) return {};
  const Rate& rate = guard_->commands_per_connection();
  commands_.Take(rate, 1, now_ms);
  const Verdict of_address = guard_->Take(block_, 1, 0, now_ms);
  const std::int64_t own_ms = commands_.WaitMs(rate, 1, now_ms);
  return own_ms > 0 ? Verdict{own_ms, Verdict::Whose::kConnection} : of_address;
}

Verdict Pace::CountBytes(std::size_t bytes, std::int64_t now_ms) {
  if (guard_ == nullptr) return {};
  const Rate& rate = guard_->bytes_per_connection();
  const auto count = static_cast<std::int64_t>(bytes);
  bytes_.Take(rate, count, now_ms);
  const Verdict of_address = guard_->Take(block_, 0, count, now_ms);
  const std::int64_t own_ms = bytes_.WaitMs(rate, 1, now_ms);
  return own_ms > 0 ? Verdict{own_ms, Verdict::Whose::kConnection} : of_address;
}

Verdict Pace::Wait(std::int64_t now_ms) const {
  if (guard_ == nullptr) return {};
  const Rate& commands = guard_->commands_per_connection();
  const Rate& bytes = guard_->bytes_per_connection();
  const PeerLimits& limits = guard_->limits();
  const std::int64_t own_ms =
      std::max(commands_.WaitMs(commands, ShareOf(commands.tokens, commands.burst), now_ms),
               bytes_.WaitMs(bytes, ShareOf(bytes.tokens, bytes.burst), now_ms));
  const Verdict of_address = guard_->Wait(
      block_, ShareOf(limits.commands_per_address_per_s, limits.commands_per_address_burst),
      ShareOf(limits.bytes_per_address_per_s, limits.bytes_per_address_burst), now_ms);
  return own_ms >= of_address.retry_after_ms ? Verdict{own_ms, Verdict::Whose::kConnection}
                                             : of_address;
}

}  // namespace txtchat::gateway
