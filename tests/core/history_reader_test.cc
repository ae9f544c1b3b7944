#include "core/history_reader.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "storage/memory_store.h"
#include "tests/testing/failing_store.h"
#include "tests/testing/forwarding_store.h"
#include "tests/testing/plain_encoder.h"

namespace txtchat {
namespace {

using testing::PlainEncoders;

class HistoryReaderTest : public ::testing::Test {
 protected:
  HistoryReaderTest() {
    StoreBatch batch;
    for (std::uint64_t sequence = 1; sequence <= 5; ++sequence) {
      auto event = std::make_shared<Event>();
      event->sequence = sequence;
      event->user_name = "a";
      event->text = std::to_string(sequence);
      batch.push_back(AppendEvent{9, 0, event});
    }
    EXPECT_TRUE(store_.Commit(batch).ok());
  }

  storage::MemoryStore memory_{1 << 20};
  testing::FailingStore store_{&memory_};
};

TEST_F(HistoryReaderTest, EncodesAPage) {
  Limits limits;
  limits.store_page_events_max = 2;
  HistoryReader reader(&store_, PlainEncoders(), limits, 0);
  const absl::StatusOr<HistoryPage> page = reader.Read({.channel = 9, .after = 1, .up_to = 5});
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(page->after, 1u);
  EXPECT_EQ(page->covers_to, 3u);
  const Slice slice = Slice::Of(page->chunk, 2, 3);
  EXPECT_EQ(std::string(slice.data, slice.size), "a: 2\na: 3\n");
}

TEST_F(HistoryReaderTest, CoversTheWholeRangeWhenNothingOfItIsKept) {
  HistoryReader reader(&store_, PlainEncoders(), {}, 0);
  const absl::StatusOr<HistoryPage> page = reader.Read({.channel = 8, .after = 3, .up_to = 7});
  ASSERT_TRUE(page.ok());
  EXPECT_FALSE(static_cast<bool>(page->chunk));
  EXPECT_EQ(page->covers_to, 7u);
}

TEST_F(HistoryReaderTest, ReadsAPageOnceForAllWhoAreInIt) {
  HistoryReader reader(&store_, PlainEncoders(), {}, 1);
  ASSERT_TRUE(reader.Read({.channel = 9, .after = 1, .up_to = 4}).ok());
  store_.FailReads(absl::InternalError("disk"));
  const absl::StatusOr<HistoryPage> other = reader.Read({.channel = 9, .after = 2, .up_to = 4});
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(other->after, 1u);
  bool answered_at_once = false;
  reader.ReadAsync({.channel = 9, .after = 3, .up_to = 5},
                   [&](const auto& page) { answered_at_once = page.ok(); });
  EXPECT_TRUE(answered_at_once);

  const absl::StatusOr<HistoryPage> shorter = reader.Read({.channel = 9, .after = 1, .up_to = 2});
  ASSERT_TRUE(shorter.ok());
  EXPECT_EQ(shorter->covers_to, 2u) << "whoever wants no more must find that it was all";
  EXPECT_FALSE(reader.Read({.channel = 9, .after = 0, .up_to = 4}).ok()) << "before the page";
  EXPECT_FALSE(reader.Read({.channel = 9, .after = 4, .up_to = 5}).ok()) << "behind it";
  EXPECT_FALSE(reader.Read({.channel = 8, .after = 1, .up_to = 4}).ok()) << "another channel";
  EXPECT_FALSE(
      reader.Read({.channel = 9, .format = WireFormat::kTaggedLine, .after = 1, .up_to = 4}).ok())
      << "another format";
}

TEST_F(HistoryReaderTest, ReadsAgainWhatItWasToldToForget) {
  HistoryReader reader(&store_, PlainEncoders(), {}, 0);
  const auto read = [&](std::uint64_t sequence) {
    const absl::StatusOr<HistoryPage> page =
        reader.Read({.channel = 9, .after = sequence - 1, .up_to = sequence});
    if (!page.ok()) return page.status().ToString();
    const Slice slice = Slice::Of(page->chunk, sequence, sequence);
    return std::string(slice.data, slice.size);
  };
  const auto erase = [&](std::uint64_t sequence) {
    auto tombstone = std::make_shared<Event>();
    tombstone->sequence = sequence;
    tombstone->kind = EventKind::kMessageRemoved;
    tombstone->user_name = "a";
    EXPECT_TRUE(store_.Commit({EraseMessage{9, tombstone}}).ok());
  };
  EXPECT_EQ(read(2), "a: 2\n");
  erase(2);
  reader.Forget(8);
  EXPECT_EQ(read(2), "a: 2\n") << "another channel was forgotten";
  reader.Forget(9);
  EXPECT_EQ(read(2), "a: (removed)\n");
  EXPECT_EQ(read(4), "a: 4\n");
  erase(4);
  reader.ForgetAll();
  EXPECT_EQ(read(4), "a: (removed)\n");
}

/// Erases something while a page is being read.
class ErasingStore final : public testing::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  absl::StatusOr<EventPage> Read(const EventQuery& query) override {
    absl::StatusOr<EventPage> page = ForwardingStore::Read(query);
    ++reads;
    if (meanwhile) meanwhile();
    return page;
  }
  int reads = 0;
  std::function<void()> meanwhile;
};

TEST_F(HistoryReaderTest, KeepsNoPageThatWasReadBeforeAnErasureForThoseAfterIt) {
  ErasingStore store(&memory_);
  HistoryReader reader(&store, PlainEncoders(), {}, 0);
  store.meanwhile = [&] { reader.Forget(9); };
  ASSERT_TRUE(reader.Read({.channel = 9, .after = 1, .up_to = 2}).ok());
  store.meanwhile = nullptr;
  ASSERT_TRUE(reader.Read({.channel = 9, .after = 1, .up_to = 2}).ok());
  EXPECT_EQ(store.reads, 2);
  ASSERT_TRUE(reader.Read({.channel = 9, .after = 1, .up_to = 2}).ok());
  EXPECT_EQ(store.reads, 2);
}

TEST_F(HistoryReaderTest, AnswersOnItsOwnThreadAndPassesErrorsOn) {
  HistoryReader reader(&store_, PlainEncoders(), {}, 1);
  store_.FailReads(absl::InternalError("disk"));
  absl::Notification done;
  absl::Status status;
  std::thread::id where;
  reader.ReadAsync({.channel = 9, .after = 0, .up_to = 5}, [&](absl::StatusOr<HistoryPage> page) {
    status = page.status();
    where = std::this_thread::get_id();
    done.Notify();
  });
  done.WaitForNotification();
  EXPECT_EQ(status, absl::InternalError("disk"));
  EXPECT_NE(where, std::this_thread::get_id());
}

TEST_F(HistoryReaderTest, AnswersUnavailableOnceStopped) {
  HistoryReader reader(&store_, PlainEncoders(), {}, 1);
  reader.Stop();
  absl::Status status;
  reader.ReadAsync({.channel = 9, .after = 0, .up_to = 5},
                   [&](absl::StatusOr<HistoryPage> page) { status = page.status(); });
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace txtchat
