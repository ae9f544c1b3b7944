#include "storage/sqlite_loader.h"

#include <algorithm>
#include <memory>
#include <string>

namespace txtchat::storage {
namespace {

// Runs the query, and `take` on each of its rows.
template <typename Take>
absl::Status ForEachRow(Database& database, const char* sql, const Take& take) {
  Statement rows;
  if (absl::Status s = rows.Prepare(database, sql); !s.ok()) return s;
  for (;;) {
    absl::StatusOr<bool> row = rows.Next();
    if (!row.ok()) return row.status();
    if (!*row) return absl::OkStatus();
    take(rows);
  }
}

absl::Status LoadUsers(Database& database, StoredState& state) {
  constexpr char kSql[] =
      "SELECT key, id, display_name, credential, kind, login, password_hash, subject FROM users "
      "ORDER BY key";
  return ForEachRow(database, kSql, [&](const Statement& row) {
    state.users.push_back({.key = row.Number(0),
                           .id = row.Text(1),
                           .display_name = row.Text(2),
                           .credential = row.Text(3),
                           .kind = static_cast<UserKind>(row.Number(4)),
                           .login = row.Text(5),
                           .password_hash = row.Text(6),
                           .subject = row.Text(7)});
  });
}

absl::Status LoadMemberships(Database& database, StoredState& state) {
  constexpr char kSql[] = "SELECT channel, user, role FROM memberships ORDER BY channel, user";
  return ForEachRow(database, kSql, [&](const Statement& row) {
    state.memberships.push_back({.channel = row.Number(0),
                                 .user = row.Number(1),
                                 .role = static_cast<Role>(row.Number(2))});
  });
}

absl::Status LoadSanctions(Database& database, StoredState& state) {
  constexpr char kSql[] =
      "SELECT channel, kind, subject, subject_name, user, until_ms, reason, by_user_id, time_ms "
      "FROM sanctions ORDER BY channel, kind, subject";
  return ForEachRow(database, kSql, [&](const Statement& row) {
    state.sanctions.push_back({.channel = row.Number(0),
                               .kind = static_cast<SanctionKind>(row.Number(1)),
                               .subject = row.Text(2),
                               .subject_name = row.Text(3),
                               .user = row.Number(4),
                               .until_unix_ms = row.Time(5),
                               .reason = row.Text(6),
                               .by_user_id = row.Text(7),
                               .time_unix_ms = row.Time(8)});
  });
}

absl::Status LoadTokens(Database& database, StoredState& state) {
  constexpr char kSql[] =
      "SELECT hash, id, user, label, create_time_ms, expire_time_ms FROM tokens ORDER BY hash";
  return ForEachRow(database, kSql, [&](const Statement& row) {
    state.tokens.push_back({.hash = row.Text(0),
                            .id = row.Text(1),
                            .user = row.Number(2),
                            .label = row.Text(3),
                            .create_time_unix_ms = row.Time(4),
                            .expire_time_unix_ms = row.Time(5)});
  });
}

absl::Status LoadInvites(Database& database, StoredState& state) {
  constexpr char kSql[] =
      "SELECT hash, id, channel, expire_time_ms, uses_left, by_user_id FROM invites ORDER BY hash";
  return ForEachRow(database, kSql, [&](const Statement& row) {
    state.invites.push_back({.hash = row.Text(0),
                             .id = row.Text(1),
                             .channel = row.Number(2),
                             .expire_time_unix_ms = row.Time(3),
                             .uses_left = static_cast<std::uint32_t>(row.Number(4)),
                             .by_user_id = row.Text(5)});
  });
}

// Both ends of the channel's log: its newest and its oldest event.
absl::Status LoadEnds(Statement& newest, Statement& oldest, ChannelKey key,
                      IndexedChannel& channel) {
  channel.head = channel.first_kept - 1;
  newest.BindNumber(1, key);
  const ResetAtEnd reset_newest(newest);
  absl::StatusOr<bool> found = newest.Next();
  if (!found.ok()) return found.status();
  if (!*found) return absl::OkStatus();
  channel.head = std::max(channel.head, newest.Number(0));
  channel.bytes_total = newest.Number(1);

  oldest.BindNumber(1, key);
  const ResetAtEnd reset_oldest(oldest);
  found = oldest.Next();
  if (!found.ok()) return found.status();
  if (!*found) return absl::OkStatus();
  channel.first_kept = oldest.Number(0);
  channel.oldest_time_ms = oldest.Time(1);
  channel.bytes_before = oldest.Number(2) - oldest.Bytes(3).size();
  return absl::OkStatus();
}

absl::Status LoadChannels(Database& database, LoadedState& loaded) {
  Statement rows;
  Statement newest;
  Statement oldest;
  const std::pair<Statement*, const char*> statements[] = {
      {&rows,
       "SELECT key, id, display_name, create_time_ms, kind, first_kept, topic, direct_first, "
       "direct_second FROM channels ORDER BY key"},
      {&newest,
       "SELECT sequence, bytes_total FROM events WHERE channel=?1 ORDER BY sequence DESC LIMIT 1"},
      {&oldest,
       "SELECT sequence, time_ms, bytes_total, text FROM events WHERE channel=?1 ORDER BY sequence "
       "LIMIT 1"},
  };
  for (const auto& [statement, sql] : statements) {
    if (absl::Status s = statement->Prepare(database, sql); !s.ok()) return s;
  }
  for (;;) {
    absl::StatusOr<bool> row = rows.Next();
    if (!row.ok()) return row.status();
    if (!*row) return absl::OkStatus();
    ChannelRow channel{.key = rows.Number(0),
                       .id = rows.Text(1),
                       .display_name = rows.Text(2),
                       .create_time_unix_ms = rows.Time(3),
                       .kind = static_cast<ChannelKind>(rows.Number(4)),
                       .topic = rows.Text(6),
                       .direct_first = rows.Number(7),
                       .direct_second = rows.Number(8)};
    IndexedChannel indexed{.id = std::make_shared<const std::string>(channel.id),
                           .first_kept = rows.Number(5)};
    if (absl::Status s = LoadEnds(newest, oldest, channel.key, indexed); !s.ok()) return s;
    loaded.state.channels.push_back({.channel = std::move(channel), .head = indexed.head});
    loaded.index.emplace_back(rows.Number(0), std::move(indexed));
  }
}

absl::Status LoadLastKeys(Database& database, LoadedState& loaded) {
  const std::pair<const char*, std::uint64_t*> last_keys[] = {
      {"SELECT max((SELECT coalesce(max(key), 0) FROM users), "
       "(SELECT coalesce(max(key), 0) FROM ended_users))",
       &loaded.state.last_user_key},
      {"SELECT max((SELECT coalesce(max(key), 0) FROM channels), "
       "(SELECT coalesce(max(key), 0) FROM ended_channels))",
       &loaded.state.last_channel_key}};
  for (const auto& [sql, key] : last_keys) {
    absl::StatusOr<std::int64_t> last = database.QueryNumber(sql);
    if (!last.ok()) return last.status();
    *key = static_cast<std::uint64_t>(*last);
  }
  absl::StatusOr<std::int64_t> ended = database.QueryNumber(
      "SELECT (SELECT count(*) FROM ended_channels) + (SELECT count(*) FROM ended_users)");
  if (!ended.ok()) return ended.status();
  loaded.ended = *ended;
  absl::StatusOr<std::int64_t> erasures = database.QueryNumber("SELECT count(*) FROM erasures");
  if (!erasures.ok()) return erasures.status();
  loaded.erasures = *erasures;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LoadedState> LoadState(Database& database) {
  LoadedState loaded;
  const Transaction at_one_moment(database);
  if (absl::Status s = database.Execute("BEGIN"); !s.ok()) return s;
  if (absl::Status s = LoadUsers(database, loaded.state); !s.ok()) return s;
  if (absl::Status s = LoadMemberships(database, loaded.state); !s.ok()) return s;
  if (absl::Status s = LoadSanctions(database, loaded.state); !s.ok()) return s;
  if (absl::Status s = LoadTokens(database, loaded.state); !s.ok()) return s;
  if (absl::Status s = LoadInvites(database, loaded.state); !s.ok()) return s;
  if (absl::Status s = LoadChannels(database, loaded); !s.ok()) return s;
  if (absl::Status s = LoadLastKeys(database, loaded); !s.ok()) return s;
  return loaded;
}

}  // namespace txtchat::storage
