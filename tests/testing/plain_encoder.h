#pragma once

#include <string>

#include "core/wire_format.h"

namespace txtchat::testing {

/// One line an event, easy to read in a test: `+alice`, `-alice`, `alice: text` or
/// `alice (removed)`; an act is `*alice`.
class PlainEncoder final : public EventEncoder {
 public:
  void Append(const Event& event, std::string& out) const override {
    switch (event.kind) {
      case EventKind::kMemberJoined:
        out += "+" + event.user_name;
        break;
      case EventKind::kMemberLeft:
        out += "-" + event.user_name;
        break;
      case EventKind::kMessagePosted:
        out += event.user_name + ": " + event.text;
        break;
      case EventKind::kMessageRemoved:
        out += event.user_name + " (removed)";
        break;
      default:
        out += "*" + event.user_name;
    }
    out += '\n';
  }
};

/// The same encoder for every format.
inline EncoderSet PlainEncoders() {
  static const PlainEncoder encoder;
  EncoderSet encoders;
  encoders.fill(&encoder);
  return encoders;
}

}  // namespace txtchat::testing
