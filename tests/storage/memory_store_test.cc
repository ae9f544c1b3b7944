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

TEST(MemoryStore, ErasesAMessageWithItsBytes) {
  MemoryStore store(1 << 20);
  auto event = std::make_shared<Event>();
  event->sequence = 1;
  event->text = std::string(500, 'x');
  event->client_message_id = "id";
  ASSERT_TRUE(store.Commit({AppendEvent{1, 7, event}}).ok());
  const std::size_t before = store.BytesKept();
  auto tombstone = std::make_shared<Event>();
  tombstone->sequence = 1;
  tombstone->kind = EventKind::kMessageRemoved;
  ASSERT_TRUE(store.Commit({EraseMessage{1, tombstone}, EraseMessage{2, tombstone}}).ok());
  EXPECT_EQ(store.BytesKept(), before - 500);
  EXPECT_EQ((*store.FindEvent(1, 1))->kind, EventKind::kMessageRemoved);
  EXPECT_EQ(*store.FindSent(7, "id"), *store.FindEvent(1, 1)) << "a repeat finds the tombstone";
  ASSERT_TRUE(store.Commit({TrimChannel{1, 2}}).ok());
  EXPECT_EQ(store.BytesKept(), 0u);
  EXPECT_EQ(*store.FindSent(7, "id"), nullptr);
}

TEST(MemoryStore, ErasesAUserAtOnce) {
  MemoryStore store(1 << 20);
  StoreBatch batch;
  const auto add = [&](ChannelKey channel, std::uint64_t sequence, EventKind kind,
                       const std::string& user, const std::string& target = "") {
    auto event = std::make_shared<Event>();
    event->sequence = sequence;
    event->kind = kind;
    event->user_id = user;
    event->user_name = "name of " + user;
    if (kind == EventKind::kMessagePosted) event->text = "text of " + user;
    if (!target.empty()) {
      auto act = std::make_shared<Act>();
      act->target_id = target;
      act->target_name = "name of " + target;
      event->act = act;
    }
    batch.push_back(AppendEvent{channel, 0, event});
  };
  add(1, 1, EventKind::kMemberJoined, "a");
  add(1, 2, EventKind::kMessagePosted, "a");
  add(1, 3, EventKind::kMessagePosted, "b");
  add(2, 1, EventKind::kBanned, "b", "a");
  add(2, 2, EventKind::kBanned, "a", "b");
  ASSERT_TRUE(store.Commit(batch).ok());
  auto named = std::make_shared<Event>(*std::get<AppendEvent>(batch[1]).event);
  named->sequence = 4;
  named->client_message_id = "chosen by a";
  ASSERT_TRUE(store.Commit({AppendEvent{1, 9, named}}).ok());
  ASSERT_NE(*store.FindSent(9, "chosen by a"), nullptr);
  ASSERT_TRUE(store.Commit({EraseUser{"a", "nobody"}}).ok());
  EXPECT_EQ(*store.FindSent(9, "chosen by a"), nullptr);
  EXPECT_FALSE(store.IsErasing());
  const auto at = [&](ChannelKey channel, std::uint64_t sequence) {
    return *store.FindEvent(channel, sequence).value();
  };
  EXPECT_EQ(at(1, 1).user_name, "nobody");
  EXPECT_EQ(at(1, 2).kind, EventKind::kMessageRemoved);
  EXPECT_EQ(at(1, 2).text, "");
  EXPECT_EQ(at(1, 2).user_name, "nobody");
  EXPECT_EQ(at(1, 3).text, "text of b");
  EXPECT_EQ(at(1, 4).client_message_id, "");
  EXPECT_EQ(at(2, 1).user_name, "name of b");
  EXPECT_EQ(at(2, 1).act->target_name, "nobody");
  EXPECT_EQ(at(2, 2).user_name, "nobody");
  EXPECT_EQ(at(2, 2).act->target_name, "name of b");
  ASSERT_TRUE(store.Commit({DeleteChannel{1}, DeleteChannel{2}}).ok());
  EXPECT_EQ(store.BytesKept(), 0u);
}

TEST(MemoryStore, ReadsWhatAUserHasPostedInSmallPages) {
  MemoryStore store(1 << 20);
  StoreBatch batch;
  for (ChannelKey channel : {3, 1}) {
    for (std::uint64_t sequence = 1; sequence <= 4; ++sequence) {
      AppendEvent append = MakeEvent(channel, sequence, 10);
      auto event = std::make_shared<Event>(*append.event);
      event->channel_id = std::to_string(channel);
      event->user_id = sequence % 2 == 0 ? "a" : "b";
      append.event = event;
      batch.push_back(append);
    }
  }
  ASSERT_TRUE(store.Commit(batch).ok());
  const auto read = [&](const std::string& user, std::size_t scan_max, std::size_t bytes_max) {
    std::string pages;
    AuthoredQuery query{.user_id = user, .scan_max = scan_max, .bytes_max = bytes_max};
    for (;;) {
      const AuthoredPage page = *store.ReadAuthored(query);
      for (const EventPtr& event : page.messages) {
        pages += event->channel_id + "#" + std::to_string(event->sequence) + " ";
      }
      if (page.done) return pages;
      pages += "| ";
      query.after_channel = page.last_channel;
      query.after_sequence = page.last_sequence;
    }
  };
  EXPECT_EQ(read("a", 99, 99'999), "1#2 1#4 3#2 3#4 ");
  EXPECT_EQ(read("b", 3, 99'999), "1#1 1#3 | 3#1 | 3#3 ");
  EXPECT_EQ(read("a", 99, 600), "1#2 1#4 | 3#2 3#4 ");
  EXPECT_EQ(read("a", 99, 1), "1#2 | 1#4 | 3#2 | 3#4 ") << "never less than one";
  EXPECT_EQ(read("c", 1, 1), "| | | | | | | ");
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
