#include "bench/nats_wire.h"

#include <optional>

#include "bench/crlf_cursor.h"

namespace txtchat::bench {
namespace {

using Found = CrlfCursor::Found;

constexpr std::string_view kMessage = "MSG ";
constexpr std::string_view kName = "NATS";

/// Of `MSG SUBJECT SID [REPLY-TO] SIZE`.
struct MessageHead {
  std::string_view subject;
  std::size_t size = 0;
};

std::optional<MessageHead> ParseHead(std::string_view line) {
  const std::string_view fields = line.substr(kMessage.size());
  const std::size_t subject_end = fields.find(' ');
  const std::size_t size_begin = fields.rfind(' ');
  if (subject_end == size_begin) return std::nullopt;  // There is no SID.
  const std::optional<std::size_t> size = ParseSize(fields.substr(size_begin + 1));
  if (!size.has_value()) return std::nullopt;
  return MessageHead{fields.substr(0, subject_end), *size};
}

/// A line that is no MSG.
absl::Status TakeControl(std::string_view line, WireEvents& events) {
  if (line == "PING") {
    events.OnQuestion("PONG\r\n");
  } else if (line == "PONG") {
    events.OnEntered();
  } else if (line.starts_with("-ERR")) {
    // It does not say which message or subject it means, and mostly closes the connection.
    return absl::UnavailableError("the server answered " + std::string(line));
  } else if (line != "+OK" && !line.starts_with("INFO ")) {
    return NotOf(kName, line);
  }
  return absl::OkStatus();
}

}  // namespace

std::string NatsWire::EntryCommands(const std::vector<std::string_view>& channels) const {
  std::string commands =
      "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":true,\"name\":\"txtchat-bench\","
      "\"lang\":\"c++\",\"version\":\"" TXTCHAT_VERSION "\",\"protocol\":1}\r\n";
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const std::string sid = std::to_string(i + 1);
    commands.append("SUB ").append(channels[i]).append(" ").append(sid).append("\r\n");
  }
  return commands + "PING\r\n";
}

std::string NatsWire::SendHead(std::string_view channel) const {
  return "PUB " + std::string(channel) + " " + std::to_string(text_bytes_) + "\r\n";
}

absl::StatusOr<std::size_t> NatsWire::Take(std::string_view bytes, WireEvents& events) const {
  CrlfCursor cursor(bytes);
  for (std::size_t taken = 0;; taken = cursor.taken()) {
    std::string_view line;
    Found found = cursor.Line(line);
    if (found == Found::kWhole && line.starts_with(kMessage)) {
      const std::optional<MessageHead> head = ParseHead(line);
      if (!head.has_value()) return NotOf(kName, line);
      std::string_view text;
      found = cursor.Text(head->size, text);
      if (found == Found::kWhole) events.OnText(text, head->subject);
    } else if (found == Found::kWhole) {
      if (absl::Status status = TakeControl(line, events); !status.ok()) return status;
    }
    if (found == Found::kPart) return taken;
    if (found == Found::kWrong) return NotOf(kName, bytes.substr(taken));
  }
}

}  // namespace txtchat::bench
