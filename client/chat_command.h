#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace txtchat::client {

// A line typed in chat mode, understood.
struct ChatCommand {
  enum class Kind {
    kNothing,  // an empty line
    kText,     // argument: the text to send
    kJoin,
    kLeave,  // argument may be empty: the current channel
    kSwitch,
    kCreate,
    kChannels,
    kMembers,  // argument may be empty: the current channel
    kWhoAmI,
    kHelp,
    kQuit,
    kWrong,  // argument: what to tell the user
  };
  Kind kind = Kind::kNothing;
  std::string argument;
};

// Only a line that begins with `$` is a command; everything else is text, exactly as typed.
ChatCommand ParseChatCommand(std::string_view line);

// What `$help` prints in chat mode.
const std::vector<std::string>& ChatHelp();

}  // namespace txtchat::client
