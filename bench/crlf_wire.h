#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/line_wire.h"

namespace txtchat::bench {

/// What the wires of other servers have in common: channels need no creating, a text's size is
/// announced, and a CRLF ends it.
class CrlfWire : public LineWire {
 public:
  absl::StatusOr<std::vector<std::string>> Channels(
      const SocketAddress& /*server*/, std::uint32_t count,
      std::chrono::milliseconds /*patience*/) const final {
    return ChosenChannels(count);
  }
  std::string_view SendTail() const final { return "\r\n"; }

 protected:
  explicit CrlfWire(std::size_t text_bytes) : text_bytes_(text_bytes) {}

  const std::size_t text_bytes_;
};

}  // namespace txtchat::bench
