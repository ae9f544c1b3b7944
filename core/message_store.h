// Port: where the log is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/event.h"

namespace txtchat {

struct StoredEvent {
  ChannelKey channel = 0;
  EventPtr event;
};

/// Everything that one batch of the sequencer changes: kept as a whole or not at all.
struct StoreBatch {
  std::vector<StoredEvent> events;         ///< In the order of the decisions.
  std::vector<ChannelKey> ended_channels;  ///< Their events are not needed any more.

  bool empty() const { return events.empty() && ended_channels.empty(); }
  void clear() {
    events.clear();
    ended_channels.clear();
  }
};

/// Consecutive events of a channel. The first may be later than asked for, where older ones are no
/// longer kept.
using EventPage = std::vector<EventPtr>;

class MessageStore {
 public:
  virtual ~MessageStore() = default;

  /// Keeps the batch, as durably as this store promises, before it returns. On an error nothing of
  /// it is kept. Blocking; sequencer thread only.
  virtual absl::Status Commit(const StoreBatch& batch) = 0;

  /// Reads the events after `after` in order, none beyond `up_to`: at most `events_max` of them and
  /// about `bytes_max` bytes of text, but at least one if there is any. An empty page means that
  /// none of them is kept. Blocking; any thread, concurrently with Commit.
  virtual absl::StatusOr<EventPage> Read(ChannelKey channel, std::uint64_t after,
                                         std::uint64_t up_to, std::size_t events_max,
                                         std::size_t bytes_max) = 0;
};

}  // namespace txtchat
