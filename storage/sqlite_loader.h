#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/message_store.h"
#include "storage/channel_index.h"
#include "storage/sqlite_handle.h"

namespace txtchat::storage {

/// Everything that a store begins with.
struct LoadedState {
  StoredState state;
  std::vector<std::pair<ChannelKey, IndexedChannel>> index;  ///< Ascending keys.
  std::int64_t ended = 0;     ///< Channels and users that PurgeStep has to look after,
  std::int64_t erasures = 0;  ///< and users whose messages it has to erase.
};

/// Reads it, as of one moment: every row but those of the events, and the ends of each channel's
/// log by one look-up each. The epoch is left to the caller. Errors as Database.
absl::StatusOr<LoadedState> LoadState(Database& database);

}  // namespace txtchat::storage
