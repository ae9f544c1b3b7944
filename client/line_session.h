#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace txtchat::client {

// What the caller shall do after a line came in. Empty fields mean nothing to do.
struct LineActions {
  std::string send;                 // bytes for the server, line ends included
  std::vector<std::string> prints;  // for standard output, as they came from the server
  std::vector<std::string> notes;   // for standard error: what the original client logged, and help
  bool refused = false;             // the server refused us: give up
  // What was sent will change the current channel: later lines should wait for `switching` to end,
  // though not for ever (a server of old answers a failed join with silence).
  bool await_switch = false;
};

// The line protocol's client side as a pure state machine: a line in, actions out. It knows no
// sockets, so tests drive it directly. Behaves as the original client does: the first line is the
// welcome, then the name is registered, the next line is the current channel, and from there each
// typed line is a message to it.
//
// Not thread-safe. Remembers at most kPendingMax commands whose answer has not come.
class LineSession {
 public:
  static constexpr std::size_t kPendingMax = 1000;

  // `user_id` is the own end of the connection as `IP:PORT` (`[IP]:PORT` for IPv6).
  LineSession(std::string name, std::string user_id);

  // A line from the server, without its line end.
  LineActions OnServerLine(std::string_view line);

  // A line that the user typed, without its line end. Only once `registered`.
  LineActions OnTypedLine(std::string_view line);

  // True from the moment that the server has named the first current channel.
  bool registered() const { return stage_ == Stage::kChatting; }
  const std::string& current_channel() const { return current_; }

  // True while a join or a creation is without its answer.
  bool switching() const;

  // How many commands that have an answer in this protocol are still without it.
  std::size_t unanswered() const { return pending_.size(); }

  // Whether the server has refused a message, a join or a creation.
  bool was_refused() const { return was_refused_; }

 private:
  enum class Stage { kAwaitWelcome, kAwaitChannel, kChatting };
  enum class Kind { kSend, kJoin, kCreate };
  struct Pending {
    Kind kind;
    std::string expect;  // the text echoed, or the channel joined
  };

  LineActions OnWelcome(std::string_view line);
  LineActions OnFirstChannel(std::string_view line);
  LineActions OnChatLine(std::string_view line);
  LineActions OnCommand(std::string_view line);
  LineActions Send(std::string_view text);
  LineActions Join(std::string_view channel);
  LineActions Create(std::string_view name);
  LineActions Leave(std::string_view channel);
  LineActions Switch(std::string_view channel);
  void SwitchTo(std::string channel, LineActions& actions);
  void Expect(Kind kind, std::string expect);
  // True if `line` answers a create_chan of ours.
  bool TakeAnswer(std::string_view line);

  const std::string name_;
  const std::string user_id_;
  Stage stage_ = Stage::kAwaitWelcome;
  std::string personal_;
  std::string current_;
  std::deque<Pending> pending_;
  bool was_refused_ = false;
};

// Why `name` cannot be a user's or a channel's name; empty if it can.
std::string NameProblem(std::string_view name);

// What `$help` prints in line mode.
const std::vector<std::string>& LineHelp();

}  // namespace txtchat::client
