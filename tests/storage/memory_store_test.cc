#include "storage/memory_store.h"

#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "gtest/gtest.h"

namespace txtchat::storage {
namespace {

AppendEvent MakeEvent(ChannelKey channel, std::uint64_t sequence, std::size_t text_bytes = 1) {
  auto event = std::make_shared<Event>();
  event->sequence = sequence;
  event->text = std::string(text_bytes, 'x');
  return {channel, 0, event};
}

TEST(MemoryStore, ReadsAPageAfterAPosition) {
  MemoryStore store(1 << 20);
  StoreBatch batch;
  for (std::uint64_t i = 1; i <= 6; ++i) batch.push_back(MakeEvent(1, i, 10));
  ASSERT_TRUE(store.Commit(batch).ok());
  const auto read = [&](std::uint64_t after, std::uint64_t up_to, std::size_t events,
                        std::size_t bytes) {
    std::string sequences;
    const EventPage page = *store.Read({1, after, up_to, events, bytes});
    for (const EventPtr& event : page) {
      sequences += std::to_string(event->sequence);
    }
    return sequences;
  };
  EXPECT_EQ(read(0, 99, 99, 999), "123456");
  EXPECT_EQ(read(2, 99, 2, 999), "34");
  EXPECT_EQ(read(2, 3, 99, 999), "3");
  EXPECT_EQ(read(0, 99, 99, 25), "12");
  EXPECT_EQ(read(0, 99, 99, 5), "1") << "never less than one";
  EXPECT_EQ(read(6, 99, 99, 999), "");
  EXPECT_TRUE(store.Read({2, 0, 99, 99, 999})->empty());
}

TEST(MemoryStore, ForgetsAnEndedChannel) {
  MemoryStore store(1 << 20);
  StoreBatch batch;
  batch.push_back(MakeEvent(1, 1));
  batch.push_back(MakeEvent(2, 1));
  ASSERT_TRUE(store.Commit(batch).ok());
  const std::size_t both = store.BytesKept();
  StoreBatch end;
  end.push_back(DeleteChannel{1});
  ASSERT_TRUE(store.Commit(end).ok());
  EXPECT_TRUE(store.Read({1, 0, 9, 9, 99})->empty());
  EXPECT_EQ(store.Read({2, 0, 9, 9, 99})->size(), 1u);
  EXPECT_EQ(store.BytesKept(), both / 2);
}

TEST(MemoryStore, StaysWithinItsBytesAndForgetsTheOldestFirst) {
  MemoryStore store(10'000);
  for (std::uint64_t i = 1; i <= 500; ++i) {
    StoreBatch batch;
    batch.push_back(MakeEvent(1 + i % 2, (i + 1) / 2, 100));
    ASSERT_TRUE(store.Commit(batch).ok());
    ASSERT_LE(store.BytesKept(), 10'000u);
  }
  const EventPage page = *store.Read({1, 0, 999, 999, 1 << 20});
  ASSERT_FALSE(page.empty());
  EXPECT_GT(page.front()->sequence, 200u);
  EXPECT_EQ(page.back()->sequence, 250u);
}

// Against a model: channels that come, grow, end; the bound evicts the oldest of all.
TEST(MemoryStore, ModelKeepsTheNewestOfEveryChannelWithoutHoles) {
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    MemoryStore store(2'000 + random() % 20'000);
    std::map<ChannelKey, std::uint64_t> heads;
    ChannelKey next_channel = 1;
    for (int step = 0; step < 400; ++step) {
      StoreBatch batch;
      for (std::uint32_t n = random() % 5; n > 0; --n) {
        if (heads.empty() || random() % 10 == 0) heads[next_channel++] = 0;
        const auto it = std::next(heads.begin(), random() % heads.size());
        batch.push_back(MakeEvent(it->first, ++it->second, random() % 200));
      }
      if (!heads.empty() && random() % 8 == 0) {
        const auto it = std::next(heads.begin(), random() % heads.size());
        batch.push_back(DeleteChannel{it->first});
        heads.erase(it);
      }
      ASSERT_TRUE(store.Commit(batch).ok());
      for (const auto& [channel, head] : heads) {
        const EventPage page = *store.Read({channel, 0, ~0ull, 9'999, 1 << 30});
        for (std::size_t i = 0; i < page.size(); ++i) {
          ASSERT_EQ(page[i]->sequence, head - page.size() + 1 + i);
        }
      }
    }
    StoreBatch end;
    for (const auto& [channel, head] : heads) end.push_back(DeleteChannel{channel});
    ASSERT_TRUE(store.Commit(end).ok());
    EXPECT_EQ(store.BytesKept(), 0u);
  }
}

TEST(MemoryStore, ReadsBackwardsAndMessagesOnly) {
  MemoryStore store(1 << 20);
  StoreBatch batch;
  for (std::uint64_t i = 1; i <= 6; ++i) {
    AppendEvent append = MakeEvent(1, i);
    auto event = std::make_shared<Event>(*append.event);
    if (i % 2 == 1) event->kind = EventKind::kMemberJoined;
    append.event = event;
    batch.push_back(append);
  }
  ASSERT_TRUE(store.Commit(batch).ok());
  const auto read = [&](bool newest_first, bool messages_only, std::size_t events) {
    std::string sequences;
    const EventPage page = *store.Read({1, 1, 5, events, 999, newest_first, messages_only});
    for (const EventPtr& event : page) sequences += std::to_string(event->sequence);
    return sequences;
  };
  EXPECT_EQ(read(false, false, 9), "2345");
  EXPECT_EQ(read(true, false, 9), "5432");
  EXPECT_EQ(read(true, false, 2), "54");
  EXPECT_EQ(read(false, true, 9), "24");
  EXPECT_EQ(read(true, true, 1), "4");
}

TEST(MemoryStore, FindsWhatWasSentAsLongAsItIsKept) {
  MemoryStore store(1 << 20);
  auto event = std::make_shared<Event>();
  event->sequence = 1;
  event->client_message_id = "id";
  ASSERT_TRUE(store.Commit({AppendEvent{1, 7, event}}).ok());
  EXPECT_EQ(*store.FindSent(7, "id"), event);
  EXPECT_EQ(*store.FindSent(8, "id"), nullptr);
  EXPECT_EQ(*store.FindSent(7, "other"), nullptr);
  ASSERT_TRUE(store.Commit({TrimChannel{1, 2}}).ok());
  EXPECT_EQ(*store.FindSent(7, "id"), nullptr);
  EXPECT_EQ(store.FirstKept(1), 2u);
  EXPECT_EQ(store.FirstKept(2), 1u) << "a channel without events";
}

TEST(MemoryStore, EachIsAHistoryOfItsOwn) {
  MemoryStore one(1);
  MemoryStore other(1);
  const std::string epoch = one.Load()->epoch;
  EXPECT_EQ(epoch.size(), 16u);
  EXPECT_EQ(one.Load()->epoch, epoch);
  EXPECT_NE(other.Load()->epoch, epoch);
}

}  // namespace
}  // namespace txtchat::storage
