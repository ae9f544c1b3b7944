#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/line_wire.h"

namespace txtchat::bench {

/// Pub/sub of redis-server 6 or later, over RESP3: only there may a connection that has subscribed
/// also publish. A channel is a redis channel.
class RedisWire final : public LineWire {
 public:
  explicit RedisWire(std::size_t text_bytes) : text_bytes_(text_bytes) {}

  absl::StatusOr<std::vector<std::string>> Channels(
      const SocketAddress& server, std::uint32_t count,
      std::chrono::milliseconds patience) const override;
  std::string EntryCommands(const std::vector<std::string_view>& channels) const override;
  std::string SendHead(std::string_view channel) const override;
  std::string_view SendTail() const override { return "\r\n"; }
  absl::StatusOr<std::size_t> Take(std::string_view bytes, WireEvents& events) const override;

 private:
  const std::size_t text_bytes_;
};

}  // namespace txtchat::bench
