// From the results of commands to answers, in the order of the commands.
#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "gateway/io_thread.h"
#include "gateway/replies.h"
#include "gateway/session.h"

namespace txtchat::gateway {

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
  if (pending.command == CommandId::kLogin) OnLoginDone();
  if (pending.command == CommandId::kAuth && result.ok()) OnTokenRight();
  if (result.ok()) {
    OnAnswer(pending, *result);
  } else {
    OnRefusal(pending, result.status());
  }
  EmitLocalAnswers();
  LogInIfReady();
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
  const CommandId command = pending.command;
  if (command == CommandId::kRegister || command == CommandId::kAuth ||
      command == CommandId::kLogin) {
    registered_ = true;
    if (pending.vouched != nullptr && std::holds_alternative<SessionOpened>(result)) {
      // What it vouches for counts as long as the session. Its name does not: a later token, shown
      // elsewhere, may have said another.
      Vouched lasting = *pending.vouched;
      lasting.display_name.clear();
      vouched_ = std::make_shared<const Vouched>(std::move(lasting));
    }
  }
  if (const auto* posted = std::get_if<Posted>(&result)) {
    outbox_.AddOwnEvent(posted->channel, posted->event->sequence);
    return;
  }
  if (const auto* acted = std::get_if<Acted>(&result)) {
    outbox_.AddOwnEvent(acted->channel, acted->event->sequence);
    outbox_.AddLine(AnswerLines(pending.command, answer_format_, result, ""));
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
  const std::uint64_t scan_max = io_.environment().history_scan_events_max;
  if (query.up_to > scan_max) query.after = query.up_to - scan_max;
  io_.FetchHistory(id_, last_ticket_, channel.id, query);
}

void Session::OnHistory(std::uint64_t ticket, const std::string& channel_id, std::uint64_t after,
                        const absl::StatusOr<EventPage>& page) {
  --histories_;
  if (page.ok()) {
    outbox_.Fill(ticket, HistoryLines(channel_id, after, *page));
  } else if (io_.environment().options.errors) {
    outbox_.Fill(ticket, ErrorLine(ReadRefusal(page.status())));
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
