#include "core/broadcast_queue.h"

#include <memory>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "tests/testing/plain_encoder.h"

namespace txtchat {
namespace {

using testing::PlainEncoders;
constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

class BroadcastQueueTest : public ::testing::Test {
 protected:
  void Make(QueueLimits limits) { queue_ = std::make_unique<BroadcastQueue>(1, "general", limits); }

  void Append(const std::string& text) {
    Event event;
    event.sequence = queue_->head() + 1;
    event.user_name = "a";
    event.text = text;
    queue_->Append(event, PlainEncoders());
  }
  ReadResult Read(std::uint64_t cursor, WireFormat format = WireFormat::kProto,
                  std::uint64_t up_to = kNoLimit, std::size_t bytes_max = 1 << 20) {
    return queue_->Read(format, cursor, up_to, bytes_max);
  }
  static std::string Text(const ReadResult& read) {
    return std::string(read.slice.data, read.slice.size);
  }

  std::unique_ptr<BroadcastQueue> queue_ =
      std::make_unique<BroadcastQueue>(1, "general", QueueLimits{});
};

TEST_F(BroadcastQueueTest, IsEmptyAtTheHead) {
  queue_->StartFormat(WireFormat::kProto);
  EXPECT_EQ(Read(0).state, ReadState::kEmpty);
  Append("x");
  EXPECT_EQ(Read(1).state, ReadState::kEmpty);
  EXPECT_EQ(queue_->head(), 1u);
}

TEST_F(BroadcastQueueTest, GivesEveryReaderTheSameBytes) {
  queue_->StartFormat(WireFormat::kProto);
  Append("x");
  Append("y");
  const ReadResult one = Read(0);
  const ReadResult other = Read(0);
  EXPECT_EQ(Text(one), "a: x\na: y\n");
  EXPECT_EQ(one.slice.data, other.slice.data);
  EXPECT_EQ(one.slice.first_sequence, 1u);
  EXPECT_EQ(one.slice.last_sequence, 2u);
  EXPECT_EQ(Text(Read(1)), "a: y\n");
}

TEST_F(BroadcastQueueTest, StopsAtTheAskedSequenceAndBytes) {
  queue_->StartFormat(WireFormat::kProto);
  for (const char* text : {"1", "2", "3"}) Append(text);
  EXPECT_EQ(Text(Read(0, WireFormat::kProto, 2)), "a: 1\na: 2\n");
  EXPECT_EQ(Read(2, WireFormat::kProto, 2).state, ReadState::kEmpty);
  EXPECT_EQ(Text(Read(0, WireFormat::kProto, kNoLimit, 11)), "a: 1\na: 2\n");
  EXPECT_EQ(Text(Read(0, WireFormat::kProto, kNoLimit, 1)), "a: 1\n")
      << "never less than one event";
}

TEST_F(BroadcastQueueTest, ReportsLagWhenOverwrittenByCount) {
  Make({.events_max = 3});
  queue_->StartFormat(WireFormat::kProto);
  for (int i = 1; i <= 5; ++i) Append(std::to_string(i));
  EXPECT_EQ(Read(1).state, ReadState::kLagged);
  EXPECT_EQ(Text(Read(2)), "a: 3\na: 4\na: 5\n");
}

TEST_F(BroadcastQueueTest, ReportsLagWhenOverwrittenByBytesButKeepsTheNewest) {
  Make({.events_max = 100, .bytes_max = 30});
  queue_->StartFormat(WireFormat::kProto);
  for (int i = 1; i <= 9; ++i) Append(std::to_string(i));
  EXPECT_LE(queue_->BytesKept(), 30u);
  EXPECT_EQ(Read(2).state, ReadState::kLagged);
  EXPECT_EQ(Text(Read(8)), "a: 9\n");
  Append(std::string(1000, 'x'));
  EXPECT_EQ(Read(8).state, ReadState::kLagged);
  EXPECT_EQ(Text(Read(9)).size(), 1004u);
}

TEST_F(BroadcastQueueTest, KeepsNothingForAFormatThatNobodyReads) {
  Append("unseen");
  EXPECT_EQ(queue_->BytesKept(), 0u);
  queue_->StartFormat(WireFormat::kProto);
  EXPECT_EQ(Read(0).state, ReadState::kLagged);
  Append("seen");
  EXPECT_EQ(Text(Read(1)), "a: seen\n");
  EXPECT_EQ(Read(1, WireFormat::kClassicLine).state, ReadState::kLagged);
}

TEST_F(BroadcastQueueTest, CanStillBeDrainedAfterItsFormatStopped) {
  queue_->StartFormat(WireFormat::kProto);
  Append("last");
  queue_->StopFormat(WireFormat::kProto);
  EXPECT_EQ(Text(Read(0)), "a: last\n");
  Append("for nobody");
  EXPECT_EQ(Read(0).state, ReadState::kLagged);
  EXPECT_EQ(queue_->BytesKept(), 0u);
}

TEST_F(BroadcastQueueTest, SaysClosedOnceEverythingWasRead) {
  queue_->StartFormat(WireFormat::kProto);
  Append("bye");
  queue_->Close();
  EXPECT_EQ(Read(0).state, ReadState::kData);
  EXPECT_EQ(Read(1).state, ReadState::kClosed);
}

TEST_F(BroadcastQueueTest, ForgetsWhatWasErasedForThoseBehindItOnly) {
  queue_->StartFormat(WireFormat::kProto);
  queue_->StartFormat(WireFormat::kClassicLine);
  for (int i = 1; i <= 30; ++i) Append(std::to_string(i));  // More than one chunk.
  const ReadResult held = Read(0);
  const std::size_t before = queue_->BytesKept();
  queue_->ForgetThrough(20);
  EXPECT_LT(queue_->BytesKept(), before);
  for (const WireFormat format : {WireFormat::kProto, WireFormat::kClassicLine}) {
    EXPECT_EQ(Read(0, format).state, ReadState::kLagged);
    EXPECT_EQ(Read(19, format).state, ReadState::kLagged);
    EXPECT_EQ(Read(19, format).oldest, 21u);
    EXPECT_EQ(Text(Read(20, format)).substr(0, 6), "a: 21\n");
    EXPECT_EQ(Text(Read(29, format)), "a: 30\n");
    EXPECT_EQ(Read(30, format).state, ReadState::kEmpty);
  }
  EXPECT_EQ(Text(held).substr(0, 5), "a: 1\n") << "what is being written stays as it is";
  queue_->ForgetThrough(7);
  EXPECT_EQ(Read(20).state, ReadState::kData) << "never back";
}

TEST_F(BroadcastQueueTest, GoesOnAfterAllOfItWasForgotten) {
  queue_->StartFormat(WireFormat::kProto);
  Append("1");
  Append("2");
  queue_->ForgetThrough(99);
  EXPECT_EQ(queue_->BytesKept(), 0u);
  EXPECT_EQ(Read(1).state, ReadState::kLagged);
  EXPECT_EQ(Read(2).state, ReadState::kEmpty);
  Append("3");
  EXPECT_EQ(Text(Read(2)), "a: 3\n");
  EXPECT_EQ(Read(1).state, ReadState::kLagged);
  EXPECT_EQ(queue_->BytesKept(), Text(Read(2)).size());
}

}  // namespace
}  // namespace txtchat
