#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/line_wire.h"

namespace txtchat::bench {

/// The line protocol of Txt Chat (docs/protocol.md), in one of its dialects.
class TxtchatWire final : public LineWire {
 public:
  TxtchatWire(Dialect dialect, std::size_t text_bytes)
      : dialect_(dialect), text_bytes_(text_bytes) {}

  absl::StatusOr<std::vector<std::string>> Channels(
      const SocketAddress& server, std::uint32_t count,
      std::chrono::milliseconds patience) const override;
  std::string EntryCommands(const std::vector<std::string_view>& channels) const override;
  std::string SendHead(std::string_view channel) const override;
  std::string_view SendTail() const override { return "\n"; }
  absl::StatusOr<std::size_t> Take(std::string_view bytes, WireEvents& events) const override;

 private:
  void TakeServerLine(std::string_view line, WireEvents& events) const;

  const Dialect dialect_;
  const std::size_t text_bytes_;
};

}  // namespace txtchat::bench
