#include "gateway/line_encoders.h"

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "core/policy.h"
#include "gateway/line_text.h"

namespace txtchat::gateway {
namespace {

void AppendMember(std::string_view tag, const Event& event, std::string& out) {
  out += tag;
  out += event.channel_id;
  absl::StrAppend(&out, " ", event.sequence, " ", event.user_id, " ");
  AppendEscapedName(event.user_name, out);
  out += '\n';
}

/// `TAG CHAN SEQ UNIX_MS UID NAME`.
void AppendSpeaker(std::string_view tag, const Event& event, std::string& out) {
  out += tag;
  out += event.channel_id;
  absl::StrAppend(&out, " ", event.sequence, " ", event.time_unix_ms, " ", event.user_id, " ");
  AppendEscapedName(event.user_name, out);
}

std::string_view TagOf(EventKind kind) {
  switch (kind) {
    case EventKind::kMessageRemoved:
      return "$$removed: ";
    case EventKind::kMessageDeleted:
      return "$$deleted: ";
    case EventKind::kMemberKicked:
      return "$$kicked: ";
    case EventKind::kBanned:
      return "$$banned: ";
    case EventKind::kUnbanned:
      return "$$unbanned: ";
    case EventKind::kMuted:
      return "$$muted: ";
    case EventKind::kUnmuted:
      return "$$unmuted: ";
    case EventKind::kRoleChanged:
      return "$$role: ";
    case EventKind::kTopicChanged:
      return "$$topic: ";
    case EventKind::kChannelRenamed:
      return "$$renamed: ";
    case EventKind::kChannelDeleted:
      return "$$closed: ";
    case EventKind::kMessagePosted:
    case EventKind::kMemberJoined:
    case EventKind::kMemberLeft:
      break;
  }
  return "";
}

/// What an act was about, behind who did it.
void AppendParticulars(const Event& event, std::string& out) {
  if (event.act == nullptr || event.kind == EventKind::kChannelDeleted) return;
  const Act& act = *event.act;
  out += ": ";
  switch (event.kind) {
    case EventKind::kMessageDeleted:
      absl::StrAppend(&out, act.target_sequence);
      return;
    case EventKind::kRoleChanged:
      absl::StrAppend(&out, act.target_id, " ", RoleName(act.role));
      return;
    case EventKind::kBanned:
    case EventKind::kMuted:
      absl::StrAppend(&out, act.target_id, " ", act.until_unix_ms);
      break;
    default:
      out += act.target_id;  // Empty for a topic or a name.
      break;
  }
  if (act.text.empty()) return;
  if (!act.target_id.empty()) out += ' ';
  AppendEscapedText(act.text, out);
}

}  // namespace

void AppendClassicText(std::string_view text, std::string& out) {
  const bool is_plain = PlainRun(text) == text.size();
  for (;;) {
    const std::size_t begin = out.size();
    const std::size_t end = is_plain ? std::string_view::npos : text.find_first_of("\r\n");
    if (is_plain) {
      out += text;
    } else {
      AppendOneLine(text.substr(0, end), out);
    }
    if (out.compare(begin, 2, "$$") == 0) out.insert(begin, 1, ' ');
    out += '\n';
    if (end == std::string_view::npos) return;
    text.remove_prefix(text.substr(end, 2) == "\r\n" ? end + 2 : end + 1);
  }
}

void ClassicEncoder::Append(const Event& event, std::string& out) const {
  switch (event.kind) {
    case EventKind::kMessagePosted:
      AppendClassicText(event.text, out);
      return;
    case EventKind::kMemberJoined:
      out += "$$joined: ";
      out += event.channel_id;
      out += '\n';
      return;
    default:
      return;  // Nothing that is not marked as the server's could say so.
  }
}

void AppendTaggedMessage(std::string_view tag, const Event& event, std::string& out) {
  AppendSpeaker(tag, event, out);
  out += ": ";
  AppendEscapedText(event.text, out);
  out += '\n';
}

void TaggedEncoder::Append(const Event& event, std::string& out) const {
  switch (event.kind) {
    case EventKind::kMessagePosted:
      AppendTaggedMessage("$$msg: ", event, out);
      return;
    case EventKind::kMemberJoined:
      AppendMember("$$joined: ", event, out);
      return;
    case EventKind::kMemberLeft:
      AppendMember("$$left: ", event, out);
      return;
    default:
      AppendSpeaker(TagOf(event.kind), event, out);
      AppendParticulars(event, out);
      out += '\n';
      return;
  }
}

}  // namespace txtchat::gateway
