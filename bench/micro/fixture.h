// What the micro-benchmarks share: a typical message and the encoders of the server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/event.h"
#include "core/wire_format.h"
#include "gateway/line_encoders.h"
#include "grpc-service/proto_encoder.h"

namespace txtchat::bench {

/// A message of a line user, with a text of `text_bytes`.
inline Event MessageEvent(std::size_t text_bytes) {
  Event event;
  event.channel_id = "0123456789";
  event.time_unix_ms = 1'700'000'000'000;
  event.kind = EventKind::kMessagePosted;
  event.user_id = "127.0.0.1:54102";
  event.user_name = "alice";
  event.text = std::string(text_bytes, 'x');
  return event;
}

/// The server's encoder of each format.
inline EncoderSet ServerEncoders() {
  static const gateway::ClassicEncoder classic;
  static const gateway::TaggedEncoder tagged;
  static const rpc::ProtoEncoder proto;
  EncoderSet encoders{};
  encoders[IndexOf(WireFormat::kClassicLine)] = &classic;
  encoders[IndexOf(WireFormat::kTaggedLine)] = &tagged;
  encoders[IndexOf(WireFormat::kProto)] = &proto;
  return encoders;
}

}  // namespace txtchat::bench
