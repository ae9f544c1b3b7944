// The client of the classic dialect: what a server says, and what its user types.
//
// Each line of the input is one or the other, as its first character says. Checked:
//   - what goes to the server is nothing or one whole line, whatever the server or the user said;
//   - what waits for an answer is bounded;
//   - an error of the server before the end of registration is a refusal, and nothing is typed
//   then.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "client/line_session.h"
#include "fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using txtchat::Check;
  using namespace txtchat::client;
  LineSession session("alice", "127.0.0.1:5000");
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (!rest.empty()) {
    const std::string line(rest.substr(0, rest.find('\n')));  // Its own allocation: ASan guards it.
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const bool typed = !line.empty() && line.front() == '>';
    if (typed && !session.registered()) continue;
    const LineActions actions =
        typed ? session.OnTypedLine(std::string_view(line).substr(1)) : session.OnServerLine(line);
    if (!actions.send.empty()) {
      Check(actions.send.find('\n') == actions.send.size() - 1, "it sends more than a line");
    }
    Check(session.unanswered() <= LineSession::kPendingMax, "it waits for too much");
    Check(!actions.refused || !session.registered(), "it gives up while it chats");
    if (actions.refused) return 0;
  }
  return 0;
}
