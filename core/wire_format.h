// How events become bytes. The core knows the formats by number only; each transport brings the
// encoder of its own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/event.h"

namespace txtchat {

enum class WireFormat : std::uint8_t {
  kClassicLine,  ///< The line protocol's default dialect.
  kTaggedLine,   ///< Its tagged dialect.
  kProto,        ///< `events` fields of txtchat.v1.SubscribeResponse, one after the other.
};
inline constexpr std::size_t kWireFormatCount = 3;

/// Port: turns an event into bytes of one wire format. Encodings of consecutive events, laid end to
/// end, must be what a subscriber may be sent in one write. Thread-safe and deterministic: the
/// sequencer and the history readers encode the same event to the same bytes.
class EventEncoder {
 public:
  virtual ~EventEncoder() = default;
  /// Appends the encoding of `event` to `out`; nothing at all is a valid encoding.
  virtual void Append(const Event& event, std::string& out) const = 0;
};

/// The encoder of each format; null where a process does not serve it. The encoders are owned by
/// the wiring and outlive all users.
using EncoderSet = std::array<const EventEncoder*, kWireFormatCount>;

inline std::size_t IndexOf(WireFormat format) { return static_cast<std::size_t>(format); }

}  // namespace txtchat
