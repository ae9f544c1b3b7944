#include "core/retention_sweeper.h"

#include <utility>
#include <variant>
#include <vector>

namespace txtchat {
namespace {

// Found in one look: few, so that what was found is still true when its turn comes.
constexpr std::size_t kTrimsPerLook = 64;

}  // namespace

RetentionSweeper::RetentionSweeper(const Options& options, MessageStore* store, const Clock* clock)
    : options_(options), store_(store), clock_(clock) {}

RetentionSweeper::~RetentionSweeper() { Stop(); }

void RetentionSweeper::Start(Sequencer* sequencer) {
  sequencer_ = sequencer;
  thread_ = std::thread([this] { Run(); });
}

void RetentionSweeper::Stop() {
  if (!thread_.joinable()) return;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void RetentionSweeper::Run() {
  for (;;) {
    const bool again = Sweep();
    absl::MutexLock lock(&mutex_);
    if (!again) {
      mutex_.AwaitWithTimeout(absl::Condition(&stopping_), options_.interval);
    }
    if (stopping_) return;
  }
}

bool RetentionSweeper::Sweep() {
  bool again = false;
  if (store_->NeedsPurge()) again = CarryOut(Purge{});
  if (options_.policy.empty()) return again;
  const absl::StatusOr<std::vector<TrimChannel>> trims = store_->FindSurplus(
      options_.policy, clock_->NowUnixMs(), kTrimsPerLook, options_.step_events);
  // A store that cannot be read now is asked again after the interval.
  if (!trims.ok()) return again;
  for (const TrimChannel& trim : *trims) {
    if (!CarryOut(Trim{trim.channel, trim.first_kept})) return false;
    again = true;
  }
  return again;
}

bool RetentionSweeper::CarryOut(Command command) {
  Envelope envelope;
  envelope.command = std::move(command);
  envelope.lane = &lane_;
  envelope.time_unix_ms = clock_->NowUnixMs();
  envelope.done = [this](absl::StatusOr<Result> result) {
    absl::MutexLock lock(&mutex_);
    answered_ = true;
    succeeded_ = result.ok();
  };
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return false;
    answered_ = false;
  }
  // Full or draining: users come first.
  if (sequencer_->Submit(envelope) != SubmitResult::kAccepted) return false;
  absl::MutexLock lock(&mutex_);
  // A disk that hangs must not hold up the end of the server.
  const auto over = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return answered_ || stopping_; };
  mutex_.Await(absl::Condition(&over));
  return answered_ && succeeded_;
}

}  // namespace txtchat
