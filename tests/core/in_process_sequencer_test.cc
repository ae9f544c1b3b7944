#include "core/in_process_sequencer.h"

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "storage/memory_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/forwarding_store.h"
#include "tests/testing/plain_encoder.h"

namespace txtchat {
namespace {

/// Runs completions where they arrive, and notes whether there was room.
class DirectLane final : public DeliveryLane {
 public:
  void Deliver(LaneBatch batch) override {
    for (LaneBatch::Item& item : batch.items) {
      if (auto* reply = std::get_if<Reply>(&item)) reply->done(std::move(reply->result));
    }
    if (batch.inbox_has_room && !room.HasBeenNotified()) room.Notify();
  }
  absl::Notification room;
};

/// A store whose commits wait until they may go on: so a test decides what shares a batch.
class GatedStore final : public testing::ForwardingStore {
 public:
  GatedStore() : ForwardingStore(&below_), below_(1 << 20) {}

  absl::Status Commit(const StoreBatch& batch) override {
    absl::MutexLock lock(&mutex_);
    const auto is_event = [](const StoreChange& change) {
      return std::holds_alternative<AppendEvent>(change);
    };
    batch_sizes.push_back(std::count_if(batch.begin(), batch.end(), is_event));
    mutex_.Await(absl::Condition(&open_));
    return absl::OkStatus();
  }
  void Open() {
    absl::MutexLock lock(&mutex_);
    open_ = true;
  }
  void AwaitCommit() {
    absl::MutexLock lock(&mutex_);
    const auto begun = [this] { return !batch_sizes.empty(); };
    mutex_.Await(absl::Condition(&begun));
  }
  std::vector<std::size_t> batch_sizes;

 private:
  storage::MemoryStore below_;
  absl::Mutex mutex_;
  bool open_ = false;
};

class InProcessSequencerTest : public ::testing::Test {
 protected:
  void Make(MessageStore* store, Limits limits = {}) {
    engine_ = std::make_unique<ChatEngine>(limits, testing::PlainEncoders(), store);
    sequencer_ = std::make_unique<InProcessSequencer>(engine_.get(), &clock_, limits);
  }

  SubmitResult Submit(SessionId session, Command command, Completion done = nullptr,
                      bool must_apply = false) {
    Envelope envelope = Of(session, std::move(command), std::move(done));
    envelope.must_apply = must_apply;
    return sequencer_->Submit(envelope);
  }
  void Enqueue(SessionId session, Command command, Completion done = nullptr) {
    Envelope envelope = Of(session, std::move(command), std::move(done));
    ASSERT_EQ(sequencer_->Enqueue(envelope), SubmitResult::kAccepted);
  }
  Envelope Of(SessionId session, Command command, Completion done) {
    Envelope envelope;
    envelope.command = std::move(command);
    envelope.actor.session = session;
    envelope.lane = &lane_;
    envelope.done = std::move(done);
    return envelope;
  }
  Register RegisterCommand(SessionId session) {
    return {"10.0.0.1:" + std::to_string(session), "n", "", {.id = session, .lane = &lane_}};
  }

