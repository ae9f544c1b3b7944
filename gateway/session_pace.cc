// What a session does that is sent more than it may, or more than others.
#include <algorithm>
#include <exception>

#include "gateway/io_thread.h"
#include "gateway/session.h"

namespace txtchat::gateway {
namespace {

// It looks again at least this often: meanwhile it may have ended.
constexpr std::int64_t kPauseMaxMs = 1'000;
// A legacy client shows every line that it is sent, so it is told seldom.
constexpr std::int64_t kTellEveryMs = 10'000;

}  // namespace

// Reading stops until there is room, and what has been read stays where it is: the peer's own
// sending stops, and no memory grows.
void Session::SlowDown(const Verdict& verdict) {
  if (verdict.ok() || slowed_) return;
  slowed_ = true;
  whose_limit_ = verdict.whose;
  ++io_.environment().counters->slowed;
  AwaitPace();
}

void Session::AwaitPace() {
  const std::int64_t now_ms = io_.NowMs();
  const std::int64_t wait_ms = pace_.Wait(now_ms).retry_after_ms;
  io_.ResumeLater(id_, now_ms + std::clamp<std::int64_t>(wait_ms, 1, kPauseMaxMs));
}

void Session::OnPace() {
  if (!slowed_ || phase_ == Phase::kClosed) return;
  if (!pace_.Wait(io_.NowMs()).ok()) {
    AwaitPace();
    return;
  }
  slowed_ = false;
  ResumeReading();
}

// Only where something waits: a burst that was just within the limit is nobody's fault.
void Session::TellSlowed() {
  const std::int64_t now_ms = io_.NowMs();
  if (told_slowed_ms_ != 0 && now_ms - told_slowed_ms_ < kTellEveryMs) return;
  told_slowed_ms_ = now_ms;
  AnswerError(TooFast(whose_limit_));
}

// --- Turns.

bool Session::HasTurn(std::int64_t now_ms) const {
  return turn_left_ > 0 || share_.IsLight(now_ms) || !io_.SomebodyIsLight(now_ms);
}

void Session::AwaitTurn() {
  awaits_turn_ = true;
  io_.AwaitTurn(id_);
}

void Session::SpendTurn(std::int64_t cost, std::int64_t now_ms) {
  if (share_.IsLight(now_ms)) {
    io_.NoteLight(now_ms);
  } else if (turn_left_ > 0) {
    turn_left_ -= cost;
    command_cost_ = cost;
  }
  share_.Take(cost, now_ms);
}

void Session::OnTurn() {
  if (!awaits_turn_ || phase_ == Phase::kClosed) return;
  awaits_turn_ = false;
  turn_left_ = kCostPerTurn;
  try {
    if (lines_wait_) {
      ResumeReading();
    } else if (!reading_ && !input_ended_ && MayRead()) {
      // What made it wait is there to be read.
      reading_ = true;
      OnInput({});
    }
  } catch (const std::exception&) {
    ++io_.environment().counters->exceptions;
    Close();
  }
  turn_left_ = 0;
}

}  // namespace txtchat::gateway
