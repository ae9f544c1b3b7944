// Random batches against a store and a model of it that fits on a page, with the store opened again
// now and then.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "storage/sqlite_store.h"
#include "tests/storage/store_player.h"
#include "tests/storage/store_world.h"

namespace txtchat::storage {
namespace {

EventPage Expected(const ModelChannel& channel, const EventQuery& query) {
  std::vector<EventPtr> wanted;
  for (const auto& [sequence, kept] : channel.events) {
    const EventPtr& event = kept.event;
    const bool kind_fits = !query.messages_only || event->kind == EventKind::kMessagePosted;
    if (sequence > query.after && sequence <= query.up_to && kind_fits) wanted.push_back(event);
  }
  if (query.newest_first) std::reverse(wanted.begin(), wanted.end());
  EventPage page;
  std::size_t bytes = 0;
  for (const EventPtr& event : wanted) {
    const bool full =
        page.size() >= query.events_max || bytes + event->text.size() > query.bytes_max;
    if (full && !page.empty()) break;
    bytes += event->text.size();
    page.push_back(event);
  }
  return page;
}

std::uint64_t ExpectedBeginning(const ModelChannel& channel, const RetentionPolicy& policy,
                                std::int64_t now_ms, std::uint64_t step_max) {
  std::uint64_t bytes = 0;
  for (const auto& [sequence, kept] : channel.events) bytes += kept.counted_bytes;
  std::uint64_t count = channel.events.size();
  std::uint64_t beginning = channel.first_kept;
  for (const auto& [sequence, kept] : channel.events) {
    const EventPtr& event = kept.event;
    const bool goes = (policy.events_max != 0 && count > policy.events_max) ||
                      (policy.bytes_max != 0 && bytes > policy.bytes_max) ||
                      (policy.age_max_ms != 0 && event->time_unix_ms < now_ms - policy.age_max_ms);
    if (!goes || beginning - channel.first_kept == step_max) break;
    beginning = sequence + 1;
    bytes -= kept.counted_bytes;
    --count;
  }
  return beginning;
}

std::string Whole(const EventPage& page) {
  std::string lines;
  for (const EventPtr& event : page) lines += DescribeWhole(*event) + "\n";
  return lines;
}

class SqliteModelTest : public ::testing::TestWithParam<std::uint64_t>, protected StoreWorld {
 protected:
  void ComparePages(StorePlayer& player) {
    for (int i = 0; i < 4; ++i) {
      const ModelChannel& channel = player.Any(player.model.channels)->second;
      const EventQuery query = player.Query(channel);
      const auto page = store->Read(query);
      ASSERT_TRUE(page.ok()) << page.status();
      ASSERT_EQ(Whole(*page), Whole(Expected(channel, query)));
      ASSERT_EQ(store->FirstKept(channel.row.key), channel.first_kept);
      const Model::SendId id{player.Any(player.model.users)->first, absl::StrCat(player.Roll(40))};
      const auto found = store->FindSent(id.first, id.second);
      ASSERT_TRUE(found.ok()) << found.status();
      const auto send = player.model.sends.find(id);
      ASSERT_EQ(*found != nullptr, send != player.model.sends.end()) << id.second;
      if (*found == nullptr) continue;
      const auto& [key, sequence] = send->second;
      ASSERT_EQ(DescribeWhole(**found),
                DescribeWhole(*player.model.channels.at(key).events.at(sequence).event));
    }
  }

  void CompareEvent(StorePlayer& player) {
    const ModelChannel& channel = player.Any(player.model.channels)->second;
    const std::uint64_t sequence = player.Roll(channel.head + 2);
    const auto found = store->FindEvent(channel.row.key, sequence);
    ASSERT_TRUE(found.ok()) << found.status();
    const auto expected = channel.events.find(sequence);
    ASSERT_EQ(*found != nullptr, expected != channel.events.end());
    if (*found == nullptr) return;
    ASSERT_EQ(DescribeWhole(**found), DescribeWhole(*expected->second.event));
  }

  void CompareAuthored(StorePlayer& player) {
    AuthoredQuery query{.user_id = player.Any(player.model.users)->second.row.id,
                        .scan_max = player.Roll(60),
                        .bytes_max = player.Roll(500)};
    EventPage expected;
    for (const auto& [key, channel] : player.model.channels) {
      for (const auto& [sequence, kept] : channel.events) {
        const bool posted = kept.event->kind == EventKind::kMessagePosted;
        if (posted && kept.event->user_id == query.user_id) expected.push_back(kept.event);
      }
    }
    EventPage read;
    for (bool done = false; !done;) {
      const auto page = store->ReadAuthored(query);
      ASSERT_TRUE(page.ok()) << page.status();
      read.insert(read.end(), page->messages.begin(), page->messages.end());
      query.after_channel = page->last_channel;
      query.after_sequence = page->last_sequence;
      done = page->done;
    }
    ASSERT_EQ(Whole(read), Whole(expected));
  }

