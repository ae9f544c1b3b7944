// Every bound of the chat core in one place: unit in the name, default beside it. Each is a flag of
// txtchatd (dashes for underscores); the comment says what a caller gets when it is reached.
#pragma once

#include <cstddef>
#include <cstdint>

namespace txtchat {

inline constexpr std::size_t kKiB = 1024;
inline constexpr std::size_t kMiB = 1024 * kKiB;

/// A plain value: copied at wiring, constant afterwards.
struct Limits {
  // --- Sizes of what a user writes. Beyond: INVALID_ARGUMENT.
  std::size_t name_bytes_max = 128;
  std::size_t text_bytes_max = 32 * kKiB;
  std::size_t client_message_id_bytes_max = 64;

  std::size_t login_bytes_max = 64;
  std::size_t token_label_bytes_max = 64;
  std::size_t password_bytes_max = 1'024;
  std::size_t password_bytes_min = 8;
  std::size_t topic_bytes_max = 512;
  std::size_t reason_bytes_max = 256;

  // --- Tables that peers can grow. Full: RESOURCE_EXHAUSTED, nothing changed.
  /// The last sixteenth is for accounts and vouched users.
  std::size_t users_max = 100'000;
  /// Personal channels are not counted: each belongs to a user. When the table is full, channels
  /// without members in which nothing was ever said give way to new ones, the oldest first.
  std::size_t channels_max = 200'000;
  std::size_t channels_per_user_max = 1'000;
  std::size_t members_per_channel_max = 100'000;
  std::size_t sessions_per_user_max = 16;  ///< Open Subscribe streams, or line connections.

  /// Accounts and vouched users, which count as users, too, and never end by themselves: fewer than
  /// users_max, so that there is room for guests. A quarter is for vouched users alone.
  std::size_t accounts_max = 80'000;
  std::size_t tokens_per_user_max = 50;           ///< The one that expires first makes room.
  std::size_t sanctions_per_channel_max = 1'000;  ///< Those that have expired make room.
  std::size_t invites_per_channel_max = 100;      ///< Those that have expired make room.
  /// Bans and mutes of all channels together, beyond the first four of each, which it always may
  /// have. One channel gets 1/64 of what is left of them at the most: core/shared_table.h.
  std::size_t sanctions_max = 200'000;
  std::size_t invites_max = 200'000;           ///< The same of invites.
  std::size_t officers_per_channel_max = 100;  ///< Moderators and owners.

  // --- How long something may hold. Beyond: INVALID_ARGUMENT.
  std::uint32_t invite_uses_max = 1'000'000;
  std::int64_t invite_lifetime_max_ms = 365LL * 86'400'000;
  std::int64_t token_lifetime_max_ms = 365LL * 86'400'000;
  std::int64_t sanction_duration_max_ms = 10LL * 365 * 86'400'000;

  // --- The newest events of a channel, for each wire format in use. Beyond: the oldest go, and a
  // reader that still wanted them reads them from the store.
  std::size_t queue_events_max = 1'000;
  std::size_t queue_bytes_max = 1 * kMiB;
  /// Encoded bytes of all channels together. Beyond: the channels in which nothing happened for the
  /// longest time keep none.
  std::size_t queues_bytes_max = 256 * kMiB;

  // --- One user, all its sessions together; 0: no limit. Beyond: RESOURCE_EXHAUSTED. A server
  // takes them from core/peer_limits.h.
  std::int64_t commands_per_user_per_s = 0;
  std::int64_t commands_per_user_burst = 0;
  std::int64_t bytes_per_user_per_s = 0;  ///< Envelope::SentBytes.
  std::int64_t bytes_per_user_burst = 0;
  /// Channels, bans, mutes and invites that it makes.
  std::int64_t creations_per_user_per_minute = 0;
  std::int64_t creations_per_user_burst = 0;

  // --- Commands that wait for the sequencer. Full: a line connection stops reading its socket, a
  // gRPC call fails with RESOURCE_EXHAUSTED.
  std::size_t inbox_commands_max = 65'536;
  std::size_t inbox_bytes_max = 64 * kMiB;
  std::size_t batch_commands_max = 4'096;  ///< Commands that share one commit.

  // --- Pages of lists. A larger request gets a page of the maximum.
  std::size_t page_size_default = 50;
  std::size_t page_size_max = 1'000;
  std::size_t page_bytes_max = 256 * kKiB;  ///< Beyond: the page ends, and names the next.

  // --- Catch-up: one page that a lagged reader takes from the store.
  std::size_t store_page_events_max = 1'000;
  std::size_t store_page_bytes_max = 256 * kKiB;
  /// Pages that are kept for the next reader. Beyond: those not wanted for the longest time go.
  std::size_t history_cache_bytes_max = 16 * kMiB;

  // --- Events that one read of history looks at, messages or not. Beyond: the page ends, perhaps
  // without any, and says how to go on.
  std::size_t history_scan_events_max = 10'000;

  // --- Reads of history that wait for a thread. Beyond: RESOURCE_EXHAUSTED.
  std::size_t history_reads_max = 1'024;

  // --- The memory store, all channels together. Beyond: the oldest events go; a reader that still
  // wanted them gets a gap.
  std::size_t store_bytes_max = 512 * kMiB;

  // --- Who is admitted. Others: PERMISSION_DENIED.
  bool guests_admitted = true;
  bool accounts_open = true;  ///< Anybody may make an account; bans of ranges hold them, too.
  /// Whether names that look like another's are refused: ALREADY_EXISTS.
  bool refuse_look_alikes = true;

  // --- Lifetimes.
  /// A gRPC guest without an open Subscribe ends this long after its last call.
  std::int64_t guest_grace_ms = 60'000;
  /// A channel without members in which nothing was ever said is kept this long, so that they can
  /// come back.
  std::int64_t empty_channel_ttl_ms = 3'600'000;
  /// The same of a channel that holds messages.
  std::int64_t quiet_channel_ttl_ms = 30LL * 86'400'000;
};

}  // namespace txtchat
