// Events as lines. Both encoders are pure, deterministic and thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "core/wire_format.h"

namespace txtchat::gateway {

/// The dialect of legacy clients: a message is its text alone on a line, a joining is
/// `$$joined: CHAN`, a leaving or an act of moderation is nothing.
///
/// Nothing a user writes looks like the server speaking: a text that begins with `$$` gets a space
/// before it; LF, CR and CRLF end a line, and the next one is treated so too; other controls but
/// tab are removed first, so that removing cannot bring a `$$` to the front.
class ClassicEncoder final : public EventEncoder {
 public:
  void Append(const Event& event, std::string& out) const override;
};

/// The dialect that `hello$2` asks for: `$$msg: CHAN SEQ UNIX_MS UID NAME: TEXT`,
/// `$$joined: CHAN SEQ UID NAME`, `$$left: CHAN SEQ UID NAME`; an act of moderation is
/// `$$TAG: CHAN SEQ UNIX_MS UID NAME: PARTICULARS` (docs/protocol.md has the tags). Always one line
/// an event; TEXT and NAME are escaped (gateway/line_text.h).
class TaggedEncoder final : public EventEncoder {
 public:
  void Append(const Event& event, std::string& out) const override;
};

/// Appends a message as one line of the tagged dialect, behind `tag`.
void AppendTaggedMessage(std::string_view tag, const Event& event, std::string& out);

/// Appends `text` as the classic dialect shows it; at least one line.
void AppendClassicText(std::string_view text, std::string& out);

}  // namespace txtchat::gateway
