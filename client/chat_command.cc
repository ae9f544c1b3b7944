#include "client/chat_command.h"

#include "client/line_session.h"
#include "client/terminal_text.h"

namespace txtchat::client {
namespace {

using Kind = ChatCommand::Kind;

enum class Needs { kNothing, kMaybe, kArgument };

struct Row {
  std::string_view word;
  Kind kind;
  Needs needs;
  std::string_view form;
};

constexpr Row kRows[] = {
    {"$say", Kind::kText, Needs::kArgument, "$say TEXT"},
    {"$join", Kind::kJoin, Needs::kArgument, "$join CHAN"},
    {"$leave", Kind::kLeave, Needs::kMaybe, "$leave [CHAN]"},
    {"$switch", Kind::kSwitch, Needs::kArgument, "$switch CHAN"},
    {"$create_chan", Kind::kCreate, Needs::kArgument, "$create_chan NAME"},
    {"$channels", Kind::kChannels, Needs::kNothing, "$channels"},
    {"$members", Kind::kMembers, Needs::kMaybe, "$members [CHAN]"},
    {"$who", Kind::kWhoAmI, Needs::kNothing, "$who"},
    {"$whoami", Kind::kWhoAmI, Needs::kNothing, "$whoami"},
    {"$help", Kind::kHelp, Needs::kNothing, "$help"},
    {"$quit", Kind::kQuit, Needs::kNothing, "$quit"},
};

}  // namespace

const std::vector<std::string>& ChatHelp() {
  static const auto& help = *new std::vector<std::string>{
      "TEXT               send TEXT to the current channel",
      "$say TEXT          the same, for a TEXT that begins with $",
      "$join CHAN         join CHAN (an id, or the name of a known channel) and make it current",
      "$create_chan NAME  create a channel and make it current",
      "$leave [CHAN]      leave CHAN, or the current channel",
      "$switch CHAN       make CHAN current; you are a member already",
      "$channels          list the channels",
      "$members [CHAN]    list the members of CHAN, or of the current channel",
      "$whoami, $who      your name and id",
      "$quit, Ctrl-D      leave the chat",
      "$help              this help",
  };
  return help;
}

ChatCommand ParseChatCommand(std::string_view line) {
  if (Trim(line).empty()) return {};
  if (line.front() != '$') return {Kind::kText, std::string(line)};
  const std::size_t space = line.find_first_of(" \t");
  const std::string_view word = line.substr(0, space);
  const std::string_view rest =
      space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
  const std::string_view argument = Trim(rest);
  for (const Row& row : kRows) {
    if (row.word != word) continue;
    if (row.needs == Needs::kArgument ? argument.empty()
                                      : row.needs == Needs::kNothing && !argument.empty()) {
      return {Kind::kWrong, "this command is written " + std::string(row.form)};
    }
    if (row.kind == Kind::kText) return {row.kind, std::string(rest)};
    if (row.kind == Kind::kCreate) {
      if (std::string why = NameProblem(argument); !why.empty()) return {Kind::kWrong, why};
    }
    return {row.kind, std::string(argument)};
  }
  return {Kind::kWrong, SanitizeLine(word) +
                            " is not a command, nothing was sent. $help lists the commands; $say "
                            "TEXT sends a text that begins with $"};
}

}  // namespace txtchat::client
