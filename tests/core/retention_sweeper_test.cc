#include "core/retention_sweeper.h"

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "core/chat_engine.h"
#include "core/in_process_sequencer.h"
#include "gtest/gtest.h"
#include "storage/memory_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/forwarding_store.h"
#include "tests/testing/plain_encoder.h"

namespace txtchat {
namespace {

constexpr absl::Duration kTooLong = absl::Seconds(60);

/// Notes each step that is carried out, and claims to hold garbage for as many steps as asked.
class WatchedStore final : public testing::ForwardingStore {
 public:
  explicit WatchedStore(MessageStore* below, int garbage = 0)
      : ForwardingStore(below), garbage_(garbage) {}

  /// There is a channel 7; nobody is in it.
  absl::StatusOr<StoredState> Load() override {
    absl::StatusOr<StoredState> state = ForwardingStore::Load();
    state->channels.push_back({{.key = 7, .id = "general", .display_name = "general"}, 100});
    state->last_channel_key = 7;
    return state;
  }
  absl::Status Commit(const StoreBatch& batch) override {
    absl::MutexLock lock(&mutex_);
    for (const StoreChange& change : batch) {
      if (const auto* trim = std::get_if<TrimChannel>(&change)) trims_.push_back(trim->first_kept);
      if (std::holds_alternative<PurgeStep>(change)) --garbage_;
    }
    return ForwardingStore::Commit(batch);
  }
  bool NeedsPurge() const override {
    absl::MutexLock lock(&mutex_);
    return garbage_ > 0;
  }

  std::vector<std::uint64_t> AwaitTrims(std::size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto enough = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return trims_.size() >= count; };
    EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&enough), kTooLong));
    return trims_;
  }
  bool AwaitNoGarbage() {
    absl::MutexLock lock(&mutex_);
    const auto none = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return garbage_ == 0; };
    return mutex_.AwaitWithTimeout(absl::Condition(&none), kTooLong);
  }

 private:
  mutable absl::Mutex mutex_;
  std::vector<std::uint64_t> trims_ ABSL_GUARDED_BY(mutex_);
  int garbage_ ABSL_GUARDED_BY(mutex_);
};

class RetentionSweeperTest : public ::testing::Test {
 protected:
  /// Events 1 to `count` of channel 7, with `count` bytes of text each, one a second.
  void Fill(std::uint64_t count) {
    StoreBatch batch;
    for (std::uint64_t sequence = 1; sequence <= count; ++sequence) {
      auto event = std::make_shared<Event>();
      event->sequence = sequence;
      event->time_unix_ms = static_cast<std::int64_t>(1'000 * sequence);
      event->text = std::string(10, 'x');
      batch.push_back(AppendEvent{7, 0, event});
    }
    ASSERT_TRUE(memory_.Commit(batch).ok());
  }
  std::vector<std::uint64_t> Sweep(const RetentionPolicy& policy, std::size_t steps,
                                   std::uint64_t step_events, int garbage = 0) {
    WatchedStore store(&memory_, garbage);
    RetentionSweeper sweeper(
        {.policy = policy, .interval = absl::Milliseconds(1), .step_events = step_events}, &store,
        &clock_);
    ChatEngine engine({}, testing::PlainEncoders(), &store);
    EXPECT_TRUE(engine.Recover(clock_.NowUnixMs()).ok());
    InProcessSequencer sequencer(&engine, &clock_, {});
    sweeper.Start(&sequencer);
    std::vector<std::uint64_t> trims = store.AwaitTrims(steps);
    EXPECT_TRUE(store.AwaitNoGarbage());
    sweeper.Stop();
    return trims;
  }

  storage::MemoryStore memory_{1 << 20};
  testing::FakeClock clock_;
};

TEST_F(RetentionSweeperTest, KeepsACountInSmallSteps) {
  Fill(100);
  const std::vector<std::uint64_t> trims = Sweep({.events_max = 10}, 3, 40);
  EXPECT_EQ(trims, (std::vector<std::uint64_t>{41, 81, 91}));
  EXPECT_EQ(memory_.FirstKept(7), 91u);
}

TEST_F(RetentionSweeperTest, KeepsBytes) {
  Fill(100);
  Sweep({.bytes_max = 55}, 1, 1'000);
  EXPECT_EQ(memory_.FirstKept(7), 96u);
}

TEST_F(RetentionSweeperTest, KeepsAnAge) {
  Fill(100);
  const std::int64_t age_of_event_31 = clock_.NowUnixMs() - 31'000;
  Sweep({.age_max_ms = age_of_event_31}, 1, 1'000);
  EXPECT_EQ(memory_.FirstKept(7), 32u);
}

TEST_F(RetentionSweeperTest, TheSequenceGoesOnWhenNothingIsLeft) {
  Fill(5);
  Sweep({.age_max_ms = 1}, 1, 1'000);
  EXPECT_EQ(memory_.FirstKept(7), 6u);
}

TEST_F(RetentionSweeperTest, PurgesUntilNothingIsLeftBehind) { Sweep({}, 0, 1, /*garbage=*/5); }

}  // namespace
}  // namespace txtchat
