#include "core/subscription.h"

#include <cstdint>
#include <memory>
#include <random>
#include <string>

#include "core/history_reader.h"
#include "gtest/gtest.h"
#include "storage/memory_store.h"
#include "tests/testing/failing_store.h"
#include "tests/testing/plain_encoder.h"

namespace txtchat {
namespace {

using testing::PlainEncoders;

/// A channel with a ring of `ring_events` and a store of `store_bytes`, and one subscription.
class SubscriptionTest : public ::testing::Test {
 protected:
  void Make(std::size_t ring_events, std::size_t store_bytes, std::size_t page_events = 10) {
    Limits limits;
    limits.store_page_events_max = page_events;
    memory_ = std::make_unique<storage::MemoryStore>(store_bytes);
    store_ = std::make_unique<testing::FailingStore>(memory_.get());
    history_ = std::make_unique<HistoryReader>(store_.get(), PlainEncoders(), limits, 0);
    queue_ = std::make_shared<BroadcastQueue>(1, "general", QueueLimits{.events_max = ring_events});
    queue_->StartFormat(WireFormat::kProto);
    subscription_ = std::make_unique<Subscription>(queue_, 0);
  }

  void Publish(std::uint64_t count) {
    for (; count > 0; --count) {
      auto event = std::make_shared<Event>();
      event->sequence = queue_->head() + 1;
      event->user_name = "a";
      event->text = std::to_string(event->sequence);
      StoreBatch batch;
      batch.push_back(AppendEvent{1, 0, event});
      ASSERT_TRUE(store_->Commit(batch).ok());
      queue_->Append(*event, PlainEncoders());
    }
  }

  Owed Peek(std::size_t bytes_max = 1000, std::uint64_t up_to = Subscription::kNoEnd) {
    return subscription_->Peek(WireFormat::kProto, bytes_max, nullptr, up_to);
  }
  void FetchPage() {
    subscription_->OnPage(history_->Read(subscription_->BeginPage(WireFormat::kProto)));
  }
  static std::string Text(const Owed& owed) { return {owed.slice.data, owed.slice.size}; }

