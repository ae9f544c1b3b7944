// From bytes to commands.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <optional>
#include <utility>
#include <variant>

#include "gateway/io_thread.h"
#include "gateway/replies.h"
#include "gateway/session.h"

namespace txtchat::gateway {
namespace {

// Reads in a row before other sessions get their turn.
constexpr int kReadsPerTurn = 4;

// With what can be in flight besides (a leave and a join each), fewer than a subscription keeps.
constexpr std::uint32_t kRejoinedMax = 64;
static_assert(kRejoinedMax + kCommandsInFlightLimit / 2 <= Subscription::kAbsencesMax);

// Histories that a connection may have under way. With what can be in flight besides, some more.
constexpr std::uint32_t kHistoriesMax = 4;

}  // namespace

// --- Reading.

void Session::StartReading() {
  if (reading_ || input_ended_ || phase_ == Phase::kClosed) return;
  reading_ = true;
  AwaitInput();
}

// Waits while it may read; ResumeReading starts it again. No buffer is held meanwhile, and it is no
// coroutine: the frames of one would be a fifth of what an idle connection costs.
void Session::AwaitInput() {
  socket_.async_wait(
      Socket::wait_read,
      [self = shared_from_this()](boost::system::error_code error) { self->OnInput(error); });
}

void Session::OnInput(boost::system::error_code error) {
  try {
    reading_ = !error && phase_ != Phase::kClosed && ReadSome();
    if (reading_) AwaitInput();
  } catch (const std::exception&) {
    // A bug, or no memory: nobody else should notice.
    ++io_.environment().counters->exceptions;
    Close();
  }
}

bool Session::ReadSome() {
  if (phase_ == Phase::kLingering) return DiscardSome();
  for (int i = 0; i < kReadsPerTurn; ++i) {
    if (!MayRead()) return false;
    if (pace_.limited() && !HasTurn(io_.NowMs())) {
      AwaitTurn();
      return false;
    }
    const ssize_t n = ::recv(socket_.native_handle(), io_.read_buffer(), kReadBytes, MSG_DONTWAIT);
    if (n < 0) {
      if (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK) return true;
      Close();
      return false;
    }
    if (n == 0) {
      OnEndOfInput();
      return false;
    }
    splitter_.Feed({io_.read_buffer(), static_cast<std::size_t>(n)});
    if (pace_.limited()) SlowDown(pace_.CountBytes(static_cast<std::size_t>(n), io_.NowMs()));
    TakeLines();
    if (static_cast<std::size_t>(n) < kReadBytes) break;
  }
  return MayRead() && !lines_wait_;
}

void Session::OnEndOfInput() {
  input_ended_ = true;
  splitter_.Finish();
  TakeLines();
  CloseIfUseless();
  if (phase_ != Phase::kClosed) WatchForHangup();
}

bool Session::DiscardSome() {
  const ssize_t n = ::recv(socket_.native_handle(), io_.read_buffer(), kReadBytes, MSG_DONTWAIT);
  const bool goes_on = n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
  if (!goes_on) Close();
  return goes_on;
}

bool Session::MayRead() const {
  const GatewayOptions& options = io_.environment().options;
  return phase_ == Phase::kOpen && takes_commands_ && parked_ == nullptr && login_ == nullptr &&
         !slowed_ && !awaits_turn_ && in_flight_ < options.commands_in_flight_max &&
         in_flight_bytes_ < options.bytes_in_flight_max &&
         outbox_.bytes() < options.reply_backlog_bytes_max && rejoined_ < kRejoinedMax &&
         histories_ < kHistoriesMax && !io_.reading_stopped();
}

void Session::ResumeReading() {
  if (reading_ || !MayRead()) return;
  if (lines_wait_) TakeLines();
  if (!lines_wait_ && MayRead()) StartReading();
  CloseIfUseless();
}

// --- Lines to commands.

void Session::TakeLines() {
  const std::int64_t now_ms = pace_.limited() ? io_.NowMs() : 0;
  while (MayRead()) {
    const bool has_some = splitter_.has_input() || splitter_.BytesHeld() > 0;
    if (has_some && !HasTurn(now_ms)) {
      AwaitTurn();
      break;
    }
    const std::optional<LineSplitter::Line> line = splitter_.Next();
    if (!line.has_value()) {
      lines_wait_ = false;
      return;
    }
    SpendTurn(CostOfLine(line->text.size()), now_ms);
    TakeLine(*line);
    command_cost_ = 0;
    SlowDown(pace_.CountLine(now_ms));
  }
  if (phase_ == Phase::kOpen && takes_commands_) {
    if (slowed_ && (splitter_.has_input() || splitter_.BytesHeld() > 0)) TellSlowed();
    splitter_.Keep();
    lines_wait_ = true;
  } else {
    splitter_.Clear();
    lines_wait_ = false;
  }
}

// One answer for each, so that a client that sent many knows which ones nothing came of; within
// reason, as the lines may be very short.
void Session::RefuseUntakenLines(const absl::Status& why) {
  std::size_t refused = 0;
  for (; lines_wait_ && splitter_.Next().has_value(); ++refused) {
    if (refused < kCommandsInFlightLimit) AnswerError(why);
  }
  if (refused > kCommandsInFlightLimit) {
    AnswerError(absl::UnavailableError(std::to_string(refused - kCommandsInFlightLimit) +
                                       " more lines were not taken either"));
  }
  splitter_.Clear();
  lines_wait_ = false;
}

void Session::TakeLine(const LineSplitter::Line& line) {
  if (line.too_long) {
    AnswerError(absl::InvalidArgumentError(
        "the line is longer than " + std::to_string(io_.environment().options.line_bytes_max) +
        " bytes; it was skipped"));
    return;
  }
  absl::StatusOr<Request> request = ParseLine(line.text);
  if (!request.ok()) {
    AnswerError(request.status());
  } else if (std::holds_alternative<LocalAction>(request->action)) {
    TakeLocal(*request);
  } else if (std::holds_alternative<HistoryRequest>(request->action)) {
    TakeHistory(*request);
  } else if (auto* auth = std::get_if<AuthRequest>(&request->action)) {
    TakeAuth(*auth);
  } else if (auto* login = std::get_if<LoginRequest>(&request->action)) {
    TakeLogin(*login);
  } else {
    TakeCommand(*request);
  }
}

void Session::TakeLocal(const Request& request) {
  switch (std::get<LocalAction>(request.action)) {
    case LocalAction::kPing:
      Answer({.kind = Pending::Kind::kLine, .text = PongLine(request.argument)});
      return;
    case LocalAction::kEpoch:
      Answer({.kind = Pending::Kind::kLine, .text = EpochLine(io_.environment().epoch)});
      return;
    case LocalAction::kHelp:
      Answer({.kind = Pending::Kind::kLine, .text = HelpLines()});
      return;
    case LocalAction::kQuit:
      takes_commands_ = false;
      Answer({.kind = Pending::Kind::kBye, .text = ByeLine("quit")});
      return;
    case LocalAction::kHello:
      break;
  }
  taken_format_ = WireFormat::kTaggedLine;
  if (!register_submitted_) {
    Answer({.kind = Pending::Kind::kHello});
    return;
  }
  Envelope envelope;
  envelope.command = SetFormat{taken_format_};
  Submit(envelope, {.command = CommandId::kHello});
}

SessionSpec Session::SpecOfSession() {
  return {.id = id_, .lane = &io_, .format = taken_format_, .sees_own_creation = false};
}

absl::Status Session::MayCreate(const Command& command) {
  PeerGuard* const peers = io_.environment().peers;
  // Who is registered takes another name.
  const bool renames = registered_ && std::holds_alternative<Register>(command);
  if (peers == nullptr || renames) return absl::OkStatus();
  return peers->MayCreate(peer_.address, command, io_.NowMs());
}

void Session::TakeCommand(Request& request) {
  Envelope envelope;
  envelope.command = std::move(std::get<Command>(request.action));
  const bool first = !registered_ && peer_.vouched != nullptr;
  if (std::holds_alternative<Register>(envelope.command) && first) {
    // Its certificate says who it is; the name is not asked.
    envelope.command = OpenSession{.session = SpecOfSession()};
    envelope.actor.vouched = peer_.vouched;
    envelope.entropy = io_.environment().secrets->RandomBits();
  } else if (auto* registration = std::get_if<Register>(&envelope.command)) {
    registration->user_id = peer_.id;
    registration->session = SpecOfSession();
  }
  if (const absl::Status s = MayCreate(envelope.command); !s.ok()) {
    AnswerError(s);
    return;
  }
  std::string argument = request.row->repeats_channel ? std::string(request.argument) : "";
  if (auto* invite = std::get_if<CreateInvite>(&envelope.command)) {
    SecretSource& secrets = *io_.environment().secrets;
    const std::string code = secrets.NewSecret();
    invite->hash = secrets.HashOf(code);
    invite->invite_id = secrets.NewId();
    argument = invite->channel_id + " " + code;
  } else if (auto* accepted = std::get_if<JoinByInvite>(&envelope.command)) {
    accepted->invite_hash = io_.environment().secrets->HashOf(accepted->invite_hash);
  }
  const bool makes_channel = std::holds_alternative<CreateChannel>(envelope.command) ||
                             std::holds_alternative<OpenDirect>(envelope.command);
  if (makes_channel) envelope.entropy = io_.environment().secrets->RandomBits();
  if (request.claimed_user_id != peer_.id) {
    envelope.actor.claimed_user_id = std::string(request.claimed_user_id);
    envelope.actor.claim_is_address = IsSocketAddress(request.claimed_user_id);
  }
  Submit(envelope, {.command = request.row->id,
                    .weight = request.row->weight,
                    .text = std::move(argument),
                    .vouched = first ? peer_.vouched : nullptr});
}

void Session::TakeHistory(Request& request) {
  auto& history = std::get<HistoryRequest>(request.action);
  Envelope envelope;
  envelope.command = OpenHistory{std::move(history.channel_id)};
  Submit(envelope, {.command = request.row->id,
                    .weight = request.row->weight,
                    .before = history.before,
                    .limit = history.limit});
}

void Session::Submit(Envelope& envelope, Pending pending) {
  if (envelope.lane == nullptr) {
    envelope.actor.session = id_;
    envelope.actor.address = peer_.address;
    // What it vouches for besides who it is (channels) counts for every command.
    if (vouched_ != nullptr) envelope.actor.vouched = vouched_;
    envelope.lane = &io_;
    envelope.time_unix_ms = io_.environment().clock->NowUnixMs();
    const std::int64_t cost = command_cost_;
    pending.busy = static_cast<std::uint32_t>(cost);
    envelope.done = [io = &io_, id = id_, cost](absl::StatusOr<Result> result) {
      io->EndBusy(cost);
      if (Session* const session = io->Find(id)) session->OnReply(std::move(result));
    };
    pending.bytes = static_cast<std::uint32_t>(envelope.MemoryBytes());
  }
  switch (io_.Enqueue(envelope)) {
    case SubmitResult::kAccepted:
      if (pending.command == CommandId::kRegister || pending.command == CommandId::kAuth) {
        register_submitted_ = true;
      }
      in_flight_ += pending.weight;
      in_flight_bytes_ += pending.bytes;
      io_.BeginBusy(pending.busy);
      pending_.push_back(std::move(pending));
      return;
    case SubmitResult::kFull:
      parked_ = std::make_unique<Parked>(Parked{std::move(envelope), std::move(pending)});
      io_.AwaitRoom(id_);
      return;
    case SubmitResult::kDraining:
      takes_commands_ = false;
      AnswerError(Stopping());
      return;
  }
}

void Session::OnRoom() {
  if (parked_ == nullptr) return;
  const std::unique_ptr<Parked> parked = std::move(parked_);
  Submit(parked->envelope, std::move(parked->pending));
  ResumeReading();
}

}  // namespace txtchat::gateway
