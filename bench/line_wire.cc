#include "bench/line_wire.h"

#include <random>

#include "absl/strings/str_format.h"
#include "bench/nats_wire.h"
#include "bench/redis_wire.h"
#include "bench/txtchat_wire.h"

namespace txtchat::bench {

std::unique_ptr<LineWire> MakeWire(const Options& options) {
  switch (options.transport) {
    case Transport::kNats:
      return std::make_unique<NatsWire>(options.text_bytes);
    case Transport::kRedis:
      return std::make_unique<RedisWire>(options.text_bytes);
    default:
      return std::make_unique<TxtchatWire>(options.dialect, options.text_bytes);
  }
}

std::vector<std::string> ChosenChannels(std::uint32_t count) {
  std::random_device random;
  const std::string run = absl::StrFormat("bench.%08x", random());
  std::vector<std::string> ids;
  for (std::uint32_t i = 0; i < count; ++i) ids.push_back(run + "." + std::to_string(i));
  return ids;
}

}  // namespace txtchat::bench
