#include "bench/mixed_load.h"

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

void MixedLoad::Turn(std::uint64_t /*until_ns*/) {
  // A completion queue has no file that one could wait for together with the sockets, and waiting
  // for one of the two would make the other late: both are polled.
  streams_.HurrySlow(slow_may_hurry_);
  streams_.Poll();
  publishers_.Turn(0);
  failure_.Update(streams_.failure());
  failure_.Update(publishers_.failure());
}

}  // namespace txtchat::bench
