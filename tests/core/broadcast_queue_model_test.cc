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

/// Reads once; checks that received + missed = what the cursor moved over.
std::uint64_t ReadOnce(const BroadcastQueue& queue, std::uint64_t cursor, std::size_t bytes_max,
                       std::uint64_t* missed) {
  const ReadResult read = queue.Read(WireFormat::kProto, cursor, kNoLimit, bytes_max);
  if (read.state == ReadState::kLagged) {
    ++*missed;
    return cursor + 1;
  }
  if (read.state != ReadState::kData) return cursor;
  EXPECT_EQ(read.slice.first_sequence, cursor + 1);
  EXPECT_EQ(std::string(read.slice.data, read.slice.size),
            EncodingOf(read.slice.first_sequence, read.slice.last_sequence));
  return read.slice.last_sequence;
}

TEST(BroadcastQueueModel, ReceivedAndMissedAreWhatWasPublished) {
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const QueueLimits limits{.events_max = 1 + random() % 40, .bytes_max = 1 + random() % 2000};
    BroadcastQueue queue(1, "c", limits);
    queue.StartFormat(WireFormat::kProto);
    std::vector<std::uint64_t> cursors(5, 0);
    std::vector<std::uint64_t> missed(5, 0);
    for (int step = 0; step < 500; ++step) {
      if (random() % 2 == 0) {
        AppendNext(queue);
        EXPECT_LE(queue.BytesKept(), std::max<std::size_t>(limits.bytes_max, 60));
        continue;
      }
      const std::size_t reader = random() % cursors.size();
      cursors[reader] = ReadOnce(queue, cursors[reader], 1 + random() % 300, &missed[reader]);
      ASSERT_LE(cursors[reader], queue.head());
    }
    // A reader that reads on misses nothing more than what was overwritten, and gets to the head.
    for (std::size_t reader = 0; reader < cursors.size(); ++reader) {
      while (cursors[reader] < queue.head()) {
        const std::uint64_t next = ReadOnce(queue, cursors[reader], 100, &missed[reader]);
        ASSERT_GT(next, cursors[reader]);
        cursors[reader] = next;
      }
      ASSERT_LE(missed[reader], queue.head());
    }
  }
}

TEST(BroadcastQueueModel, ReadersOnOtherThreadsSeeOnlyWholeEventsInOrder) {
  constexpr std::uint64_t kEvents = 20'000;
  BroadcastQueue queue(1, "c", {.events_max = 64, .bytes_max = 4096});
  queue.StartFormat(WireFormat::kProto);
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&queue, i] {
      std::uint64_t cursor = 0;
      std::uint64_t missed = 0;
      while (cursor < kEvents) {
        cursor = ReadOnce(queue, cursor, 100u << i, &missed);
        if (::testing::Test::HasFailure()) return;
      }
    });
  }
  for (std::uint64_t i = 0; i < kEvents; ++i) AppendNext(queue);
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(queue.head(), kEvents);
}

}  // namespace
}  // namespace txtchat
