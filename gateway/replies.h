// What the server says of itself: answers, errors, and the lines around them. Pure functions; every
// line ends with `\n`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "core/command.h"
#include "core/message_store.h"
#include "core/wire_format.h"
#include "gateway/commands.h"

namespace txtchat::gateway {

/// The canonical name of a status code, in lower_snake_case.
std::string_view CodeName(absl::StatusCode code);

/// `$$error: CODE: explanation`, always one line of about half a KiB at the most.
std::string ErrorLine(const absl::Status& status);

/// The answer to a command that succeeded. Empty where the client sees the event itself
/// (`send_msg`, a new `join`, `leave`). `argument` is the request's. `format` is a line format.
std::string AnswerLines(CommandId command, WireFormat format, const Result& result,
                        std::string_view argument);

std::string WelcomeLine();
std::string HelloLine();                          ///< `$$hello: 2`
std::string PongLine(std::string_view argument);  ///< `$$pong: X`
std::string ByeLine(std::string_view reason);     ///< `$$bye: REASON`
std::string EpochLine(std::string_view epoch);    ///< `$$epoch: EPOCH`
std::string HelpLines();                          ///< `$$help: USAGE - WHAT`, each command
std::string GapLine(std::string_view channel_id, std::uint64_t from,
                    std::uint64_t to);  ///< `$$gap: CHAN FROM TO`
/// `$$history: CHAN SEQ UNIX_MS UID NAME: TEXT` for each message, oldest first, then `$$ok: history
/// CHAN N`, with the sequence number to go on before where older ones may be left. `after`: how far
/// back it was looked.
std::string HistoryLines(std::string_view channel_id, std::uint64_t after,
                         const EventPage& newest_first);

}  // namespace txtchat::gateway
