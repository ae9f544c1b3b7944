// The queue against a model: random appends and reads, one thread and many.
#include <atomic>
#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "core/broadcast_queue.h"
#include "gtest/gtest.h"

namespace txtchat {
namespace {

constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

/// Writes the sequence number, and padding whose length follows from it: a reader can check every
/// byte without having seen the event.
class NumberEncoder final : public EventEncoder {
 public:
  void Append(const Event& event, std::string& out) const override {
    out += std::to_string(event.sequence);
    out.append(event.sequence * 7 % 50, '.');
    out += '\n';
  }
};

std::string EncodingOf(std::uint64_t first, std::uint64_t last) {
  std::string text;
  Event event;
  for (event.sequence = first; event.sequence <= last; ++event.sequence) {
    NumberEncoder().Append(event, text);
  }
  return text;
}

EncoderSet Encoders() {
  static const NumberEncoder encoder;
  EncoderSet encoders;
  encoders.fill(&encoder);
  return encoders;
}

void AppendNext(BroadcastQueue& queue) {
  Event event;
  event.sequence = queue.head() + 1;
  queue.Append(event, Encoders());
}

/// What the queue must keep, from the bounds alone: the oldest event that is there for every head.
/// The newest is kept whatever its size.
class KeptWindow {
 public:
  KeptWindow(QueueLimits limits, std::uint64_t events) : oldest_at_(1, 1) {
    std::size_t bytes = 0;
    for (std::uint64_t head = 1; head <= events; ++head) {
      std::uint64_t oldest = oldest_at_.back();
      bytes += EncodingOf(head, head).size();
      for (; oldest < head; ++oldest) {
        if (head - oldest < limits.events_max && bytes <= limits.bytes_max) break;
        bytes -= EncodingOf(oldest, oldest).size();
      }
      oldest_at_.push_back(oldest);
    }
  }
  std::uint64_t OldestAt(std::uint64_t head) const { return oldest_at_.at(head); }

 private:
  std::vector<std::uint64_t> oldest_at_;
};

struct Reader {
  std::uint64_t cursor = 0;
  std::uint64_t received = 0;
  std::uint64_t missed = 0;
};

/// Reads once, and goes on behind what was overwritten, as one who has no store does. Checks that
/// the answer is the one of the model; a writer may be at work, so that is between the model's
/// before and its after.
void ReadOnce(const BroadcastQueue& queue, const KeptWindow& window, std::size_t bytes_max,
              Reader& reader) {
  const std::uint64_t head_before = queue.head();
  const ReadResult read = queue.Read(WireFormat::kProto, reader.cursor, kNoLimit, bytes_max);
  const std::uint64_t head_after = queue.head();
  const std::uint64_t next = reader.cursor + 1;
  switch (read.state) {
    case ReadState::kEmpty:
      EXPECT_GE(reader.cursor, head_before);
      return;
    case ReadState::kLagged:
      EXPECT_LT(next, read.oldest);
      EXPECT_GE(read.oldest, window.OldestAt(head_before));
      EXPECT_LE(read.oldest, window.OldestAt(head_after)) << "it is kept still";
      reader.missed += read.oldest - next;
      reader.cursor = read.oldest - 1;
      return;
    case ReadState::kData:
      EXPECT_GE(next, window.OldestAt(head_before)) << "more is kept than the bounds allow";
      EXPECT_EQ(read.slice.first_sequence, next);
      EXPECT_GE(read.slice.last_sequence, next);
      EXPECT_LE(read.slice.last_sequence, head_after);
      EXPECT_EQ(std::string(read.slice.data, read.slice.size),
                EncodingOf(read.slice.first_sequence, read.slice.last_sequence));
      EXPECT_TRUE(read.slice.size <= bytes_max || read.slice.last_sequence == next);
      reader.received += read.slice.last_sequence - reader.cursor;
      reader.cursor = read.slice.last_sequence;
      return;
    case ReadState::kClosed:
      ADD_FAILURE() << "nobody has closed it";
  }
}

TEST(BroadcastQueueModel, ReceivedAndMissedAreWhatWasPublished) {
  constexpr int kSteps = 500;
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const QueueLimits limits{.events_max = 1 + random() % 40, .bytes_max = 1 + random() % 2000};
    const KeptWindow window(limits, kSteps);
    BroadcastQueue queue(1, "c", limits);
    queue.StartFormat(WireFormat::kProto);
    std::vector<Reader> readers(5);
    for (int step = 0; step < kSteps && !::testing::Test::HasFailure(); ++step) {
      if (random() % 2 == 0) {
        AppendNext(queue);
        EXPECT_EQ(queue.BytesKept(),
                  EncodingOf(window.OldestAt(queue.head()), queue.head()).size());
        continue;
      }
      ReadOnce(queue, window, 1 + random() % 300, readers[random() % readers.size()]);
    }
    for (Reader& reader : readers) {
      while (reader.cursor < queue.head() && !::testing::Test::HasFailure()) {
        ReadOnce(queue, window, 100, reader);
      }
      ASSERT_EQ(reader.received + reader.missed, queue.head());
      ASSERT_GE(reader.received, queue.head() + 1 - window.OldestAt(queue.head()));
    }
  }
}

TEST(BroadcastQueueModel, ReadersOnOtherThreadsSeeOnlyWholeEventsInOrder) {
  constexpr std::uint64_t kEvents = 20'000;
  constexpr QueueLimits kLimits{.events_max = 64, .bytes_max = 4096};
  const KeptWindow window(kLimits, kEvents);
  BroadcastQueue queue(1, "c", kLimits);
  queue.StartFormat(WireFormat::kProto);
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&queue, &window, kEvents, i] {
      Reader reader;
      while (reader.cursor < kEvents) {
        ReadOnce(queue, window, 100u << i, reader);
        if (::testing::Test::HasFailure()) return;
      }
      EXPECT_EQ(reader.received + reader.missed, kEvents);
    });
  }
  for (std::uint64_t i = 0; i < kEvents; ++i) AppendNext(queue);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(queue.head(), kEvents);
}

}  // namespace
}  // namespace txtchat
