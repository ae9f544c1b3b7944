#include "gateway/line_encoders.h"

#include <cstddef>

#include "absl/strings/str_cat.h"
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
    case EventKind::kMemberLeft:
      return;
  }
}

void AppendTaggedMessage(std::string_view tag, const Event& event, std::string& out) {
  out += tag;
  out += event.channel_id;
  absl::StrAppend(&out, " ", event.sequence, " ", event.time_unix_ms, " ", event.user_id, " ");
  AppendEscapedName(event.user_name, out);
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
  }
}

}  // namespace txtchat::gateway
