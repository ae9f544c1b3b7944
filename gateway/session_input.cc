// From bytes to commands, and from their results to answers.
#include <sys/random.h>
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

std::uint64_t Entropy() {
  std::uint64_t bits = 0;
  // Never short, and never interrupted, for so few bytes.
  if (::getrandom(&bits, sizeof bits, 0) != static_cast<ssize_t>(sizeof bits)) return 0;
  return bits;
}

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
  return phase_ == Phase::kOpen && takes_commands_ && parked_ == nullptr &&
         in_flight_ < options.commands_in_flight_max &&
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
  while (MayRead()) {
    const std::optional<LineSplitter::Line> line = splitter_.Next();
    if (!line.has_value()) {
      lines_wait_ = false;
      return;
    }
    TakeLine(*line);
  }
  if (phase_ == Phase::kOpen && takes_commands_) {
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

void Session::TakeCommand(Request& request) {
  Envelope envelope;
  envelope.command = std::move(std::get<Command>(request.action));
  if (auto* registration = std::get_if<Register>(&envelope.command)) {
    registration->user_id = user_id_;
    registration->session = {
        .id = id_, .lane = &io_, .format = taken_format_, .sees_own_creation = false};
  }
  if (std::holds_alternative<CreateChannel>(envelope.command)) envelope.entropy = Entropy();
  if (request.claimed_user_id != user_id_) {
    envelope.actor.claimed_user_id = std::string(request.claimed_user_id);
    envelope.actor.claim_is_address = IsSocketAddress(request.claimed_user_id);
  }
  Submit(envelope, {.command = request.row->id,
                    .weight = request.row->weight,
                    .text = request.row->id == CommandId::kMembers ? std::string(request.argument)
                                                                   : std::string()});
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
    envelope.lane = &io_;
    envelope.time_unix_ms = io_.environment().clock->NowUnixMs();
    envelope.done = [io = &io_, id = id_](absl::StatusOr<Result> result) {
      if (Session* const session = io->Find(id)) session->OnReply(std::move(result));
    };
    pending.bytes = static_cast<std::uint32_t>(envelope.MemoryBytes());
  }
  switch (io_.Enqueue(envelope)) {
    case SubmitResult::kAccepted:
      if (pending.command == CommandId::kRegister) register_submitted_ = true;
      in_flight_ += pending.weight;
      in_flight_bytes_ += pending.bytes;
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

// --- Answers.

void Session::AnswerError(const absl::Status& status) {
  if (!io_.environment().options.errors) return;
  Answer({.kind = Pending::Kind::kLine, .text = ErrorLine(status)});
}

void Session::Answer(Pending pending) {
  if (pending_.empty()) {
    Emit(pending);
    return;
  }
  pending.bytes = static_cast<std::uint32_t>(pending.text.size());
  in_flight_ += pending.weight;
  in_flight_bytes_ += pending.bytes;
  pending_.push_back(std::move(pending));
}

void Session::Emit(Pending& pending) {
  switch (pending.kind) {
    case Pending::Kind::kCommand:
      return;
    case Pending::Kind::kLine:
      outbox_.AddLine(std::move(pending.text));
      break;
    case Pending::Kind::kHello:
      answer_format_ = WireFormat::kTaggedLine;
      outbox_.AddFormat(HelloLine(), answer_format_);
      break;
    case Pending::Kind::kBye:
      outbox_.AddLine(std::move(pending.text));
      outbox_.AddClose();
      break;
  }
  io_.MarkDirty(*this);
}

Session::Pending Session::TakePending() {
  Pending pending = std::move(pending_[pending_begin_]);
  in_flight_ -= pending.weight;
  in_flight_bytes_ -= pending.bytes;
  if (++pending_begin_ == pending_.size()) {
    std::vector<Pending>().swap(pending_);
    pending_begin_ = 0;
  } else if (2 * pending_begin_ >= pending_.size()) {
    // A client that goes on sending never lets it become empty.
    pending_.erase(pending_.begin(),
                   pending_.begin() + static_cast<std::ptrdiff_t>(pending_begin_));
    pending_begin_ = 0;
  }
  return pending;
}

void Session::EmitLocalAnswers() {
  while (!pending_.empty() && pending_[pending_begin_].kind != Pending::Kind::kCommand) {
    Pending pending = TakePending();
    Emit(pending);
  }
}

void Session::OnReply(absl::StatusOr<Result> result) {
  if (phase_ == Phase::kLingering || phase_ == Phase::kClosed || pending_.empty()) return;
  const Pending pending = TakePending();
  if (result.ok()) {
    OnAnswer(pending, *result);
  } else {
    OnRefusal(pending, result.status());
  }
  EmitLocalAnswers();
  if (outbox_.size() > 0 || phase_ == Phase::kFlushing) io_.MarkDirty(*this);
  ResumeReading();
  CloseIfUseless();
}

void Session::OnAnswer(const Pending& pending, Result& result) {
  if (pending.command == CommandId::kHello) {
    Pending hello{.kind = Pending::Kind::kHello};
    Emit(hello);
    return;
  }
  if (pending.command == CommandId::kRegister) registered_ = true;
  if (const auto* posted = std::get_if<Posted>(&result)) {
    outbox_.AddOwnEvent(posted->channel, posted->event->sequence);
    return;
  }
  if (const auto* opened = std::get_if<HistoryOpened>(&result)) {
    ReadHistory(pending, opened->channel);
    return;
  }
  if (const auto* resumed = std::get_if<Resumed>(&result)) {
    outbox_.AddLine(AnswerLines(pending.command, answer_format_, result, ""));
    outbox_.AddOwnEvent(resumed->channel.key, resumed->channel.head_sequence);
    return;
  }
  const auto* joined = std::get_if<Joined>(&result);
  if (joined != nullptr && !joined->already_member) {
    outbox_.AddOwnEvent(joined->channel.key, joined->channel.head_sequence);
    return;
  }
  std::string lines = AnswerLines(pending.command, answer_format_, result, pending.text);
  if (!lines.empty()) outbox_.AddLine(std::move(lines));
}

void Session::ReadHistory(const Pending& pending, const ChannelInfo& channel) {
  ++histories_;
  outbox_.AddAwaited(++last_ticket_);
  EventQuery query{.channel = channel.key,
                   .up_to = channel.head_sequence,
                   .events_max = pending.limit,
                   .bytes_max = io_.environment().options.reply_backlog_bytes_max,
                   .newest_first = true,
                   .messages_only = true};
  if (pending.before != 0) query.up_to = std::min(query.up_to, pending.before - 1);
  // Where few of many events are messages, it does not walk through all of them.
  const std::uint64_t scan_max = io_.environment().options.history_scan_events_max;
  if (query.up_to > scan_max) query.after = query.up_to - scan_max;
  io_.FetchHistory(id_, last_ticket_, channel.id, query);
}

void Session::OnHistory(std::uint64_t ticket, const std::string& channel_id, std::uint64_t after,
                        const absl::StatusOr<EventPage>& page) {
  --histories_;
  if (page.ok()) {
    outbox_.Fill(ticket, HistoryLines(channel_id, after, *page));
  } else if (io_.environment().options.errors) {
    // The store's own words are for the operator.
    const bool busy = page.status().code() == absl::StatusCode::kResourceExhausted;
    outbox_.Fill(
        ticket,
        ErrorLine(busy ? page.status()
                       : absl::UnavailableError("the server could not read this; try again")));
  } else {
    outbox_.Fill(ticket, "");
  }
  io_.MarkDirty(*this);
  ResumeReading();
}

void Session::OnRefusal(const Pending& pending, const absl::Status& status) {
  if (pending.command == CommandId::kHello) {
    // Nobody is registered here after all: the dialect is the gateway's own affair.
    if (status.code() == absl::StatusCode::kUnauthenticated) {
      Pending hello{.kind = Pending::Kind::kHello};
      Emit(hello);
      return;
    }
    taken_format_ = answer_format_;
  }
  if (io_.environment().options.errors) outbox_.AddLine(ErrorLine(status));
}

}  // namespace txtchat::gateway
