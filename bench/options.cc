#include "bench/options.h"

#include <algorithm>

namespace txtchat::bench {
namespace {

// The server takes 1,000 calls at once on a connection and the library holds back the others, for
// ever if the first are streams. Some are left for the calls beside the streams.
constexpr std::uint64_t kStreamsPerConnectionMax = 900;

}  // namespace

std::string_view NameOf(Transport transport) {
  switch (transport) {
    case Transport::kLine:
      return "line";
    case Transport::kGrpc:
      return "grpc";
    case Transport::kNats:
      return "nats";
    case Transport::kRedis:
      return "redis";
  }
  return "";
}

std::string ProblemOf(const Options& options) {
  if (options.publishers == 0 && options.messages > 0) {
    return "without --publishers nobody sends: give --messages 0, too";
  }
  if (options.messages > 0 && options.messages < options.publishers) {
    return "--messages is for all publishers together: at least one for each";
  }
  if (options.channels_each > options.channels) {
    return "--channels-each is more than there are --channels";
  }
  if (options.burst > options.window && options.closed_loop()) {
    return "--burst must not be more than --window";
  }
  if (options.readers() + options.publishers + options.idle == 0) {
    return "nobody is there: give --subscribers or --idle";
  }
  const std::uint64_t streams = std::uint64_t{options.readers()} + options.idle;
  if (options.transport == Transport::kGrpc &&
      streams > kStreamsPerConnectionMax * options.connections) {
    return "a connection carries " + std::to_string(kStreamsPerConnectionMax) +
           " streams at the most: give --connections " +
           std::to_string(streams / kStreamsPerConnectionMax + 1) + " or more";
  }
  return "";
}

}  // namespace txtchat::bench