  std::unique_ptr<storage::MemoryStore> memory_;
  std::unique_ptr<testing::FailingStore> store_;
  std::unique_ptr<HistoryReader> history_;
  std::shared_ptr<BroadcastQueue> queue_;
  std::unique_ptr<Subscription> subscription_;
};

TEST_F(SubscriptionTest, ReadsTheQueueFromItsCursor) {
  Make(100, 1 << 20);
  EXPECT_EQ(Peek().kind, Owed::Kind::kNothing);
  Publish(3);
  subscription_->Advance(1);
  EXPECT_EQ(Text(Peek()), "a: 2\na: 3\n");
  subscription_->PeekedTo(3);
  EXPECT_EQ(Peek().kind, Owed::Kind::kNothing);
  subscription_->Rewind();
  EXPECT_EQ(subscription_->cursor(), 1u);
  EXPECT_EQ(Text(Peek(1000, 2)), "a: 2\n");
}

TEST_F(SubscriptionTest, CatchesUpFromTheStoreAndRejoinsTheQueueWithoutASeam) {
  Make(/*ring_events=*/5, 1 << 20, /*page_events=*/4);
  Publish(12);
  std::string got;
  int pages = 0;
  for (Owed owed = Peek(); owed.kind != Owed::Kind::kNothing; owed = Peek()) {
    if (owed.kind == Owed::Kind::kNeedPage) {
      ++pages;
      FetchPage();
      continue;
    }
    ASSERT_EQ(owed.kind, Owed::Kind::kSlice);
    got += Text(owed);
    subscription_->Advance(owed.slice.last_sequence);
  }
  std::string expected;
  for (int i = 1; i <= 12; ++i) expected += "a: " + std::to_string(i) + "\n";
  EXPECT_EQ(got, expected);
  EXPECT_EQ(pages, 2) << "1-4, 5-8; 9-12 are in the ring";
}

TEST_F(SubscriptionTest, ReportsAnExactGapWhereTheStoreHasForgotten) {
  Make(/*ring_events=*/2, /*store_bytes=*/1);
  Publish(10);
  ASSERT_EQ(Peek().kind, Owed::Kind::kNeedPage);
  FetchPage();
  const Owed gap = Peek();
  ASSERT_EQ(gap.kind, Owed::Kind::kGap);
  EXPECT_EQ(gap.gap_from, 1u);
  EXPECT_EQ(gap.gap_to, 8u) << "9 and 10 are in the ring";
}

TEST_F(SubscriptionTest, AsksForOnePageAtATimeAndAgainAfterAFailure) {
  Make(/*ring_events=*/1, 1 << 20);
  Publish(5);
  ASSERT_EQ(Peek().kind, Owed::Kind::kNeedPage);
  const PageRequest request = subscription_->BeginPage(WireFormat::kProto);
  EXPECT_EQ(request.after, 0u);
  EXPECT_EQ(request.up_to, 4u) << "5 is in the ring";
  EXPECT_EQ(Peek().kind, Owed::Kind::kNothing);
  subscription_->OnPage(absl::InternalError("disk"));
  EXPECT_EQ(Peek().kind, Owed::Kind::kNeedPage);
}

TEST_F(SubscriptionTest, GivesEverythingUpToItsEndAndNothingBeyond) {
  Make(100, 1 << 20);
  Publish(3);
  subscription_->EndAt(2);
  EXPECT_EQ(Text(Peek()), "a: 1\na: 2\n");
  subscription_->Advance(2);
  EXPECT_EQ(Peek().kind, Owed::Kind::kEnded);
}

TEST_F(SubscriptionTest, GoesOnAfterAnAbsenceAndSkipsIt) {
  Make(/*ring_events=*/2, 1 << 20);
  Publish(3);
  subscription_->EndAt(2);
  Publish(3);
  subscription_->Resume(5);
  std::string got;
  for (Owed owed = Peek(); owed.kind != Owed::Kind::kNothing; owed = Peek()) {
    if (owed.kind == Owed::Kind::kNeedPage) {
      FetchPage();
      continue;
    }
    got += Text(owed);
    subscription_->Advance(owed.slice.last_sequence);
  }
  EXPECT_EQ(got, "a: 1\na: 2\na: 6\n");
}

TEST_F(SubscriptionTest, BoundsTheAbsencesThatItRemembersAndTellsWhatIsLostByThat) {
  Make(10'000, 1 << 20);
  for (std::size_t i = 0; i < 2 * Subscription::kAbsencesMax; ++i) {
    Publish(1);
    subscription_->EndAt(queue_->head());
    Publish(1);
    subscription_->Resume(queue_->head());
  }
  Publish(1);
  // Odd ones were owed, even ones fell into absences; the last is owed again.
  std::vector<std::uint64_t> events;
  std::string gaps;
  for (Owed owed = Peek(); owed.kind != Owed::Kind::kNothing; owed = Peek()) {
    if (owed.kind == Owed::Kind::kGap) {
      gaps += std::to_string(owed.gap_from) + "-" + std::to_string(owed.gap_to) + " ";
      subscription_->Advance(owed.gap_to);
      continue;
    }
    ASSERT_EQ(owed.kind, Owed::Kind::kSlice);
    for (std::uint64_t s = owed.slice.first_sequence; s <= owed.slice.last_sequence; ++s) {
      events.push_back(s);
    }
    subscription_->Advance(owed.slice.last_sequence);
  }
  std::vector<std::uint64_t> expected;
  for (std::uint64_t i = 0; i < Subscription::kAbsencesMax; ++i) expected.push_back(2 * i + 1);
  expected.push_back(queue_->head());
  EXPECT_EQ(events, expected);
  const std::uint64_t kept = 2 * Subscription::kAbsencesMax;
  EXPECT_EQ(gaps, std::to_string(kept + 1) + "-" + std::to_string(queue_->head() - 2) + " ");
}

TEST_F(SubscriptionTest, NeverCallsAGapWhatTheQueueStillHas) {
  Make(/*ring_events=*/10, /*store_bytes=*/1);  // The store forgets everything at once.
  Publish(30);
  ASSERT_EQ(Peek().kind, Owed::Kind::kNeedPage);
  FetchPage();
  const Owed gap = Peek();
  ASSERT_EQ(gap.kind, Owed::Kind::kGap);
  EXPECT_EQ(gap.gap_from, 1u);
  EXPECT_EQ(gap.gap_to, 20u);
  subscription_->Advance(20);
  const Owed rest = Peek();
  ASSERT_EQ(rest.kind, Owed::Kind::kSlice);
  EXPECT_EQ(rest.slice.first_sequence, 21u);
}

TEST_F(SubscriptionTest, EndsWithItsChannel) {
  Make(100, 1 << 20);
  Publish(1);
  queue_->Close();
  EXPECT_EQ(Peek().kind, Owed::Kind::kSlice);
  subscription_->Advance(1);
  EXPECT_EQ(Peek().kind, Owed::Kind::kEnded);
}

TEST_F(SubscriptionTest, SharesOneLookThroughTheCache) {
  Make(100, 1 << 20);
  Publish(2);
  ReadCache cache;
  Subscription other(queue_, 0);
  const Owed one = subscription_->Peek(WireFormat::kProto, 1000, &cache);
  Publish(1);
  EXPECT_EQ(Text(other.Peek(WireFormat::kProto, 1000, &cache)), Text(one))
      << "what came later is for the next drain";
  other.Advance(2);
  EXPECT_EQ(Text(other.Peek(WireFormat::kProto, 1000, &cache)), "a: 3\n");
}

// Random publishing, partial writes, stalls, failing reads: received + missed = published, and what
// is missed was gone from the store when the page was read.
TEST_F(SubscriptionTest, ModelReceivesOrReportsEverythingOnceInOrder) {
  constexpr std::size_t kUnbounded = std::size_t{1} << 30;
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const std::size_t store_bytes = seed % 2 == 0 ? kUnbounded : 1 + random() % 6000;
    Make(1 + random() % 20, store_bytes, 1 + random() % 8);
    std::uint64_t next = 1;
    std::uint64_t kept_by_store = 0;  // The first event, when the last page was read.
    std::uint64_t kept_by_queue = 0;  // The same, when it was found to be needed.
    const auto take = [&](bool whole) {
      const Owed owed = Peek(1 + random() % 60);
      if (owed.kind == Owed::Kind::kNeedPage) {
        kept_by_queue = queue_->Read(WireFormat::kProto, next - 1, Subscription::kNoEnd, 1).oldest;
        EXPECT_GT(kept_by_queue, next) << "the queue has it still";
        kept_by_store = memory_->FirstKept(queue_->key());
        store_->FailReads(random() % 4 == 0 ? absl::InternalError("disk") : absl::OkStatus());
        FetchPage();
        store_->FailReads(absl::OkStatus());
        return true;
      }
      if (owed.kind == Owed::Kind::kGap) {
        EXPECT_NE(store_bytes, kUnbounded) << "nothing is ever forgotten";
        EXPECT_EQ(owed.gap_from, next);
        EXPECT_GE(owed.gap_to, owed.gap_from);
        EXPECT_LT(owed.gap_to, kept_by_store) << "the store had it";
        EXPECT_LT(owed.gap_to, kept_by_queue) << "the queue had it";
        next = owed.gap_to + 1;
        subscription_->Advance(owed.gap_to);
        return true;
      }
      if (owed.kind != Owed::Kind::kSlice) return false;
      EXPECT_EQ(owed.slice.first_sequence, next);
      std::string expected;
      for (std::uint64_t i = next; i <= owed.slice.last_sequence; ++i) {
        expected += "a: " + std::to_string(i) + "\n";
      }
      EXPECT_EQ(Text(owed), expected);
      // A partial write gives only what is whole, and forgets the rest.
      const std::uint64_t given =
          whole ? owed.slice.last_sequence
                : owed.slice.LastWholeWithin(random() % (owed.slice.size + 1));
      subscription_->PeekedTo(owed.slice.last_sequence);
      if (given + 1 > next) subscription_->Advance(given);
      if (!whole) subscription_->Rewind();
      next = given + 1;
      return true;
    };
    for (int step = 0; step < 300 && !HasFailure(); ++step) {
      random() % 3 == 0 ? Publish(1 + random() % 6) : void(take(random() % 2 == 0));
    }
    while (!HasFailure() && take(true)) {
    }
    ASSERT_EQ(next, queue_->head() + 1);
  }
}

}  // namespace
}  // namespace txtchat
