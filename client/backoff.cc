#include "client/backoff.h"

#include <algorithm>
#include <utility>

namespace txtchat::client {

Backoff::Backoff(Options options, std::function<double()> random)
    : options_(options),
      random_(std::move(random)),
      next_ms_(static_cast<double>(options.initial.count())) {}

std::chrono::milliseconds Backoff::Next() {
  const double whole = std::min(next_ms_, static_cast<double>(options_.max.count()));
  next_ms_ = std::min(whole * options_.multiplier, static_cast<double>(options_.max.count()));
  const double delay = whole * (1.0 - options_.jitter * random_());
  return std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(delay));
}

void Backoff::Reset() { next_ms_ = static_cast<double>(options_.initial.count()); }

}  // namespace txtchat::client
