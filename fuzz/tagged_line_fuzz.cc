// Events as lines of the tagged dialect, read back as docs/protocol.md says that a client may.
//
// The input is the fields of an event of any kind; the reader below is written from the protocol's
// text and knows nothing of the encoder. Checked:
//   - every event is one line, and its fields read back as they were, whatever users wrote in names
//     and texts (but for controls, which are not sent);
//   - a message of history reads as the message that was sent;
//   - in the classic dialect nobody but the server begins a line with `$$`.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/numbers.h"
#include "core/event.h"
#include "core/policy.h"
#include "core/text.h"
#include "fuzz/check.h"
#include "gateway/line_encoders.h"
#include "gateway/line_text.h"

namespace txtchat::gateway {
namespace {

/// A client's reading of one line. Whoever reads past what is there finds out by `ok`.
class Reader {
 public:
  explicit Reader(std::string_view line) : rest_(line) {}

  bool Literal(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  /// A field that holds no space, and the space behind it if there is one.
  std::string_view Word() {
    const std::string_view word = rest_.substr(0, rest_.find(' '));
    rest_.remove_prefix(std::min(word.size() + 1, rest_.size()));
    return word;
  }
  template <typename Number>
  Number Integer() {
    Number number{};
    Check(absl::SimpleAtoi(std::string(Word()), &number), "a field is no number");
    return number;
  }
  /// Up to the first `: ` that no backslash stands before, or to the end.
  std::string Name() {
    std::string name;
    while (!rest_.empty() && rest_.front() != ':') {
      if (rest_.front() == '\\') rest_.remove_prefix(1);
      Check(!rest_.empty(), "a name ends with a backslash");
      name += rest_.front();
      rest_.remove_prefix(1);
    }
    return name;
  }
  std::string Text() {
    std::string text;
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      if (rest_[i] != '\\') {
        text += rest_[i];
        continue;
      }
      Check(++i < rest_.size(), "a text ends with a backslash");
      Check(rest_[i] == '\\' || rest_[i] == 'n' || rest_[i] == 'r', "an unknown escape");
      text += rest_[i] == 'n' ? '\n' : rest_[i] == 'r' ? '\r' : '\\';
    }
    rest_ = {};
    return text;
  }
  bool AtEnd() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

/// What of a text is sent: no controls but tabs and line ends.
std::string Sent(std::string_view text) {
  std::string sent;
  while (!text.empty()) {
    const std::size_t control = ControlBytes(text);
    const bool keep = (text.front() == '\n' || text.front() == '\r');
    if (control == 0 || keep) sent += text.front();
    text.remove_prefix(std::max<std::size_t>(control, 1));
  }
  return sent;
}

std::string Utf8(FuzzedDataProvider& input) {
  std::string text = input.ConsumeRandomLengthString();
  return IsValidUtf8(text) ? text : std::string("not \\ UTF-8: \n");
}

/// A name that a user or a channel can have.
std::string NameOf(FuzzedDataProvider& input) {
  std::string name = Utf8(input);
  return ValidateName("name", name, Limits{}).ok() ? name : "a: b\\";
}

Event EventOf(FuzzedDataProvider& input) {
  Event event{.channel_id = "c0ffee0001",
              .sequence = input.ConsumeIntegral<std::uint64_t>(),
              .time_unix_ms = input.ConsumeIntegral<std::int64_t>(),
              .user_id = "[2001:db8::1]:1"};
  event.kind = static_cast<EventKind>(input.ConsumeIntegralInRange(0, 13));
  event.user_name = NameOf(input);
  if (event.kind == EventKind::kMessagePosted) event.text = Utf8(input);
  if (!IsAct(event.kind)) return event;
  auto act = std::make_shared<Act>();
  const bool of_channel =
      event.kind == EventKind::kTopicChanged || event.kind == EventKind::kChannelRenamed ||
      event.kind == EventKind::kChannelDeleted || event.kind == EventKind::kMessageDeleted;
  if (!of_channel) {
    act->target_id = input.ConsumeBool() ? "10.0.0.1:2" : "192.0.2.0/24";
    act->target_name = NameOf(input);
  }
  act->target_sequence = input.ConsumeIntegral<std::uint64_t>();
  act->until_unix_ms = input.ConsumeIntegral<std::int64_t>();
  act->role = static_cast<Role>(input.ConsumeIntegralInRange(0, 2));
  act->text = Utf8(input);
  event.act = std::move(act);
  return event;
}

constexpr const char* kTags[] = {"msg",    "joined", "left",     "removed", "deleted",
                                 "kicked", "banned", "unbanned", "muted",   "unmuted",
                                 "role",   "topic",  "renamed",  "closed"};

void CheckParticulars(Reader& reader, const Event& event) {
  const Act& act = *event.act;
  switch (event.kind) {
    case EventKind::kMessageDeleted:
      Check(reader.Integer<std::uint64_t>() == act.target_sequence, "another message");
      return;
    case EventKind::kRoleChanged:
      Check(reader.Word() == act.target_id, "another target");
      Check(reader.Word() == RoleName(act.role), "another role");
      return;
    case EventKind::kBanned:
    case EventKind::kMuted:
      Check(reader.Word() == act.target_id, "another target");
      Check(reader.Integer<std::int64_t>() == act.until_unix_ms, "another time");
      break;
    case EventKind::kMemberKicked:
    case EventKind::kUnbanned:
    case EventKind::kUnmuted:
      Check(reader.Word() == act.target_id, "another target");
      break;
    default:
      break;
  }
  Check(reader.Text() == Sent(act.text), "another reason, topic or name");
}

void CheckTagged(std::string_view line, std::string_view tag, const Event& event) {
  Check(!line.empty() && line.find('\n') == line.size() - 1, "an event is not one line");
  line.remove_suffix(1);
  Reader reader(line);
  Check(reader.Literal("$$") && reader.Literal(tag) && reader.Literal(": "), "another tag");
  Check(reader.Word() == event.channel_id, "another channel");
  Check(reader.Integer<std::uint64_t>() == event.sequence, "another sequence");
  const bool of_members =
      event.kind == EventKind::kMemberJoined || event.kind == EventKind::kMemberLeft;
  if (!of_members) {
    Check(reader.Integer<std::int64_t>() == event.time_unix_ms, "another time of the event");
  }
  Check(reader.Word() == event.user_id, "another user");
  Check(reader.Name() == event.user_name, "another name");
  if (event.kind == EventKind::kMessagePosted) {
    Check(reader.Literal(": "), "a message without a text");
    Check(reader.Text() == Sent(event.text), "another text");
  } else if (IsAct(event.kind) && event.kind != EventKind::kChannelDeleted) {
    Check(reader.Literal(": "), "an act without particulars");
    CheckParticulars(reader, event);
  }
  Check(reader.AtEnd(), "something is left of the line");
}

void CheckClassic(const Event& event) {
  std::string lines;
  ClassicEncoder().Append(event, lines);
  const bool of_server = event.kind == EventKind::kMemberJoined;
  Check(lines.empty() || lines.back() == '\n', "a classic event does not end its line");
  for (std::size_t begin = 0; begin < lines.size(); begin = lines.find('\n', begin) + 1) {
    Check((lines.compare(begin, 2, "$$") == 0) == of_server, "who speaks is not clear");
  }
}

}  // namespace
}  // namespace txtchat::gateway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace txtchat;
  using namespace txtchat::gateway;
  FuzzedDataProvider input(data, size);
  const Event event = EventOf(input);
  const char* const tag = kTags[static_cast<int>(event.kind)];
  std::string line;
  TaggedEncoder().Append(event, line);
  CheckTagged(line, tag, event);
  if (event.kind == EventKind::kMessagePosted) {
    std::string history;
    AppendTaggedMessage("$$history: ", event, history);
    CheckTagged(history, "history", event);
  }
  CheckClassic(event);
  return 0;
}
