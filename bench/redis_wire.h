#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "bench/crlf_wire.h"

namespace txtchat::bench {

/// Pub/sub of redis-server 6 or later, over RESP3: only there may a connection that has subscribed
/// also publish. A channel is a redis channel.
class RedisWire final : public CrlfWire {
 public:
  explicit RedisWire(std::size_t text_bytes) : CrlfWire(text_bytes) {}

  std::string EntryCommands(const std::vector<std::string_view>& channels) const override;
  std::string SendHead(std::string_view channel) const override;
  absl::StatusOr<std::size_t> Take(std::string_view bytes, WireEvents& events) const override;
};

}  // namespace txtchat::bench
