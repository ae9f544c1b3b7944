#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "bench/crlf_wire.h"

namespace txtchat::bench {

/// The client protocol of nats-server, without headers and JetStream. A channel is a subject.
class NatsWire final : public CrlfWire {
 public:
  explicit NatsWire(std::size_t text_bytes) : CrlfWire(text_bytes) {}

  std::string EntryCommands(const std::vector<std::string_view>& channels) const override;
  std::string SendHead(std::string_view channel) const override;
  absl::StatusOr<std::size_t> Take(std::string_view bytes, WireEvents& events) const override;
};

}  // namespace txtchat::bench
