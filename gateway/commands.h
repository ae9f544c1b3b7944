// The commands of the line protocol: one table row each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/command.h"

namespace txtchat::gateway {

enum class CommandId : std::uint8_t {
  kRegister,
  kCreateChannel,
  kJoin,
  kLeave,
  kSend,
  kHello,
  kPing,
  kWhoAmI,
  kChannels,
  kMembers,
  kHistory,
  kResume,
  kLogin,
  kInvite,
  kInvites,
  kRevoke,
  kAccept,
  kInfo,
  kRoles,
  kCreatePrivate,
  kDirect,
  kTopic,
  kRename,
  kDeleteChannel,
  kDeleteMessage,
  kKick,
  kBan,
  kUnban,
  kMute,
  kUnmute,
  kBans,
  kRole,
  kAdd,
  kAuth,
  kEpoch,
  kHelp,
  kQuit,
};

/// What the gateway answers by itself.
enum class LocalAction : std::uint8_t { kHello, kPing, kEpoch, kHelp, kQuit };

/// Messages of a channel: the newest `limit` before `before` (0: before anything that comes).
struct HistoryRequest {
  std::string channel_id;
  std::uint64_t before = 0;
  std::uint32_t limit = 0;
};

/// A token that is shown.
struct AuthRequest {
  std::string token;
};

/// A login name and a password.
struct LoginRequest {
  std::string login;
  std::string password;
};

/// The cheapest first: it is what an empty one holds.
using Action = std::variant<LocalAction, HistoryRequest, AuthRequest, LoginRequest, Command>;

inline constexpr std::size_t kFieldsMax = 4;
/// The fields of a line behind the command's name; those that it does not have are empty.
using Fields = std::array<std::string_view, kFieldsMax>;

struct CommandRow {
  CommandId id;
  std::string_view name;
  std::string_view usage;
  std::string_view help;
  std::size_t fields_min = 0;
  std::size_t fields_max = 0;  ///< Those beyond are ignored …
  bool rest_is_last = false;   ///< … or belong to the last one.
  bool claims_user = false;    ///< The first field is the user id that the client believes to have.
  bool repeats_channel = false;  ///< The answer names the channel of the first field.
  /// How much of a connection's `commands_in_flight_max` it takes: answers of many lines take more.
  std::uint8_t weight = 1;
  /// Makes the action; the fields point into the line. INVALID_ARGUMENT, UNIMPLEMENTED.
  absl::Status (*make)(const Fields& fields, Action& action);
};

/// All commands, in the order in which `help` lists them.
absl::Span<const CommandRow> CommandTable();
/// Those of them that are about kinds of channels and roles.
absl::Span<const CommandRow> ModerationCommands();

/// A line that passed every check that needs no state.
struct Request {
  const CommandRow* row = nullptr;
  Action action;
  /// The user id that the line states; empty where it states none (`-` included).
  std::string_view claimed_user_id;
  /// The first field, for answers that repeat it.
  std::string_view argument;
};

/// The one place where lines are checked. Core commands own their text; what else the request has
/// points into `line`.
/// INVALID_ARGUMENT  not UTF-8, an empty line, a missing field (the message has the usage)
/// UNIMPLEMENTED     no such command
absl::StatusOr<Request> ParseLine(std::string_view line);

/// Whether `text` has the form of a socket address, `IPv4:PORT` or `[IPv6]:PORT`: what a legacy
/// client takes for its user id.
bool IsSocketAddress(std::string_view text);

}  // namespace txtchat::gateway
