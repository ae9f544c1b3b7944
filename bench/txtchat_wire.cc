#include "bench/txtchat_wire.h"

#include <algorithm>
#include <optional>

#include "bench/line_founder.h"

namespace txtchat::bench {
namespace {

constexpr std::string_view kTaggedMessage = "$$msg: ";

}  // namespace

absl::StatusOr<std::vector<std::string>> TxtchatWire::Channels(
    const SocketAddress& server, std::uint32_t count, std::chrono::milliseconds patience) const {
  return FoundChannels(server, count, patience);
}

std::string TxtchatWire::EntryCommands(const std::vector<std::string_view>& channels) const {
  std::string commands = dialect_ == Dialect::kTagged ? "hello$2\n" : "";
  commands += "reg$bench\n";
  for (const std::string_view channel : channels) {
    commands.append("join$-$").append(channel).append("\n");
  }
  // Answered behind all of these, in both dialects.
  return commands + "ping$in\n";
}

std::string TxtchatWire::SendHead(std::string_view channel) const {
  return std::string("send_msg$-$").append(channel).append("$");
}

absl::StatusOr<std::size_t> TxtchatWire::Take(std::string_view bytes, WireEvents& events) const {
  return CutLines(bytes, [&](std::string_view line) {
    if (line.starts_with("$$")) return TakeServerLine(line, events);
    // In the classic dialect only the text itself says where it belongs.
    events.OnText(line, std::nullopt);
  });
}

void TxtchatWire::TakeServerLine(std::string_view line, WireEvents& events) const {
  if (line.starts_with(kTaggedMessage)) {
    const std::string_view fields = line.substr(kTaggedMessage.size());
    const std::string_view text =
        fields.substr(fields.size() - std::min(fields.size(), text_bytes_));
    return events.OnText(text, fields.substr(0, fields.find(' ')));
  }
  if (line == "$$pong: in") return events.OnEntered();
  if (line.starts_with("$$gap")) return events.OnGap(line);
  if (line.starts_with("$$error")) events.OnRefused(line);
  // All others: somebody joined or left; an answer.
}

}  // namespace txtchat::bench
