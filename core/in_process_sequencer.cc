#include "core/in_process_sequencer.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace txtchat {

InProcessSequencer::InProcessSequencer(ChatEngine* engine, const Clock* clock, const Limits& limits)
    : engine_(engine), clock_(clock), limits_(limits), thread_([this] { Run(); }) {}

InProcessSequencer::~InProcessSequencer() { Stop(); }

// Lists count as what they bring forth, and change nothing: the last eighth is for everything else,
// so that who floods the server with lists keeps nobody from talking.
bool InProcessSequencer::IsFullFor(const Command& command) const {
  const bool list =
      std::holds_alternative<ListChannels>(command) || std::holds_alternative<ListMembers>(command);
  const std::size_t bytes_max = limits_.inbox_bytes_max;
  return inbox_.size() >= limits_.inbox_commands_max ||
         inbox_bytes_ >= (list ? bytes_max - bytes_max / 8 : bytes_max);
}

SubmitResult InProcessSequencer::Submit(Envelope& envelope) {
  absl::MutexLock lock(&mutex_);
  Want();
  return Add(envelope);
}

SubmitResult InProcessSequencer::Enqueue(Envelope& envelope) {
  absl::MutexLock lock(&mutex_);
  return Add(envelope);
}

void InProcessSequencer::Flush() {
  absl::MutexLock lock(&mutex_);
  Want();
}

void InProcessSequencer::Want() {
  wanted_ = true;
  work_.Signal();
}

SubmitResult InProcessSequencer::Add(Envelope& envelope) {
  if (draining_) return SubmitResult::kDraining;
  if (!envelope.must_apply && IsFullFor(envelope.command)) {
    DeliveryLane* const lane = envelope.lane;
    const auto end = waiting_for_room_.end();
    if (lane != nullptr && std::find(waiting_for_room_.begin(), end, lane) == end) {
      waiting_for_room_.push_back(lane);
    }
    return SubmitResult::kFull;
  }
  inbox_bytes_ += envelope.MemoryBytes();
  inbox_.push_back(std::move(envelope));
  return SubmitResult::kAccepted;
}

bool InProcessSequencer::Drain(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  draining_ = true;
  Want();
  const auto idle = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return (inbox_.empty() && !deciding_) || stopping_;
  };
  return mutex_.AwaitWithTimeout(absl::Condition(&idle), timeout);
}

void InProcessSequencer::Stop() {
  if (!thread_.joinable()) return;
  Drain();
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    work_.Signal();
  }
  thread_.join();
}

void InProcessSequencer::AwaitWork(std::optional<std::int64_t> deadline_unix_ms) {
  const std::int64_t now_unix_ms = deadline_unix_ms.has_value() ? clock_->NowUnixMs() : 0;
  const absl::Time until = deadline_unix_ms.has_value()
                               ? absl::Now() + absl::Milliseconds(std::max<std::int64_t>(
                                                   *deadline_unix_ms - now_unix_ms, 1))
                               : absl::InfiniteFuture();
  // A condition of the mutex would be evaluated whenever somebody enqueues.
  while (!HasWorkOrStops()) {
    if (work_.WaitWithDeadline(&mutex_, until)) return;
  }
}

void InProcessSequencer::Run() {
  std::vector<Envelope> taken;
  std::vector<Envelope> batch;
  for (;;) {
    std::vector<DeliveryLane*> with_room;
    {
      absl::MutexLock lock(&mutex_);
      deciding_ = false;
      AwaitWork(engine_->NextDeadlineUnixMs());
      if (stopping_ && inbox_.empty()) return;
      taken.swap(inbox_);
      inbox_bytes_ = 0;
      wanted_ = false;
      with_room.swap(waiting_for_room_);
      deciding_ = true;
    }
    for (DeliveryLane* lane : with_room) engine_->NotifyRoom(lane);
    if (taken.size() <= limits_.batch_commands_max) {
      engine_->Process(taken, clock_->NowUnixMs());
      continue;
    }
    auto next = taken.begin();
    do {
      const auto left = static_cast<std::size_t>(taken.end() - next);
      const auto end =
          next + static_cast<std::ptrdiff_t>(std::min(left, limits_.batch_commands_max));
      batch.assign(std::make_move_iterator(next), std::make_move_iterator(end));
      next = end;
      engine_->Process(batch, clock_->NowUnixMs());
    } while (next != taken.end());
    taken.clear();
  }
}

}  // namespace txtchat
