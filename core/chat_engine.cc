#include "core/chat_engine.h"

#include <algorithm>
#include <utility>

#include "core/decider.h"

namespace txtchat {
namespace {

// After a refused commit, what must happen is tried again this much later.
constexpr std::int64_t kCommitRetryMs = 100;

}  // namespace

ChatEngine::ChatEngine(const Limits& limits, EncoderSet encoders, MessageStore* store,
                       const NameFolder* names)
    : limits_(limits),
      state_(limits, names),
      store_(store),
      publisher_(encoders, limits.queues_bytes_max) {}

absl::Status ChatEngine::Recover(std::int64_t now_unix_ms) {
  const absl::StatusOr<StoredState> stored = store_->Load();
  if (!stored.ok()) return stored.status();
  state_.Restore(*stored, now_unix_ms);
  Envelope internal;
  internal.time_unix_ms = now_unix_ms;
  Decider(limits_, state_, *store_, decision_, internal).EndLostUsers();
  if (absl::Status committed = Commit(); !committed.ok()) return committed;
  std::vector<Envelope> nobody_asked;
  publisher_.Publish(decision_, nobody_asked);
  return absl::OkStatus();
}

absl::Status ChatEngine::Commit() {
  absl::Status committed;
  if (!decision_.store.empty()) {
    committed = store_->Commit(decision_.store);
    if (committed.ok() == commits_fail_) {
      commits_fail_ = !committed.ok();
      if (commit_observer_ != nullptr) commit_observer_(committed);
    }
  }
  if (committed.ok()) state_.journal().Commit();
  return committed;
}

void ChatEngine::Process(std::vector<Envelope>& batch, std::int64_t now_unix_ms) {
  // What must happen and could not: first of all, as it came first.
  if (!deferred_.empty()) {
    batch.insert(batch.begin(), std::make_move_iterator(deferred_.begin()),
                 std::make_move_iterator(deferred_.end()));
    deferred_.clear();
  }
  retry_at_unix_ms_.reset();

  Envelope internal;
  internal.time_unix_ms = now_unix_ms;
  Decider(limits_, state_, *store_, decision_, internal).Expire();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    Decider decider(limits_, state_, *store_, decision_, batch[i]);
    absl::StatusOr<Result> result = decider.Decide(batch[i].command);
    ReplyStep& step = decision_.steps.emplace_back().emplace<ReplyStep>();
    step.envelope = i;
    step.result = std::move(result);
  }

  const bool was_erasing = store_->IsErasing();
  if (Commit().ok()) {
    publisher_.Publish(decision_, batch);
    // Whoever has read meanwhile may have copies of what was not erased yet.
    if (was_erasing && !store_->IsErasing()) publisher_.ForgetCopies();
  } else {
    Refuse(batch, now_unix_ms);
  }
  publisher_.Flush();
  batch.clear();
}

void ChatEngine::Refuse(std::vector<Envelope>& batch, std::int64_t now_unix_ms) {
  state_.journal().RollBack();
  decision_.clear();
  retry_at_unix_ms_ = now_unix_ms + kCommitRetryMs;
  for (Envelope& envelope : batch) {
    if (envelope.must_apply && state_.FindSession(envelope.actor.session) == nullptr) {
      // What it would end never began. So there are never more of these than sessions.
      publisher_.Answer(envelope, std::monostate{});
    } else if (envelope.must_apply) {
      deferred_.push_back(std::move(envelope));
    } else {
      // The store's own words are for the operator's log, not for users.
      publisher_.Answer(
          envelope,
          absl::UnavailableError("the server could not store this; nothing happened, try again"));
    }
  }
}

std::optional<std::int64_t> ChatEngine::NextDeadlineUnixMs() const {
  const std::optional<std::int64_t> due = state_.NextDeadlineUnixMs();
  // While the store refuses, neither is worth trying before the retry.
  if (!retry_at_unix_ms_.has_value()) return due;
  const bool has_work = due.has_value() || !deferred_.empty();
  return has_work ? retry_at_unix_ms_ : std::nullopt;
}

}  // namespace txtchat
