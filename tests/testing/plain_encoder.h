#pragma once

#include <string>

#include "core/policy.h"
#include "core/wire_format.h"

namespace txtchat::testing {

/// One line an event, easy to read in a test: `+alice`, `-alice`, `alice: text`,
/// `alice kicks bob: why`.
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
        out += event.user_name + ": (removed)";
        break;
      default:
        AppendAct(event, out);
        break;
    }
    out += '\n';
  }

 private:
  static void AppendAct(const Event& event, std::string& out) {
    static constexpr const char* kVerbs[] = {"deletes", "kicks", "bans",  "unbans", "mutes",
                                             "unmutes", "makes", "topic", "name",   "closes"};
    const Act& act = *event.act;
    out += event.user_name + " " +
           kVerbs[static_cast<int>(event.kind) - static_cast<int>(EventKind::kMessageDeleted)];
    if (act.target_sequence != 0) out += " " + std::to_string(act.target_sequence);
    if (!act.target_id.empty()) {
      out += " " + (act.target_name.empty() ? act.target_id : act.target_name);
    }
    if (event.kind == EventKind::kRoleChanged) out += std::string(" ") + RoleName(act.role);
    if (!act.text.empty()) out += ": " + act.text;
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
