// Events as they stand in a SubscribeResponse: each encoding is one `events` field, tag and length
// included, so that encodings laid end to end are a valid SubscribeResponse.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/command.h"
#include "core/event.h"
#include "core/wire_format.h"

namespace txtchat::rpc {

/// The encoder of WireFormat::kProto. Stateless, thread-safe and deterministic: byte for byte what
/// the generated classes write. Written by hand because it runs on the sequencer's thread, once for
/// each event.
class ProtoEncoder final : public EventEncoder {
 public:
  void Append(const Event& event, std::string& out) const override;
};

/// Appends a `gap` event: `from` to `to`, both included, will not come.
void AppendGapEvent(std::string_view channel_id, std::uint64_t from, std::uint64_t to,
                    std::string& out);

struct ChannelHeadView {
  std::string_view channel_id;
  std::uint64_t head_sequence = 0;
};

/// Appends a `heartbeat` event with these heads.
void AppendHeartbeatEvent(const std::vector<ChannelHeadView>& heads, std::string_view epoch,
                          std::string& out);

/// Appends a `recovery` event.
void AppendRecoveryEvent(const Recovery& recovery, std::string& out);

}  // namespace txtchat::rpc
