#include "gateway/commands.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/text.h"
#include "gateway/command_fields.h"
#include "gateway/line_codec.h"
#include "gateway/line_text.h"

namespace txtchat::gateway {
namespace {

constexpr std::uint64_t kHistoryLinesDefault = 20;
constexpr std::uint64_t kHistoryLinesMax = kListLines;

absl::Status MakeRegister(const Fields& f, Action& action) {
  Emplace<Register>(action).display_name = f[0];
  return absl::OkStatus();
}
absl::Status MakeCreateChannel(const Fields& f, Action& action) {
  Emplace<CreateChannel>(action).display_name = f[1];
  return absl::OkStatus();
}
absl::Status MakeJoin(const Fields& f, Action& action) {
  Emplace<Join>(action).channel_id = f[1];
  return absl::OkStatus();
}
absl::Status MakeLeave(const Fields& f, Action& action) {
  Emplace<Leave>(action).channel_id = f[1];
  return absl::OkStatus();
}
absl::Status MakeSend(const Fields& f, Action& action) {
  Send& send = Emplace<Send>(action);
  send.channel_id = f[1];
  send.text = f[2];
  send.allow_empty_text = true;
  return absl::OkStatus();
}
absl::Status MakeHello(const Fields& f, Action& action) {
  if (f[0] != "2") {
    return absl::InvalidArgumentError(
        absl::StrCat("there is no dialect ", OneLine(f[0], 32), "; send hello$2"));
  }
  action = LocalAction::kHello;
  return absl::OkStatus();
}
absl::Status MakeWhoAmI(const Fields&, Action& action) {
  Emplace<WhoAmI>(action);
  return absl::OkStatus();
}
absl::Status MakeChannels(const Fields& f, Action& action) {
  ListChannels& list = Emplace<ListChannels>(action);
  list.page_size = kListLines;
  list.page_token = f[0];
  return absl::OkStatus();
}
absl::Status MakeMembers(const Fields& f, Action& action) {
  Emplace<ListMembers>(action) = {std::string(f[0]), kListLines, std::string(f[1])};
  return absl::OkStatus();
}
template <LocalAction kAction>
absl::Status MakeLocal(const Fields&, Action& action) {
  action = kAction;
  return absl::OkStatus();
}
absl::Status MakeHistory(const Fields& f, Action& action) {
  const absl::StatusOr<std::uint64_t> before = Number(f[1], "BEFORE_SEQ", 0);
  if (!before.ok()) return before.status();
  const absl::StatusOr<std::uint64_t> limit = Number(f[2], "LIMIT", kHistoryLinesDefault);
  if (!limit.ok()) return limit.status();
  if (*limit == 0) return absl::InvalidArgumentError("LIMIT must be at least 1");
  action = HistoryRequest{std::string(f[0]), *before,
                          static_cast<std::uint32_t>(std::min(*limit, kHistoryLinesMax))};
  return absl::OkStatus();
}
absl::Status MakeResume(const Fields& f, Action& action) {
  const absl::StatusOr<std::uint64_t> after = Number(f[1], "AFTER_SEQ", 0);
  if (!after.ok()) return after.status();
  Emplace<Resume>(action).position = {std::string(f[0]), *after, std::string(f[2])};
  return absl::OkStatus();
}
absl::Status MakeAuth(const Fields& f, Action& action) {
  action = AuthRequest{std::string(f[0])};
  return absl::OkStatus();
}
absl::Status MakeLogin(const Fields& f, Action& action) {
  action = LoginRequest{std::string(f[0]), std::string(f[1])};
  return absl::OkStatus();
}

constexpr CommandRow kTable[] = {
    {.id = CommandId::kRegister,
     .name = "reg",
     .usage = "reg$NAME",
     .help = "register, or rename yourself; answers your user id",
     .fields_min = 1,
     .fields_max = 1,
     .make = MakeRegister},
    {.id = CommandId::kCreateChannel,
     .name = "create_chan",
     .usage = "create_chan$UID$NAME",
     .help = "create and join a channel; answers its id. UID is your user id, or -",
     .fields_min = 2,
     .fields_max = 2,
     .claims_user = true,
     .make = MakeCreateChannel},
    {.id = CommandId::kJoin,
     .name = "join",
     .usage = "join$UID$CHAN",
     .help = "join a channel",
     .fields_min = 2,
     .fields_max = 2,
     .claims_user = true,
     .make = MakeJoin},
    {.id = CommandId::kLeave,
     .name = "leave",
     .usage = "leave$UID$CHAN",
     .help = "leave a channel",
     .fields_min = 2,
     .fields_max = 2,
     .claims_user = true,
     .make = MakeLeave},
    {.id = CommandId::kSend,
     .name = "send_msg",
     .usage = "send_msg$UID$CHAN$TEXT",
     .help = "say TEXT, the rest of the line, in a channel that you are in",
     .fields_min = 3,
     .fields_max = 3,
     .rest_is_last = true,
     .claims_user = true,
     .make = MakeSend},
    {.id = CommandId::kHello,
     .name = "hello",
     .usage = "hello$2",
     .help = "from now on every line says what it is, who spoke, and where",
     .fields_min = 1,
     .fields_max = 1,
     .make = MakeHello},
    {.id = CommandId::kWhoAmI,
     .name = "whoami",
     .usage = "whoami",
     .help = "your user id and name",
     .make = MakeWhoAmI},
    {.id = CommandId::kChannels,
     .name = "channels",
     .usage = "channels",
     .help = "list the channels; channels$MORE goes on where a list ended with MORE",
     .fields_max = 1,
     .weight = kListWeight,
     .make = MakeChannels},
    {.id = CommandId::kMembers,
     .name = "members",
     .usage = "members$CHAN",
     .help = "list the members of a channel that you are in; members$CHAN$MORE goes on",
     .fields_min = 1,
     .fields_max = 2,
     .repeats_channel = true,
     .weight = kListWeight,
     .make = MakeMembers},
    {.id = CommandId::kHistory,
     .name = "history",
     .usage = "history$CHAN$BEFORE_SEQ$LIMIT",
     .help = "read older messages of a channel that you are in: the newest 20 of them, or LIMIT, "
             "at most 100, before BEFORE_SEQ",
     .fields_min = 1,
     .fields_max = 3,
     .weight = kListWeight,
     .make = MakeHistory},
    {.id = CommandId::kResume,
     .name = "resume",
     .usage = "resume$CHAN$AFTER_SEQ",
     .help = "join a channel and get everything after AFTER_SEQ, once and in order; "
             "resume$CHAN$AFTER_SEQ$EPOCH makes sure that it is the same history",
     .fields_min = 2,
     .fields_max = 3,
     .weight = kListWeight,
     .make = MakeResume},
    {.id = CommandId::kAuth,
     .name = "auth",
     .usage = "auth$TOKEN",
     .help = "instead of reg: act as the user of a token; answers its user id",
     .fields_min = 1,
     .fields_max = 1,
     .make = MakeAuth},
    {.id = CommandId::kLogin,
     .name = "login",
     .usage = "login$NAME$PASSWORD",
     .help = "instead of reg: act as the user of an account; answers its user id. With TLS only, "
             "unless this server allows otherwise",
     .fields_min = 2,
     .fields_max = 2,
     .rest_is_last = true,
     .make = MakeLogin},
    {.id = CommandId::kEpoch,
     .name = "epoch",
     .usage = "epoch",
     .help = "names the history that the sequence numbers belong to",
     .make = MakeLocal<LocalAction::kEpoch>},
    {.id = CommandId::kPing,
     .name = "ping",
     .usage = "ping$X",
     .help = "answers X",
     .fields_max = 1,
     .rest_is_last = true,
     .make = MakeLocal<LocalAction::kPing>},
    {.id = CommandId::kHelp,
     .name = "help",
     .usage = "help",
     .help = "this list",
     .make = MakeLocal<LocalAction::kHelp>},
    {.id = CommandId::kQuit,
     .name = "quit",
     .usage = "quit",
     .help = "end the connection",
     .make = MakeLocal<LocalAction::kQuit>},
};

// Reads the fields behind the name; answers how many of them there are.
std::size_t ReadFields(const CommandRow& row, FieldReader& reader, Fields& fields) {
  std::size_t count = 0;
  for (; count < row.fields_max && reader.HasNext(); ++count) {
    const bool takes_rest = row.rest_is_last && count + 1 == row.fields_max;
    fields[count] = takes_rest ? reader.Rest() : reader.Next();
  }
  return count;
}

}  // namespace

absl::Span<const CommandRow> CommandTable() {
  static const auto* const kAll = [] {
    auto* const all = new std::vector<CommandRow>(std::begin(kTable), std::end(kTable));
    const absl::Span<const CommandRow> moderation = ModerationCommands();
    all->insert(all->end(), moderation.begin(), moderation.end());
    return all;
  }();
  return *kAll;
}

absl::StatusOr<Request> ParseLine(std::string_view line) {
  if (!IsValidUtf8(line)) {
    return absl::InvalidArgumentError("the line is not valid UTF-8; it was ignored");
  }
  if (line.empty()) {
    return absl::InvalidArgumentError("the line is empty; send help for the commands");
  }
  FieldReader reader(line);
  const std::string_view name = reader.Next();
  const absl::Span<const CommandRow> table = CommandTable();
  const auto row =
      std::find_if(table.begin(), table.end(), [&](const CommandRow& r) { return r.name == name; });
  if (row == table.end()) {
    return absl::UnimplementedError(absl::StrCat("there is no command \"", OneLine(name, 32),
                                                 "\"; send help for the commands"));
  }
  Fields fields;
  const std::size_t count = ReadFields(*row, reader, fields);
  if (count < row->fields_min) {
    return absl::InvalidArgumentError(
        absl::StrCat("a field is missing; the command is ", std::string(row->usage)));
  }
  absl::StatusOr<Request> request{Request{.row = &*row}};
  if (absl::Status s = row->make(fields, request->action); !s.ok()) return s;
  if (row->claims_user && fields[0] != "-") request->claimed_user_id = fields[0];
  request->argument = fields[0];
  return request;
}

bool IsSocketAddress(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || text.size() > 64) return false;
  std::string_view host = text.substr(0, colon);
  const std::string port(text.substr(colon + 1));
  unsigned port_number = 0;
  const bool digits = !port.empty() && port.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || !absl::SimpleAtoi(port, &port_number) || port_number > 65'535) return false;

  boost::system::error_code error;
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    boost::asio::ip::make_address_v6(std::string(host), error);
  } else {
    boost::asio::ip::make_address_v4(std::string(host), error);
  }
  return !error;
}

}  // namespace txtchat::gateway
