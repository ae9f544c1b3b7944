#include "bench/delivery_checker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace txtchat::bench {
namespace {

/// One channel, two publishers, two readers, in order of sending unless a test says otherwise.
class OneChannel : public ::testing::Test {
 protected:
  explicit OneChannel(Order order = Order::kSharedAsSent) : checker_(1, 2, order) {
    ann_ = checker_.AddReader(0, 1, /*patient=*/false);
    bob_ = checker_.AddReader(0, 1, /*patient=*/false);
  }

  void Send(std::uint32_t publisher, int count) {
    for (int i = 0; i < count; ++i) checker_.Sent(publisher);
  }
  bool Give(std::uint32_t reader, std::uint32_t publisher, std::uint32_t number) {
    return checker_.Delivered(reader, {publisher, number, 0});
  }
  bool GiveBoth(std::uint32_t publisher, std::uint32_t number) {
    const bool first = Give(ann_, publisher, number);
    return Give(bob_, publisher, number) && first;
  }

  DeliveryChecker checker_;
  std::uint32_t ann_ = 0;
  std::uint32_t bob_ = 0;
};

class AnyOrder : public OneChannel {
 protected:
  AnyOrder() : OneChannel(Order::kShared) {}
};

class AnyMixture : public OneChannel {
 protected:
  AnyMixture() : OneChannel(Order::kPublishers) {}
};

TEST_F(OneChannel, HasNoFaultsWhenAllGetEverythingInOneOrder) {
  Send(0, 2);
  Send(1, 1);
  EXPECT_EQ(checker_.owed(), 6);
  EXPECT_TRUE(GiveBoth(0, 0));
  EXPECT_TRUE(GiveBoth(1, 0));
  EXPECT_TRUE(GiveBoth(0, 1));
  EXPECT_EQ(checker_.owed(), 0);
  EXPECT_FALSE(checker_.Verdict().any());
  EXPECT_EQ(checker_.Verdict().readers, 0u);
}

TEST_F(OneChannel, CountsWhatIsStillOwedAsLost) {
  Send(0, 3);
  GiveBoth(0, 0);
  Give(ann_, 0, 1);
  EXPECT_EQ(checker_.owed(), 3);
  const Faults faults = checker_.Verdict();
  EXPECT_EQ(faults.lost, 3u);
  EXPECT_EQ(faults.readers, 2u);
  EXPECT_NE(faults.example, "");
}

TEST_F(OneChannel, CountsAHoleAsLostAndNothingElse) {
  Send(0, 3);
  for (std::uint32_t i = 0; i < 3; ++i) Give(ann_, 0, i);
  EXPECT_TRUE(Give(bob_, 0, 0));
  EXPECT_TRUE(Give(bob_, 0, 2));
  const Faults faults = checker_.Verdict();
  EXPECT_EQ(faults.lost, 1u);
  EXPECT_EQ(faults.twice + faults.out_of_order + faults.unknown, 0u);
  EXPECT_EQ(faults.readers, 1u);
}

TEST_F(OneChannel, CountsAHoleOfTheFirstReader) {
  Send(0, 2);
  Give(ann_, 0, 1);  // 0 is missing, and nobody has had it yet.
  Give(bob_, 0, 0);
  Give(bob_, 0, 1);
  EXPECT_EQ(checker_.owed(), 1);
  EXPECT_EQ(checker_.Verdict().lost, 1u);
}

TEST_F(OneChannel, CountsARepetitionAsTwice) {
  Send(0, 2);
  GiveBoth(0, 0);
  EXPECT_FALSE(Give(bob_, 0, 0));
  GiveBoth(0, 1);
  const Faults faults = checker_.Verdict();
  EXPECT_EQ(faults.twice, 1u);
  EXPECT_EQ(faults.lost + faults.out_of_order, 0u);
  EXPECT_EQ(checker_.owed(), 0);
}

TEST_F(OneChannel, CountsARepetitionByTheFirstReaderAsTwice) {
  Send(0, 1);
  Give(ann_, 0, 0);
  EXPECT_FALSE(Give(ann_, 0, 0));
  EXPECT_EQ(checker_.Verdict().twice, 1u);
}

TEST_F(OneChannel, CountsAnExchangeAsOutOfOrderAndNotAsLost) {
  Send(0, 2);
  Send(1, 1);
  for (const auto& [publisher, number] : {std::pair{0u, 0u}, {1u, 0u}, {0u, 1u}}) {
    EXPECT_TRUE(Give(ann_, publisher, number));
  }
  for (const auto& [publisher, number] : {std::pair{1u, 0u}, {0u, 0u}, {0u, 1u}}) {
    Give(bob_, publisher, number);
  }
  const Faults faults = checker_.Verdict();
  EXPECT_EQ(faults.out_of_order, 1u);
  EXPECT_EQ(faults.lost + faults.twice, 0u);
  EXPECT_EQ(checker_.owed(), 0);
}

TEST_F(OneChannel, DemandsEachPublishersOrder) {
  Send(0, 2);
  EXPECT_TRUE(Give(ann_, 0, 1));
  EXPECT_FALSE(Give(ann_, 0, 0));
  EXPECT_GT(checker_.Verdict().out_of_order, 0u);
}

TEST_F(AnyOrder, AcceptsAnotherOrderThanSentIfAllGetTheSame) {
  Send(0, 2);
  EXPECT_TRUE(GiveBoth(0, 1));
  EXPECT_TRUE(GiveBoth(0, 0));
  EXPECT_FALSE(checker_.Verdict().any());
}

TEST_F(AnyMixture, AcceptsThatPublishersMixDifferently) {
  Send(0, 2);
  Send(1, 1);
  for (const auto& [publisher, number] : {std::pair{0u, 0u}, {1u, 0u}, {0u, 1u}}) {
    EXPECT_TRUE(Give(ann_, publisher, number));
  }
  for (const auto& [publisher, number] : {std::pair{1u, 0u}, {0u, 0u}, {0u, 1u}}) {
    EXPECT_TRUE(Give(bob_, publisher, number));
  }
  EXPECT_EQ(checker_.owed(), 0);
  EXPECT_FALSE(checker_.Verdict().any());
}

TEST_F(AnyMixture, DemandsEachPublishersOrder) {
  Send(0, 2);
  Send(1, 1);
  GiveBoth(1, 0);
  EXPECT_TRUE(Give(ann_, 0, 0));
  EXPECT_TRUE(Give(ann_, 0, 1));
  Give(bob_, 0, 1);
  EXPECT_FALSE(Give(bob_, 0, 0));
  const Faults faults = checker_.Verdict();
  EXPECT_EQ(faults.out_of_order, 1u);
  EXPECT_EQ(faults.lost + faults.twice, 0u);
}

TEST_F(AnyMixture, CountsLossesRepetitionsAndRefusals) {
  Send(0, 2);
  Send(1, 3);
  checker_.Refused(1);
  GiveBoth(0, 0);
  GiveBoth(1, 0);
  GiveBoth(1, 1);
  Give(ann_, 0, 1);
  EXPECT_FALSE(Give(ann_, 1, 0));
  const Faults faults = checker_.Verdict();
  EXPECT_EQ(faults.lost, 1u);
  EXPECT_EQ(faults.twice, 1u);
  EXPECT_EQ(faults.out_of_order, 0u);
  EXPECT_EQ(checker_.owed(), 1);
}

TEST_F(OneChannel, CountsWhatNobodySentAsUnknown) {
  Send(0, 1);
  GiveBoth(0, 0);
  EXPECT_FALSE(Give(ann_, 0, 1));
  EXPECT_FALSE(Give(ann_, 2, 0));
  EXPECT_FALSE(checker_.Unknown(bob_));
  EXPECT_EQ(checker_.Verdict().unknown, 3u);
  EXPECT_EQ(checker_.Verdict().readers, 2u);
}

TEST_F(OneChannel, OwesNobodyWhatWasRefused) {
  Send(0, 2);
  checker_.Refused(0);
  GiveBoth(0, 0);
  EXPECT_EQ(checker_.owed(), 0);
  EXPECT_FALSE(checker_.Verdict().any());
}

TEST(DeliveryChecker, CountsPatientReadersApart) {
  DeliveryChecker checker(1, 1, Order::kSharedAsSent);
  checker.AddReader(0, 1, false);
  const std::uint32_t patient = checker.AddReader(0, 1, true);
  checker.Sent(0);
  EXPECT_EQ(checker.owed(), 1);
  EXPECT_EQ(checker.owed_patient(), 1);
  EXPECT_TRUE(checker.Delivered(patient, {0, 0, 0}));
  EXPECT_EQ(checker.owed(), 1);
  EXPECT_EQ(checker.owed_patient(), 0);
}

// Publishers 0 to 3 send to channels 0 to 3; the reader is in 3, 0 and 1.
TEST(DeliveryChecker, KnowsWhichChannelsAReaderIsIn) {
  DeliveryChecker checker(4, 4, Order::kSharedAsSent);
  const std::uint32_t reader = checker.AddReader(3, 3, false);
  for (std::uint32_t p = 0; p < 4; ++p) checker.Sent(p);
  EXPECT_EQ(checker.owed(), 3);
  EXPECT_TRUE(checker.Delivered(reader, {1, 0, 0}));
  EXPECT_TRUE(checker.Delivered(reader, {3, 0, 0}));
  EXPECT_TRUE(checker.Delivered(reader, {0, 0, 0}));
  EXPECT_FALSE(checker.Delivered(reader, {2, 0, 0}));
  EXPECT_EQ(checker.Verdict().unknown, 1u);
  EXPECT_EQ(checker.Verdict().lost, 0u);
}

// Publishers 0, 2 and 4 send to channel 0, 1 and 3 to channel 1; the readers are in 1 and in 1 and
// 0.
TEST(DeliveryChecker, KnowsWhichPublishersAReaderHears) {
  DeliveryChecker checker(2, 5, Order::kPublishers);
  const std::uint32_t one = checker.AddReader(1, 1, false);
  const std::uint32_t both = checker.AddReader(1, 2, false);
  for (std::uint32_t p = 0; p < 5; ++p) checker.Sent(p);
  EXPECT_EQ(checker.owed(), 7);
  for (const std::uint32_t p : {4u, 3u, 2u, 1u, 0u}) {
    EXPECT_TRUE(checker.Delivered(both, {p, 0, 0})) << p;
  }
  EXPECT_TRUE(checker.Delivered(one, {1, 0, 0}));
  EXPECT_FALSE(checker.Delivered(one, {2, 0, 0}));
  EXPECT_EQ(checker.owed(), 1);
  EXPECT_EQ(checker.Verdict().unknown, 1u);
  EXPECT_EQ(checker.Verdict().lost, 1u);
}

// Random losses and repetitions, none of them for the first reader: the counts must be exact.
TEST(DeliveryChecker, CountsRandomLossesAndRepetitionsExactly) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  constexpr std::uint32_t kPublishers = 3;
  constexpr std::uint32_t kReaders = 5;
  DeliveryChecker checker(1, kPublishers, Order::kSharedAsSent);
  for (std::uint32_t r = 0; r < kReaders; ++r) checker.AddReader(0, 1, false);
  std::uint32_t numbers[kPublishers] = {};
  std::uint64_t lost = 0;
  std::uint64_t twice = 0;
  for (int i = 0; i < 5'000; ++i) {
    const std::uint32_t publisher = random() % kPublishers;
    const Stamp stamp{publisher, numbers[publisher]++, 0};
    checker.Sent(publisher);
    for (std::uint32_t r = 0; r < kReaders; ++r) {
      const std::uint32_t luck = r == 0 ? 99 : random() % 100;
      if (luck < 2) {
        ++lost;
        continue;
      }
      checker.Delivered(r, stamp);
      if (luck > 3) continue;
      ++twice;
      checker.Delivered(r, stamp);
    }
  }
  const Faults faults = checker.Verdict();
  EXPECT_EQ(faults.lost, lost);
  EXPECT_EQ(faults.twice, twice);
  EXPECT_EQ(faults.out_of_order, 0u);
  EXPECT_EQ(checker.owed(), static_cast<std::int64_t>(lost));
}

}  // namespace
}  // namespace txtchat::bench
