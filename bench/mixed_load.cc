#include "bench/mixed_load.h"

#include <algorithm>

namespace txtchat::bench {

absl::Status MixedLoad::Connect() {
  if (absl::Status s = streams_.Connect(); !s.ok()) return s;
  // The last to come, so that they are not sent everybody's arrival.
  publishers_.UseChannels(streams_.channel_ids());
  return publishers_.Connect();
}

Incidents MixedLoad::incidents() const {
  Incidents all = streams_.incidents();
  all.Add(publishers_.incidents());
  return all;
}

void MixedLoad::Turn(std::uint64_t until_ns) {
  // A completion queue has no file that one could wait for together with the sockets, and waiting
  // for one of the two would make the other late: both are polled, without pause unless the
  // processors are wanted for something else.
  streams_.HurrySlow(slow_may_hurry_);
  streams_.Poll();
  const std::uint64_t pause_ns = std::uint64_t{context_.options.poll_us} * 1'000;
  publishers_.Turn(pause_ns == 0 ? 0 : std::min(until_ns, NowNanos() + pause_ns));
  failure_.Update(streams_.failure());
  failure_.Update(publishers_.failure());
}

}  // namespace txtchat::bench
