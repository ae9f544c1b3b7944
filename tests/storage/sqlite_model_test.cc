// Random batches against a store and a model of it that fits on a page, with the store opened again
// now and then.
#include <algorithm>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "storage/sqlite_store.h"
#include "tests/storage/store_world.h"

namespace txtchat::storage {
namespace {

using SendId = std::pair<UserKey, std::string>;

struct ModelUser {
  UserRow row;
  bool stored = false;
};
struct ModelChannel {
  ChannelRow row;
  bool stored = false;
  std::set<UserKey> members;
  std::uint64_t head = 0;
  std::uint64_t first_kept = 1;
  std::map<std::uint64_t, EventPtr> events;
};

/// What the store should hold. `stored` is whether it is on the disk: the rest goes when the store
/// is closed.
struct Model {
  std::map<UserKey, ModelUser> users;
  std::map<ChannelKey, ModelChannel> channels;
  std::map<SendId, std::pair<ChannelKey, std::uint64_t>> sends;
  UserKey last_user = 0;
  ChannelKey last_channel = 0;

  void Store(ChannelKey key) {
    ModelChannel& channel = channels.at(key);
    channel.stored = true;
    for (UserKey user : channel.members) users.at(user).stored = true;
  }
  void Forget(ModelChannel& channel, std::uint64_t before) {
    while (!channel.events.empty() && channel.events.begin()->first < before) {
      const std::pair place{channel.row.key, channel.events.begin()->first};
      std::erase_if(sends, [&](const auto& send) { return send.second == place; });
      channel.events.erase(channel.events.begin());
    }
  }
  void Restart() {
    std::erase_if(channels, [](const auto& entry) { return !entry.second.stored; });
    std::erase_if(users, [](const auto& entry) { return !entry.second.stored; });
    for (auto& [key, channel] : channels) {
      std::erase_if(channel.members, [&](UserKey user) { return !users.contains(user); });
    }
  }
};

/// Makes changes, and does to the model what they should do to the store.
class Player {
 public:
  explicit Player(std::uint64_t seed) : random_(seed) {}

  Model model;

  std::uint64_t Roll(std::uint64_t sides) { return random_() % sides; }

  StoreBatch Batch() {
    StoreBatch batch;
    for (std::uint64_t i = Roll(12) + 1; i > 0; --i) Change(batch);
    return batch;
  }

  EventQuery Query(const ModelChannel& channel) {
    EventQuery query{.channel = channel.row.key};
    query.after = Roll(channel.head + 3);
    query.up_to = query.after + Roll(channel.head + 3);
    query.events_max = Roll(12);
    query.bytes_max = Roll(300);
    query.newest_first = Roll(2) == 0;
    query.messages_only = Roll(2) == 0;
    return query;
  }

  template <typename Map>
  typename Map::iterator Any(Map& map) {
    return std::next(map.begin(), static_cast<std::ptrdiff_t>(Roll(map.size())));
  }

 private:
  void Change(StoreBatch& batch) {
    if (model.users.size() < 3 || Roll(12) == 0) return AddUser(batch);
    if (model.channels.size() < 3 || Roll(25) == 0) return AddChannel(batch);
    const auto channel = Any(model.channels);
    const auto user = Any(model.users);
    switch (Roll(14)) {
      case 0:
      case 1:
        return Join(batch, channel->second, user->first);
      case 2:
        return Leave(batch, channel->second);
      case 3:
        user->second.row.display_name = absl::StrCat("name", random_());
        batch.push_back(RenameUser{user->first, user->second.row.display_name});
        return;
      case 4:
        return EndUser(batch, user->first);
      case 5:
        if (Roll(3) == 0) EndChannel(batch, channel->first);
        return;
      case 6:
        return Trim(batch, channel->second);
      case 7:
        batch.push_back(PurgeStep{});
        return;
      default:
        return Append(batch, channel->second, user->first,
                      Roll(4) == 0 ? EventKind::kMemberLeft : EventKind::kMessagePosted);
    }
  }

  void AddUser(StoreBatch& batch) {
    const UserKey key = ++model.last_user;
    const bool guest = Roll(2) == 0;
    UserRow row = Member(key, absl::StrCat("u", key)).user;
    if (guest) row.credential.clear();
    model.users[key] = {row, !guest};
    batch.push_back(PutUser{row});
    const ChannelKey own = ++model.last_channel;
    model.channels[own].row = NewChannel(own, row.id, /*personal=*/true).channel;
    model.channels[own].stored = !guest;
    batch.push_back(PutChannel{model.channels[own].row});
    Join(batch, model.channels[own], key);
  }

  void AddChannel(StoreBatch& batch) {
    const ChannelKey key = ++model.last_channel;
    model.channels[key].row = NewChannel(key, absl::StrCat("c", key)).channel;
    model.channels[key].stored = true;
    batch.push_back(PutChannel{model.channels[key].row});
  }

  void Join(StoreBatch& batch, ModelChannel& channel, UserKey user) {
    if (!channel.members.insert(user).second) return;
    if (channel.stored || model.users.at(user).stored) model.Store(channel.row.key);
    batch.push_back(Joins(channel.row.key, user));
    Append(batch, channel, user, EventKind::kMemberJoined);
  }