  testing::FakeClock clock_;
  DirectLane lane_;
  storage::MemoryStore memory_{1 << 24};
  GatedStore gated_;
  std::unique_ptr<ChatEngine> engine_;
  std::unique_ptr<InProcessSequencer> sequencer_;
};

TEST_F(InProcessSequencerTest, KeepsTheOrderOfEachSubmitterAndNumbersWithoutHoles) {
  Make(&memory_);
  constexpr int kThreads = 4;
  constexpr int kMessages = 500;
  std::vector<std::vector<std::uint64_t>> sequences(kThreads);
  std::vector<std::string> errors;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const auto session = static_cast<SessionId>(t + 1);
      Submit(session, RegisterCommand(session));
      Submit(session, Join{"10.0.0.1:1"});
      for (int i = 0; i < kMessages; ++i) {
        Submit(session, Send{"10.0.0.1:" + std::to_string(session), "x", "", false},
               [&, t](absl::StatusOr<Result> r) {
                 // Runs on the sequencer's thread alone.
                 if (!r.ok()) return errors.push_back(r.status().ToString());
                 sequences[t].push_back(std::get<Posted>(*r).event->sequence);
               });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  sequencer_->Drain();
  EXPECT_TRUE(errors.empty()) << errors.front();
  for (int t = 0; t < kThreads; ++t) {
    ASSERT_EQ(sequences[t].size(), static_cast<std::size_t>(kMessages));
    EXPECT_TRUE(std::is_sorted(sequences[t].begin(), sequences[t].end()));
    // Others may have joined channel 1 in between; the other channels have only their own events.
    if (t > 0) {
      EXPECT_EQ(sequences[t].back() - sequences[t].front() + 1, sequences[t].size());
    }
  }
}

TEST_F(InProcessSequencerTest, CommitsWhateverArrivedMeanwhileAsOneBatch) {
  Make(&gated_);
  Submit(1, RegisterCommand(1));
  gated_.AwaitCommit();
  for (int i = 0; i < 10; ++i) Submit(1, Send{"10.0.0.1:1", "x", "", false});
  gated_.Open();
  sequencer_->Drain();
  EXPECT_EQ(gated_.batch_sizes, (std::vector<std::size_t>{1, 10}));
}

TEST_F(InProcessSequencerTest, DecidesWhatWasEnqueuedTogetherAtTheFlush) {
  Make(&gated_);
  gated_.Open();
  Submit(1, RegisterCommand(1));
  gated_.AwaitCommit();
  for (int i = 0; i < 10; ++i) Enqueue(1, Send{"10.0.0.1:1", "x", "", false});
  sequencer_->Flush();
  for (int i = 0; i < 5; ++i) Enqueue(1, Send{"10.0.0.1:1", "x", "", false});
  Submit(1, Send{"10.0.0.1:1", "x", "", false});  // Flushes what is before it.
  sequencer_->Drain();
  std::size_t events = 0;
  for (std::size_t size : gated_.batch_sizes) events += size;
  EXPECT_EQ(events, 17u);
  // The second lot may have come while the first was still there; no lot is ever cut.
  EXPECT_LE(gated_.batch_sizes.size(), 3u);
}

TEST_F(InProcessSequencerTest, DecidesWhatWasEnqueuedAndNotFlushedBeforeItStops) {
  Make(&memory_);
  int answers = 0;
  Submit(1, RegisterCommand(1));
  Enqueue(1, WhoAmI{}, [&](absl::StatusOr<Result>) { ++answers; });
  sequencer_->Stop();
  EXPECT_EQ(answers, 1);
}

TEST_F(InProcessSequencerTest, SplitsABatchAtItsLimit) {
  Limits limits;
  limits.batch_commands_max = 4;
  Make(&gated_, limits);
  Submit(1, RegisterCommand(1));
  gated_.AwaitCommit();
  for (int i = 0; i < 10; ++i) Submit(1, Send{"10.0.0.1:1", "x", "", false});
  gated_.Open();
  sequencer_->Drain();
  EXPECT_EQ(gated_.batch_sizes, (std::vector<std::size_t>{1, 4, 4, 2}));
}

TEST_F(InProcessSequencerTest, RefusesByCountAndByBytesAndTellsWhenThereIsRoom) {
  Limits limits;
  limits.inbox_commands_max = 3;
  limits.inbox_bytes_max = 10'000;
  Make(&gated_, limits);
  Submit(1, RegisterCommand(1));
  gated_.AwaitCommit();
  ASSERT_EQ(Submit(1, Send{"10.0.0.1:1", "x", "", false}), SubmitResult::kAccepted);
  ASSERT_EQ(Submit(1, Send{"10.0.0.1:1", std::string(20'000, 'x'), "", false}),
            SubmitResult::kAccepted);
  EXPECT_EQ(Submit(1, WhoAmI{}), SubmitResult::kFull) << "by bytes";
  EXPECT_EQ(Submit(1, CloseSession{}, nullptr, /*must_apply=*/true), SubmitResult::kAccepted);
  EXPECT_EQ(Submit(1, WhoAmI{}), SubmitResult::kFull) << "by count";
  EXPECT_FALSE(lane_.room.HasBeenNotified());
  gated_.Open();
  lane_.room.WaitForNotification();
  EXPECT_EQ(Submit(1, WhoAmI{}), SubmitResult::kAccepted);
}

TEST_F(InProcessSequencerTest, KeepsTheLastEighthOfItsRoomFromLists) {
  Limits limits;
  limits.inbox_bytes_max = 8 * 64 * kKiB;
  Make(&gated_, limits);
  Submit(1, RegisterCommand(1));
  gated_.AwaitCommit();
  // Each counts as the 250 KiB that it may bring forth.
  ASSERT_EQ(Submit(1, ListChannels{.page_size = 1'000}), SubmitResult::kAccepted);
  ASSERT_EQ(Submit(1, ListChannels{.page_size = 1'000}), SubmitResult::kAccepted);
  EXPECT_EQ(Submit(1, ListChannels{.page_size = 1}), SubmitResult::kFull);
  EXPECT_EQ(Submit(1, Send{"10.0.0.1:1", "x", "", false}), SubmitResult::kAccepted);
  gated_.Open();
}

TEST_F(InProcessSequencerTest, AnswersEverythingThatItAcceptedBeforeItStops) {
  Make(&memory_);
  int answers = 0;
  for (SessionId session = 1; session <= 100; ++session) {
    Submit(session, RegisterCommand(session), [&](absl::StatusOr<Result>) { ++answers; });
  }
  sequencer_->Stop();
  EXPECT_EQ(answers, 100);
  EXPECT_EQ(Submit(1, WhoAmI{}), SubmitResult::kDraining);
  EXPECT_EQ(Submit(1, CloseSession{}, nullptr, true), SubmitResult::kDraining);
}

TEST_F(InProcessSequencerTest, LeavesARefusedEnvelopeUntouched) {
  Make(&memory_);
  sequencer_->Drain();
  Envelope envelope;
  envelope.command = Join{"the channel"};
  ASSERT_EQ(sequencer_->Submit(envelope), SubmitResult::kDraining);
  EXPECT_EQ(std::get<Join>(envelope.command).channel_id, "the channel");
}

TEST_F(InProcessSequencerTest, EndsGuestsByItselfWhenTheirTimeHasCome) {
  Limits limits;
  limits.guest_grace_ms = 20;
  SystemClock real_clock;
  ChatEngine engine(limits, testing::PlainEncoders(), &memory_);
  InProcessSequencer sequencer(&engine, &real_clock, limits);
  Envelope envelope;
  envelope.command = Register{"u", "n", "token", {}};
  envelope.time_unix_ms = real_clock.NowUnixMs();
  absl::Notification registered;
  envelope.lane = &lane_;
  envelope.done = [&registered](const auto& result) {
    EXPECT_TRUE(result.ok()) << result.status();
    registered.Notify();
  };
  ASSERT_EQ(sequencer.Submit(envelope), SubmitResult::kAccepted);
  registered.WaitForNotification();
  // The store forgets the guest's channel when the guest ends: no command is sent for it.
  while (memory_.BytesKept() != 0) std::this_thread::yield();
}

}  // namespace
}  // namespace txtchat
