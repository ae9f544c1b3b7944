// The way back from the sequencer to a transport.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/broadcast_queue.h"
#include "core/command.h"
#include "core/event.h"

namespace txtchat {

/// The answer to a command: run `done(result)`.
struct Reply {
  Completion done;
  absl::StatusOr<Result> result;
};

/// From now on `session` reads `queue` after `cursor`; events up to `head` are there already. Where
/// the session still has a subscription of this channel that has not been drained to its end, that
/// one goes on (Subscription::Resume).
struct SubscriptionStart {
  SessionId session = 0;
  std::shared_ptr<BroadcastQueue> queue;
  std::uint64_t cursor = 0;
  std::uint64_t head = 0;
};

/// `session` is owed the events up to `last_sequence`, then nothing more of this channel.
struct SubscriptionEnd {
  SessionId session = 0;
  ChannelKey channel = 0;
  std::uint64_t last_sequence = 0;
};

/// The core has ended the session (its user has ended); close it and say why.
struct SessionEnd {
  SessionId session = 0;
  absl::Status reason;
};

/// `channel` has new events up to `head`. A reader that goes no further than the heads it was told
/// of never shows an event before the answers that were decided before it.
struct Readable {
  ChannelKey channel = 0;
  std::uint64_t head = 0;

  /// Where only the channel matters.
  operator ChannelKey() const { return channel; }  // NOLINT(google-explicit-constructor)
};

/// What one batch of the sequencer has for one lane.
struct LaneBatch {
  using Item = std::variant<Reply, SubscriptionStart, SubscriptionEnd, SessionEnd>;

  /// In the order of the decisions. Handle all of them before `readable`.
  std::vector<Item> items;
  /// Channels with new events, that sessions of this lane are subscribed to. May repeat.
  std::vector<Readable> readable;
  /// A command of this lane was refused because the inbox was full; now there is room.
  bool inbox_has_room = false;

  bool empty() const { return items.empty() && readable.empty() && !inbox_has_room; }
  /// Appends a later batch to this one. However long a lane takes, `readable` holds each channel a
  /// few times at the most.
  void Merge(LaneBatch&& later) {
    items.insert(items.end(), std::make_move_iterator(later.items.begin()),
                 std::make_move_iterator(later.items.end()));
    readable.insert(readable.end(), later.readable.begin(), later.readable.end());
    if (readable.size() > compact_above) Compact();
    inbox_has_room = inbox_has_room || later.inbox_has_room;
  }

  /// Keeps of each channel only the furthest head.
  void Compact() {
    std::sort(readable.begin(), readable.end(), [](const Readable& a, const Readable& b) {
      return std::tie(a.channel, b.head) < std::tie(b.channel, a.head);
    });
    const auto end =
        std::unique(readable.begin(), readable.end(),
                    [](const Readable& a, const Readable& b) { return a.channel == b.channel; });
    readable.erase(end, readable.end());
    compact_above = std::max<std::size_t>(kCompactAboveMin, 2 * readable.size());
  }

  static constexpr std::size_t kCompactAboveMin = 1024;
  std::size_t compact_above = kCompactAboveMin;
};

/// Port: one delivery thread of a transport (an I/O thread, the gRPC pump). Owned by the transport,
/// outlives the sequencer's thread.
class DeliveryLane {
 public:
  virtual ~DeliveryLane() = default;
  /// Takes over what a batch has for this lane, which is not empty; called by the sequencer thread
  /// at most once a batch, in order. An AccountGate calls it as well, with a single answer, on the
  /// hasher's threads and on those that call it. Thread-safe; must not block: queue it and wake the
  /// lane's thread once.
  virtual void Deliver(LaneBatch batch) = 0;
};

/// A lane without a thread or sessions: runs completions at once, on the thread that delivers,
/// which they must not hold up.
class InlineLane final : public DeliveryLane {
 public:
  void Deliver(LaneBatch batch) override {
    for (LaneBatch::Item& item : batch.items) {
      if (auto* reply = std::get_if<Reply>(&item)) reply->done(std::move(reply->result));
    }
  }
};

}  // namespace txtchat
