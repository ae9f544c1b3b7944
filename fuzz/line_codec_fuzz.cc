// What comes over a line connection, from bytes to commands, and what goes back to others.
//
// The input's first byte says how the rest is cut into reads and how long a line may be. Checked:
//   - how the bytes were cut makes no difference to the lines, and none is longer than allowed;
//   - the splitter holds no more than one line's bytes, and nothing when all lines are complete;
//   - every line is a command or a refusal, and every refusal is one printable line;
//   - no text makes a classic line that begins as the server's lines do, or more tagged lines than
//     one.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/event.h"
#include "core/text.h"
#include "gateway/commands.h"
#include "gateway/line_codec.h"
#include "gateway/line_encoders.h"
#include "gateway/replies.h"

namespace txtchat::gateway {
namespace {

void Check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

struct TakenLine {
  bool too_long = false;
  std::string text;
  bool operator==(const TakenLine&) const = default;
};

std::vector<TakenLine> Split(std::string_view stream, std::size_t piece_bytes, std::size_t max,
                             bool keep) {
  LineSplitter splitter(max);
  std::vector<TakenLine> lines;
  const auto take_all = [&] {
    while (const auto line = splitter.Next()) {
      lines.push_back({line->too_long, std::string(line->text)});
      Check(line->text.size() <= max, "a line is longer than the limit");
      if (keep) splitter.Keep();
    }
  };
  while (!stream.empty()) {
    const std::string piece(stream.substr(0, piece_bytes));  // Its own allocation: ASan guards it.
    stream.remove_prefix(piece.size());
    splitter.Feed(piece);
    take_all();
    Check(splitter.BytesHeld() <= max + 1, "the splitter holds more than a line");
    if (piece.back() == '\n') Check(splitter.BytesHeld() == 0, "an idle splitter holds memory");
  }
  splitter.Finish();
  take_all();
  return lines;
}

bool IsOneLine(std::string_view line) {
  return !line.empty() && line.find('\n') == line.size() - 1 &&
         line.find_first_of(std::string_view("\r\0\x1B\x7F", 4)) == std::string_view::npos;
}

void CheckClassic(const std::string& encoded) {
  Check(!encoded.empty() && encoded.back() == '\n', "a classic message does not end its line");
  for (std::size_t begin = 0; begin < encoded.size(); begin = encoded.find('\n', begin) + 1) {
    Check(encoded.compare(begin, 2, "$$") != 0, "a user's line looks like the server's");
  }
  for (const char c : encoded) {
    const auto byte = static_cast<unsigned char>(c);
    Check(byte >= 0x20 ? byte != 0x7F : c == '\n' || c == '\t', "a control is left");
  }
}

// Their fields are checked by tagged_line_fuzz.
void CheckActs(Event event, std::string_view text) {
  Act act{.target_id = "10.0.0.2:1", .target_name = "bob", .text = std::string(text)};
  event.act = std::make_shared<const Act>(std::move(act));
  event.text.clear();
  for (auto kind = EventKind::kMessageRemoved; kind <= EventKind::kChannelDeleted;
       kind = static_cast<EventKind>(static_cast<int>(kind) + 1)) {
    event.kind = kind;
    std::string tagged;
    TaggedEncoder().Append(event, tagged);
    Check(IsOneLine(tagged) && tagged.compare(0, 2, "$$") == 0, "a tagged act is not one line");
    std::string classic;
    ClassicEncoder().Append(event, classic);
    Check(classic.empty(), "a classic client is told of an act");
  }
}

void CheckEncoders(std::string_view text) {
  Event event{.channel_id = "c0ffee0001",
              .sequence = 7,
              .time_unix_ms = 1,
              .user_id = "10.0.0.1:1",
              .user_name = "alice",
              .text = std::string(text)};
  std::string classic;
  ClassicEncoder().Append(event, classic);
  CheckClassic(classic);
  CheckActs(event, text);
  std::string tagged;
  TaggedEncoder().Append(event, tagged);
  Check(IsOneLine(tagged) && tagged.compare(0, 7, "$$msg: ") == 0,
        "a tagged event is not one line");
}

void CheckLine(std::string_view line) {
  const absl::StatusOr<Request> request = ParseLine(line);
  if (!request.ok()) {
    const std::string error = ErrorLine(request.status());
    Check(IsOneLine(error) && error.size() < 1'000, "a refusal is not one short line");
    return;
  }
  (void)IsSocketAddress(request->claimed_user_id);
  Check(IsOneLine(PongLine(request->argument)), "an echo is not one line");
}

}  // namespace
}  // namespace txtchat::gateway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace txtchat::gateway;
  if (size == 0) return 0;
  const std::size_t piece_bytes = 1 + data[0] % 16;
  const std::size_t max = 1 + data[0] / 16 * 24;
  const std::string_view stream(reinterpret_cast<const char*>(data + 1), size - 1);

  const auto whole = Split(stream, stream.size() + 1, max, false);
  Check(Split(stream, piece_bytes, max, false) == whole, "the cuts make a difference");
  Check(Split(stream, piece_bytes, max, true) == whole, "keeping the rest makes a difference");
  for (const auto& line : whole) CheckLine(line.text);
  if (txtchat::IsValidUtf8(stream)) CheckEncoders(stream);
  return 0;
}
