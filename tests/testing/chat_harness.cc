#include "tests/testing/chat_harness.h"

#include <memory>
#include <variant>

namespace txtchat::testing {

std::string Describe(const Recovery& recovery) {
  switch (recovery.state) {
    case Recovery::State::kRecovered:
      return "recovered";
    case Recovery::State::kGap:
      return "gap " + std::to_string(recovery.gap_from) + "-" + std::to_string(recovery.gap_to);
    case Recovery::State::kEpochChanged:
      return "epoch changed";
    case Recovery::State::kNotMember:
      return "not a member";
  }
  return "?";
}

void HarnessLane::Deliver(LaneBatch batch) {
  ++wakes_;
  told_of_room_ = told_of_room_ || batch.inbox_has_room;
  for (LaneBatch::Item& item : batch.items) {
    if (auto* reply = std::get_if<Reply>(&item)) {
      reply->done(std::move(reply->result));
    } else if (auto* start = std::get_if<SubscriptionStart>(&item)) {
      const auto [it, is_new] =
          sessions_[start->session].try_emplace(start->queue->key(), start->queue, start->cursor);
      if (!is_new) it->second.Resume(start->cursor);
    } else if (auto* end = std::get_if<SubscriptionEnd>(&item)) {
      sessions_[end->session].at(end->channel).EndAt(end->last_sequence);
    } else {
      const auto& ended = std::get<SessionEnd>(item);
      ended_[ended.session] = ended.reason;
    }
  }
}

std::string HarnessLane::Drain(Subscription& subscription) {
  std::string text;
  for (;;) {
    Owed owed = subscription.Peek(WireFormat::kProto, 100, nullptr);
    switch (owed.kind) {
      case Owed::Kind::kSlice:
        text.append(owed.slice.data, owed.slice.size);
        subscription.Advance(owed.slice.last_sequence);
        break;
      case Owed::Kind::kGap:
        text += "gap " + std::to_string(owed.gap_from) + "-" + std::to_string(owed.gap_to) + "\n";
        subscription.Advance(owed.gap_to);
        break;
      case Owed::Kind::kNeedPage:
        subscription.OnPage(history_->Read(subscription.BeginPage(WireFormat::kProto)));
        break;
      case Owed::Kind::kNothing:
      case Owed::Kind::kEnded:
        return text;
    }
  }
}

std::map<std::string, std::string> HarnessLane::Read(SessionId session) {
  std::map<std::string, std::string> texts;
  auto& subscriptions = sessions_[session];
  for (auto it = subscriptions.begin(); it != subscriptions.end();) {
    std::string text = Drain(it->second);
    if (!text.empty()) texts[it->second.queue().channel_id()] += text;
    const Owed next = it->second.Peek(WireFormat::kProto, 100, nullptr);
    it = next.kind == Owed::Kind::kEnded ? subscriptions.erase(it) : std::next(it);
  }
  return texts;
}

std::string HarnessLane::Read(SessionId session, const std::string& channel_id) {
  return Read(session)[channel_id];
}

std::vector<std::string> HarnessLane::SubscribedChannels(SessionId session) const {
  std::vector<std::string> ids;
  const auto it = sessions_.find(session);
  if (it == sessions_.end()) return ids;
  for (const auto& [key, subscription] : it->second) {
    if (!subscription.HasEnd()) ids.push_back(subscription.queue().channel_id());
  }
  return ids;
}

absl::Status HarnessLane::EndOf(SessionId session) const {
  const auto it = ended_.find(session);
  return it == ended_.end() ? absl::OkStatus() : it->second;
}

ChatHarness::ChatHarness(Limits limits_in)
    : limits(limits_in),
      memory(limits.store_bytes_max),
      keeping(&memory),
      store(&keeping),
      history(&store, PlainEncoders(), limits, /*threads=*/0),
      lane(&history) {
  Restart();
}

void ChatHarness::Restart() {
  lane.ForgetSessions();
  engine_ = std::make_unique<ChatEngine>(limits, PlainEncoders(), &store, &names);
  EXPECT_TRUE(engine_->Recover(clock.NowUnixMs()).ok());
}

void ChatHarness::Queue(const Actor& actor, Command command, absl::StatusOr<Result>* answer,
                        bool must_apply) {
  Envelope envelope;
  envelope.command = std::move(command);
  envelope.actor = actor;
  envelope.lane = &lane;
  envelope.time_unix_ms = clock.NowUnixMs();
  envelope.entropy = ++entropy_ << 24;
  envelope.must_apply = must_apply;
  envelope.done = [answer](absl::StatusOr<Result> result) {
    if (answer != nullptr) *answer = std::move(result);
  };
  batch_.push_back(std::move(envelope));
}

void ChatHarness::RunBatch() { engine_->Process(batch_, clock.NowUnixMs()); }

absl::StatusOr<Result> ChatHarness::Do(const Actor& actor, Command command) {
  absl::StatusOr<Result> answer = absl::UnknownError("no answer came");
  Queue(actor, std::move(command), &answer);
  RunBatch();
  return answer;
}

void ChatHarness::Pass(std::int64_t ms) {
  clock.Advance(ms);
  RunBatch();
}

Actor ChatHarness::LineGuest(SessionId session, const std::string& name) {
  Actor actor{.session = session};
  const SessionSpec spec{.id = session, .lane = &lane, .sees_own_creation = false};
  EXPECT_TRUE(Do(actor, Register{AddressOf(session), name, "", spec}).ok());
  return actor;
}

Actor ChatHarness::TokenGuest(const std::string& name) {
  Actor actor{.credential = "token of " + name};
  EXPECT_TRUE(Do({}, Register{"user-" + name, name, actor.credential, {}}).ok());
  return actor;
}

Actor ChatHarness::Account(const std::string& name, std::int64_t lifetime_ms) {
  Actor actor{.credential = "token of " + name};
  const absl::Status made =
      Do({}, CreateAccount{"account-" + name,
                           name,
                           name,
                           name + "'s hash",
                           {actor.credential, "id of token of " + name, "first", lifetime_ms}})
          .status();
  EXPECT_TRUE(made.ok()) << made;
  return actor;
}

Actor ChatHarness::LogIn(const std::string& name, const std::string& token,
                         std::int64_t lifetime_ms) {
  const auto found = std::get<LoginFound>(*Do({}, FindLogin{name}));
  const absl::Status entered =
      Do({}, EnterAccount{found.user,
                          found.password_hash,
                          {token, "id of " + token, "another", lifetime_ms},
                          {}})
          .status();
  EXPECT_TRUE(entered.ok()) << entered;
  return {.credential = token};
}

Actor ChatHarness::VouchedFor(const std::string& subject, const std::string& name,
                              std::int64_t lifetime_ms, std::vector<std::string> channel_ids) {
  return {.vouched = std::make_shared<const Vouched>(
              Vouched{subject, name, clock.NowUnixMs() + lifetime_ms, std::move(channel_ids),
                      "hash of " + subject})};
}

UserInfo ChatHarness::WhoIs(const Actor& actor) {
  const absl::StatusOr<Result> answer = Do(actor, WhoAmI{});
  return answer.ok() ? std::get<Registered>(*answer).user : UserInfo{};
}

absl::Status ChatHarness::Open(const Actor& guest, SessionId session,
                               std::vector<std::string> channel_ids) {
  return Do(guest, OpenSession{{.id = session, .lane = &lane}, std::move(channel_ids)}).status();
}

std::string ChatHarness::OpenAt(const Actor& guest, SessionId session,
                                std::vector<Position> positions) {
  const absl::StatusOr<Result> opened =
      Do(guest, OpenSession{{.id = session, .lane = &lane}, {}, std::move(positions)});
  if (!opened.ok()) return absl::StatusCodeToString(opened.status().code());
  std::string text;
  for (const Recovery& recovery : std::get<SessionOpened>(*opened).recoveries) {
    text += (text.empty() ? "" : ", ") + Describe(recovery);
  }
  return text;
}

absl::Status ChatHarness::Close(SessionId session) {
  // Shared, as the answer may come in a later batch than this one.
  auto answer = std::make_shared<absl::Status>(absl::UnavailableError("not decided yet"));
  Queue({.session = session}, CloseSession{}, nullptr, /*must_apply=*/true);
  batch_.back().done = [answer](absl::StatusOr<Result> result) { *answer = result.status(); };
  RunBatch();
  return *answer;
}

std::string ChatHarness::Create(const Actor& actor, const std::string& name) {
  absl::StatusOr<Result> created = Do(actor, CreateChannel{name});
  EXPECT_TRUE(created.ok()) << created.status();
  return created.ok() ? std::get<ChannelInfo>(*created).id : "";
}

absl::Status ChatHarness::Post(const Actor& actor, const std::string& channel_id,
                               const std::string& text) {
  return Do(actor, Send{channel_id, text, "", false}).status();
}

absl::Status ChatHarness::JoinChannel(const Actor& actor, const std::string& channel_id) {
  return Do(actor, Join{channel_id}).status();
}

}  // namespace txtchat::testing