  void CompareSurplus(StorePlayer& player) {
    const auto now_ms = static_cast<std::int64_t>(player.Roll(20'000));
    const RetentionPolicy policy{.age_max_ms = static_cast<std::int64_t>(player.Roll(2) * 500),
                                 .events_max = player.Roll(3) * 8,
                                 .bytes_max = player.Roll(3) * 900};
    const std::uint64_t step_max = player.Roll(30) + 1;
    const auto trims = store->FindSurplus(policy, now_ms, 1000, step_max);
    ASSERT_TRUE(trims.ok()) << trims.status();
    std::map<ChannelKey, std::uint64_t> found;
    for (const TrimChannel& trim : *trims) found[trim.channel] = trim.first_kept;
    std::map<ChannelKey, std::uint64_t> expected;
    for (const auto& [key, channel] : player.model.channels) {
      const std::uint64_t beginning = ExpectedBeginning(channel, policy, now_ms, step_max);
      if (channel.stored && beginning > channel.first_kept) expected[key] = beginning;
    }
    ASSERT_EQ(found, expected);
  }

  void CompareLoaded(const Model& model) {
    ASSERT_EQ(Describe(loaded), Describe(model.State()));
    ASSERT_LE(loaded.last_user_key, model.last_user);
    ASSERT_LE(loaded.last_channel_key, model.last_channel);
    for (const auto& [key, channel] : model.channels) {
      const EventQuery all{key, 0, UINT64_MAX, 1'000'000, std::size_t{1} << 40};
      ASSERT_EQ(Whole(*store->Read(all)), Whole(Expected(channel, all)));
      ASSERT_EQ(store->FirstKept(key), channel.first_kept);
    }
  }

  /// Nothing is on the disk that the model does not know.
  void CompareTables(const Model& model) {
    Purge();
    std::int64_t events = 0;
    for (const auto& [key, channel] : model.channels) {
      if (channel.stored) events += static_cast<std::int64_t>(channel.events.size());
    }
    ASSERT_EQ(Count("SELECT count(*) FROM events"), events);
    ASSERT_EQ(Count("SELECT count(*) FROM sends"), static_cast<std::int64_t>(model.sends.size()));
    ASSERT_EQ(Count("SELECT (SELECT count(*) FROM ended_users) + (SELECT count(*) FROM "
                    "ended_channels) + (SELECT count(*) FROM erasures)"),
              0);
    ASSERT_FALSE(store->IsErasing());
    ASSERT_NO_FATAL_FAILURE(CompareFiles(model));
  }

  /// Nor any text in the bytes of the files.
  void CompareFiles(const Model& model) {
    std::set<std::string> kept;
    for (const auto& [key, channel] : model.channels) {
      for (const auto& [sequence, event] : channel.events) {
        kept.insert(event.event->text.substr(0, event.event->text.find('>')));
      }
    }
    for (const std::string& path : {database(), database() + "-wal"}) {
      std::ifstream file(path, std::ios::binary);
      const std::string bytes(std::istreambuf_iterator<char>(file), {});
      for (std::size_t at = bytes.find("<text "); at != std::string::npos;
           at = bytes.find("<text ", at + 1)) {
        const std::size_t end = bytes.find_first_not_of("0123456789", at + 6);
        // The log holds copies of texts that are kept, and these may be overwritten in part.
        if (end == std::string::npos || bytes[end] != '>') continue;
        const std::string text = bytes.substr(at, end - at);
        ASSERT_TRUE(kept.contains(text)) << text << " in " << path;
      }
    }
  }

  /// The store erases step by step, the model all at once. Now and then it is opened again before.
  void FinishErasing(StorePlayer& player) {
    if (!store->IsErasing()) return;
    if (player.Roll(3) == 0) {
      Open();
      player.model.Restart();
      ASSERT_TRUE(store->IsErasing());
    }
    while (store->IsErasing()) ASSERT_TRUE(store->Commit({PurgeStep{}}).ok());
    player.model.CarryOutErasures();
  }
};

TEST_P(SqliteModelTest, HoldsWhatTheModelHolds) {
  std::cout << "seed " << GetParam() << "\n";
  StorePlayer player(GetParam());
  options.durability = Durability::kNormal;  // As quick as it gets: nothing here cuts the power.
  options.wal_soft_bytes = 64 << 10;
  options.wal_hard_bytes = 256 << 10;
  Open();
  for (int round = 0; round < 400; ++round) {
    if (player.Roll(5) == 0) {
      // A batch that cannot be kept leaves no trace.
      const Model before = player.model;
      StoreBatch batch = player.Batch();
      batch.push_back(TrimChannel{999'999, 2});
      player.model = before;
      ASSERT_EQ(store->Commit(batch).code(), absl::StatusCode::kInternal);
    } else {
      const StoreBatch batch = player.Batch();
      const absl::Status status = store->Commit(batch);
      ASSERT_TRUE(status.ok()) << status << " " << Describe(batch);
    }
    ASSERT_NO_FATAL_FAILURE(FinishErasing(player)) << "round " << round;
    if (player.model.channels.empty() || player.model.users.empty()) continue;
    ASSERT_NO_FATAL_FAILURE(ComparePages(player)) << "round " << round;
    ASSERT_NO_FATAL_FAILURE(CompareEvent(player)) << "round " << round;
    if (round % 20 == 0) {
      ASSERT_NO_FATAL_FAILURE(CompareAuthored(player)) << "round " << round;
      ASSERT_NO_FATAL_FAILURE(CompareSurplus(player)) << "round " << round;
    }
    if (player.Roll(40) != 0) continue;
    if (player.Roll(2) == 0) {
      ASSERT_NO_FATAL_FAILURE(CompareTables(player.model));
    }
    Open();
    player.model.Restart();
    ASSERT_NO_FATAL_FAILURE(CompareLoaded(player.model)) << "round " << round;
  }
  ASSERT_NO_FATAL_FAILURE(CompareTables(player.model));
}

INSTANTIATE_TEST_SUITE_P(Seeds, SqliteModelTest, ::testing::Range<std::uint64_t>(1, 9));

}  // namespace
}  // namespace txtchat::storage