  void Leave(StoreBatch& batch, ModelChannel& channel) {
    if (channel.members.empty()) return;
    const UserKey user = *Any(channel.members);
    Append(batch, channel, user, EventKind::kMemberLeft);
    batch.push_back(Leaves(channel.row.key, user));
    channel.members.erase(user);
  }

  void EndUser(StoreBatch& batch, UserKey user) {
    for (auto& [key, channel] : model.channels) {
      if (channel.members.erase(user) > 0) batch.push_back(Leaves(key, user));
    }
    batch.push_back(DeleteUser{user});
    model.users.erase(user);
    std::erase_if(model.sends, [&](const auto& send) { return send.first.first == user; });
  }

  void EndChannel(StoreBatch& batch, ChannelKey key) {
    for (UserKey user : model.channels.at(key).members) batch.push_back(Leaves(key, user));
    batch.push_back(DeleteChannel{key});
    model.Forget(model.channels.at(key), UINT64_MAX);
    model.channels.erase(key);
  }

  void Trim(StoreBatch& batch, ModelChannel& channel) {
    const std::uint64_t first_kept =
        channel.first_kept + Roll(channel.head + 2 - channel.first_kept);
    batch.push_back(TrimChannel{channel.row.key, first_kept});
    model.Forget(channel, first_kept);
    channel.first_kept = first_kept;
  }

  void Append(StoreBatch& batch, ModelChannel& channel, UserKey user, EventKind kind) {
    auto event = std::make_shared<Event>();
    event->channel_id = channel.row.id;
    event->sequence = ++channel.head;
    event->time_unix_ms = static_cast<std::int64_t>(++time_ms_);
    event->kind = kind;
    event->user_id = model.users.at(user).row.id;
    event->user_name = model.users.at(user).row.display_name;
    if (kind == EventKind::kMessagePosted) {
      event->text = std::string(Roll(20) == 0 ? Roll(9000) : Roll(90), 'x');
      event->client_message_id = Roll(3) == 0 ? absl::StrCat(Roll(40)) : "";
      // A repeated one is the engine's to refuse.
      if (model.sends.contains({user, event->client_message_id})) event->client_message_id.clear();
      if (!event->client_message_id.empty()) {
        model.sends[{user, event->client_message_id}] = {channel.row.key, event->sequence};
        model.users.at(user).stored = true;
      }
    }
    channel.events[event->sequence] = event;
    if (kind == EventKind::kMessagePosted || channel.events.size() >= GuestNursery::kEventsMax) {
      model.Store(channel.row.key);
    }
    batch.push_back(AppendEvent{channel.row.key, user, event});
  }

  std::mt19937_64 random_;
  std::uint64_t time_ms_ = 0;
};

EventPage Expected(const ModelChannel& channel, const EventQuery& query) {
  std::vector<EventPtr> wanted;
  for (const auto& [sequence, event] : channel.events) {
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
  for (const auto& [sequence, event] : channel.events) bytes += event->text.size();
  std::uint64_t count = channel.events.size();
  std::uint64_t beginning = channel.first_kept;
  for (const auto& [sequence, event] : channel.events) {
    const bool goes = (policy.events_max != 0 && count > policy.events_max) ||
                      (policy.bytes_max != 0 && bytes > policy.bytes_max) ||
                      (policy.age_max_ms != 0 && event->time_unix_ms < now_ms - policy.age_max_ms);
    if (!goes || beginning - channel.first_kept == step_max) break;
    beginning = sequence + 1;
    bytes -= event->text.size();
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
  void ComparePages(Player& player) {
    for (int i = 0; i < 4; ++i) {
      const ModelChannel& channel = player.Any(player.model.channels)->second;
      const EventQuery query = player.Query(channel);
      const auto page = store->Read(query);
      ASSERT_TRUE(page.ok()) << page.status();
      ASSERT_EQ(Whole(*page), Whole(Expected(channel, query)));
      ASSERT_EQ(store->FirstKept(channel.row.key), channel.first_kept);
      const SendId id{player.Any(player.model.users)->first, absl::StrCat(player.Roll(40))};
      const auto found = store->FindSent(id.first, id.second);
      ASSERT_TRUE(found.ok()) << found.status();
      const auto send = player.model.sends.find(id);
      ASSERT_EQ(*found != nullptr, send != player.model.sends.end()) << id.second;
      if (*found == nullptr) continue;
      const auto& [key, sequence] = send->second;
      ASSERT_EQ(DescribeWhole(**found),
                DescribeWhole(*player.model.channels.at(key).events.at(sequence)));
    }
  }

  void CompareSurplus(Player& player) {
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
    StoredState expected;
    for (const auto& [key, user] : model.users) expected.users.push_back(user.row);
    for (const auto& [key, channel] : model.channels) {
      expected.channels.push_back({channel.row, channel.head});
      for (UserKey user : channel.members) expected.memberships.push_back({key, user});
    }
    ASSERT_EQ(Describe(loaded), Describe(expected));
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
                    "ended_channels)"),
              0);
  }
};

TEST_P(SqliteModelTest, HoldsWhatTheModelHolds) {
  std::cout << "seed " << GetParam() << "\n";
  Player player(GetParam());
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
    if (player.model.channels.empty() || player.model.users.empty()) continue;
    ASSERT_NO_FATAL_FAILURE(ComparePages(player)) << "round " << round;
    if (round % 20 == 0) {
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
