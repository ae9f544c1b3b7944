// How much there may be: what a user may ask and make, and room for users, channels and what
// channels have.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"
#include "core/decider.h"
#include "core/retry_after.h"
#include "core/shared_table.h"

namespace txtchat {
namespace {

/// Users whose room is not for users of this kind. Whoever likes can be many guests, and in time
/// make many accounts; vouched users are the operator's.
std::size_t ReserveOf(const Limits& limits, UserKind kind) {
  switch (kind) {
    case UserKind::kGuest:
      return limits.users_max / 16;
    case UserKind::kAccount:
      return limits.users_max / 32;
    case UserKind::kVouched:
      break;
  }
  return 0;
}

/// Whether a channel that has `held` entries may have one more once so many of them have gone.
bool HasRoomWithout(std::size_t gone, std::size_t held, SharedTable table) {
  table.used -= SharedEntries(held) - SharedEntries(held - gone);
  return held - gone < HolderMost(table);
}

/// Whether a channel that has these entries may have one more. `drop`s those that have expired, if
/// that is needed and enough.
template <typename Key, typename Row, typename Drop>
bool MakeRoom(const absl::btree_map<Key, Row>& entries, std::int64_t now_unix_ms,
              const SharedTable& table, Drop drop) {
  if (entries.size() < HolderMost(table)) return true;
  std::vector<Key> expired;
  for (const auto& [key, row] : entries) {
    if (!row.HoldsAt(now_unix_ms)) expired.push_back(key);
  }
  if (!HasRoomWithout(expired.size(), entries.size(), table)) return false;
  for (const Key& key : expired) drop(key);
  return true;
}

absl::Status HasItsMost(const Channel& channel, const char* what, const SharedTable& table,
                        const char* next) {
  const std::size_t most = HolderMost(table);
  if (most == table.holder_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the channel ", channel.id, " has its most ", what, " (", most, "); ", next));
  }
  return absl::ResourceExhaustedError(absl::StrCat("the server has few ", what,
                                                   " left, so the channel ", channel.id,
                                                   " may have only ", most, " for now; ", next));
}

}  // namespace

// --- What a user may ask and make.

absl::Status Decider::CheckPace(User& user) const {
  const Rate commands{.tokens = limits_.commands_per_user_per_s,
                      .burst = limits_.commands_per_user_burst};
  const Rate bytes{.tokens = limits_.bytes_per_user_per_s, .burst = limits_.bytes_per_user_burst};
  const std::int64_t now_ms = envelope_.time_unix_ms;
  // Where the time of day goes back, a bucket begins anew.
  if (now_ms < user.last_seen_unix_ms) user.commands = user.bytes = user.creations = TokenBucket();
  const auto sent = static_cast<std::int64_t>(envelope_.SentBytes());
  const std::int64_t wait_ms =
      std::max(user.commands.WaitMs(commands, 1, now_ms), user.bytes.WaitMs(bytes, sent, now_ms));
  if (wait_ms > 0) {
    return WithRetryAfter(absl::ResourceExhaustedError("your commands come too fast"), wait_ms);
  }
  user.commands.Take(commands, 1, now_ms);
  user.bytes.Take(bytes, sent, now_ms);
  return absl::OkStatus();
}

absl::Status Decider::TakeCreation(User& user) const {
  const Rate rate{.tokens = limits_.creations_per_user_per_minute,
                  .burst = limits_.creations_per_user_burst,
                  .period_ms = 60'000};
  const std::int64_t wait_ms = user.creations.TryTake(rate, 1, envelope_.time_unix_ms);
  if (wait_ms == 0) return absl::OkStatus();
  return WithRetryAfter(
      absl::ResourceExhaustedError("you make channels, bans, mutes and invites too fast"), wait_ms);
}

// --- Users and channels.

absl::Status Decider::CheckRoomForUser(UserKind kind) const {
  const std::size_t count = state_.user_count();
  if (count + ReserveOf(limits_, kind) < limits_.users_max) {
    return CheckRoomForPersonalChannel(kind);
  }
  if (kind == UserKind::kGuest && count < limits_.users_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the server has its most guests (", count,
                     " users, and room for accounts only); try again later, or log in"));
  }
  return absl::ResourceExhaustedError(
      absl::StrCat("the server has its most users (", count, "); try again later"));
}

absl::Status Decider::CheckRoomForPersonalChannel(UserKind kind) const {
  // One for each user, and those whose users have gone and left others in them.
  const std::size_t most = 2 * limits_.users_max - ReserveOf(limits_, kind);
  if (state_.personal_channel_count() < most) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("the server has its most personal channels (", most, "); try again later"));
}

absl::Status Decider::MakeRoomForChannel() {
  if (state_.channel_count() - state_.personal_channel_count() < limits_.channels_max) {
    return absl::OkStatus();
  }
  if (Channel* const unused = state_.FindUnusedChannel()) {
    EndChannel(*unused);
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(absl::StrCat("the server has its most channels (",
                                                   limits_.channels_max, "); try again later"));
}

absl::Status Decider::CheckCanJoin(const Channel& channel, const User& user) const {
  if (user.channels.size() >= limits_.channels_per_user_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat("you are in ", user.channels.size(),
                     " channels, the most a user may be in; leave one first"));
  }
  if (channel.members.size() >= limits_.members_per_channel_max) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the channel ", channel.id, " has its most members (", channel.members.size(), ")"));
  }
  return absl::OkStatus();
}

// --- What channels have.

absl::Status Decider::MakeRoomForSanction(Channel& channel) {
  const SharedTable table{.size = limits_.sanctions_max,
                          .used = state_.shared_sanctions(),
                          .holder_max = limits_.sanctions_per_channel_max};
  const auto drop = [&](const std::pair<SanctionKind, std::string>& place) {
    DropSanction(channel, place.first, place.second);
  };
  return MakeRoom(channel.extra().sanctions, envelope_.time_unix_ms, table, drop)
             ? absl::OkStatus()
             : HasItsMost(channel, "bans and mutes", table, "take one back first");
}

absl::Status Decider::MakeRoomForInvite(Channel& channel) {
  const SharedTable table{.size = limits_.invites_max,
                          .used = state_.shared_invites(),
                          .holder_max = limits_.invites_per_channel_max};
  const auto drop = [&](const std::string& hash) { DropInvite(channel, hash); };
  return MakeRoom(channel.extra().invites, envelope_.time_unix_ms, table, drop)
             ? absl::OkStatus()
             : HasItsMost(channel, "invites", table, "revoke one first");
}

}  // namespace txtchat
