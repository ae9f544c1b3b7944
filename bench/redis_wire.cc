#include "bench/redis_wire.h"

#include <optional>

#include "bench/crlf_cursor.h"

namespace txtchat::bench {
namespace {

using Found = CrlfCursor::Found;

constexpr std::string_view kName = "RESP3";
/// What every message begins with; its channel and its text follow.
constexpr std::string_view kMessage = ">3\r\n$7\r\nmessage\r\n";

std::string Bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

/// `$SIZE`, and the text.
Found TakeBulk(CrlfCursor& cursor, std::string_view& text) {
  std::string_view line;
  if (const Found found = cursor.Line(line); found != Found::kWhole) return found;
  if (line.empty() || line.front() != '$') return Found::kWrong;
  const std::optional<std::size_t> size = ParseSize(line.substr(1));
  return size.has_value() ? cursor.Text(*size, text) : Found::kWrong;
}

Found TakeMessage(CrlfCursor& cursor, WireEvents& events) {
  cursor.Skip(kMessage.size());
  std::string_view channel;
  std::string_view text;
  Found found = TakeBulk(cursor, channel);
  if (found == Found::kWhole) found = TakeBulk(cursor, text);
  if (found == Found::kWhole) events.OnText(text, channel);
  return found;
}

/// A value that is no message. Of a list or a map only the head: what it holds comes next, and
/// nobody asks where it belongs.
Found TakeValue(CrlfCursor& cursor, WireEvents& events) {
  std::string_view text;
  if (cursor.rest().empty()) return Found::kPart;
  if (cursor.rest().front() == '$') return TakeBulk(cursor, text);
  if (const Found found = cursor.Line(text); found != Found::kWhole) return found;
  if (text.empty()) return Found::kWrong;
  switch (text.front()) {
    case '+':
      if (text == "+PONG") events.OnEntered();
      return Found::kWhole;
    case '-':
      events.OnRefused(text);
      return Found::kWhole;
    case ':':  // A number: how many were given a message.
    case '_':  // Null.
    case '#':
    case ',':
    case '*':
    case '%':
    case '~':
    case '>':
      return Found::kWhole;
    default:
      return Found::kWrong;
  }
}

}  // namespace

std::string RedisWire::EntryCommands(const std::vector<std::string_view>& channels) const {
  std::string commands = "*2\r\n" + Bulk("HELLO") + Bulk("3");
  commands += "*" + std::to_string(channels.size() + 1) + "\r\n" + Bulk("SUBSCRIBE");
  for (const std::string_view channel : channels) commands += Bulk(channel);
  return commands + "*1\r\n" + Bulk("PING");
}

std::string RedisWire::SendHead(std::string_view channel) const {
  return "*3\r\n" + Bulk("PUBLISH") + Bulk(channel) + "$" + std::to_string(text_bytes_) + "\r\n";
}

absl::StatusOr<std::size_t> RedisWire::Take(std::string_view bytes, WireEvents& events) const {
  CrlfCursor cursor(bytes);
  for (std::size_t taken = 0;; taken = cursor.taken()) {
    const std::string_view rest = cursor.rest();
    Found found = Found::kPart;
    if (rest.starts_with(kMessage)) {
      found = TakeMessage(cursor, events);
    } else if (!kMessage.starts_with(rest)) {  // Otherwise it may become one.
      found = TakeValue(cursor, events);
    }
    if (found == Found::kPart) return taken;
    if (found == Found::kWrong) return NotOf(kName, rest);
  }
}

}  // namespace txtchat::bench
