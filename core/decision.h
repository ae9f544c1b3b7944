// What deciding a batch brings forth, and how it becomes visible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "core/chat_state.h"
#include "core/command.h"
#include "core/delivery_lane.h"
#include "core/message_store.h"
#include "core/queue_budget.h"
#include "core/wire_format.h"

namespace txtchat {

/// One step of publishing. Steps are carried out in the order of the decisions, after the commit.
struct AppendStep {
  std::shared_ptr<ChannelFeed> feed;
  EventPtr event;
};
struct StartStep {
  std::shared_ptr<ChannelFeed> feed;
  SessionSpec session;
  std::uint64_t cursor = 0;
};
struct EndStep {
  std::shared_ptr<ChannelFeed> feed;
  SessionSpec session;
  std::uint64_t last_sequence = 0;
};
struct FormatStep {
  std::shared_ptr<ChannelFeed> feed;
  WireFormat from;
  WireFormat to;
};
/// A message of the channel was removed: nobody reads its text any more.
struct EraseStep {
  std::shared_ptr<ChannelFeed> feed;
  std::uint64_t sequence = 0;
};
/// The same of messages in any channel.
struct EraseAllStep {};
struct CloseChannelStep {
  std::shared_ptr<ChannelFeed> feed;
};
struct SessionEndStep {
  SessionSpec session;
  absl::Status reason;
};
struct ReplyStep {
  std::size_t envelope = 0;  ///< Index in the batch.
  absl::StatusOr<Result> result;
};

/// The outcome of a batch so far. Single-threaded.
struct Decision {
  using Step = std::variant<AppendStep, StartStep, EndStep, FormatStep, EraseStep, EraseAllStep,
                            CloseChannelStep, SessionEndStep, ReplyStep>;

  std::vector<Step> steps;
  StoreBatch store;
  /// Sends of this batch that have a client message id, by user and id: the store does not know
  /// them yet.
  absl::flat_hash_map<std::pair<UserKey, std::string>, EventPtr> sends;

  void clear() {
    steps.clear();
    store.clear();
    sends.clear();
  }
};

/// Makes a committed decision visible: appends to the queues, notes which lanes to wake, hands each
/// lane its batch once. Sequencer thread only.
class Publisher {
 public:
  Publisher(EncoderSet encoders, std::size_t queues_bytes_max)
      : encoders_(encoders), budget_(queues_bytes_max) {}

  /// `erased` is called with the channel (0: with any of them) whenever a text in it was erased:
  /// whoever keeps copies of what the store holds lets go of them. Set it before the first Publish.
  void set_erase_observer(std::function<void(ChannelKey)> erased) { erased_ = std::move(erased); }
  void Publish(Decision& decision, std::vector<Envelope>& batch);
  /// Calls the erase observer for all channels: an erasure has come to its end.
  void ForgetCopies();
  /// Answers one envelope, outside of a decision (refused batches).
  void Answer(Envelope& envelope, absl::StatusOr<Result>&& result);
  void NotifyRoom(DeliveryLane* lane) { BatchOf(lane).inbox_has_room = true; }
  std::size_t queues_bytes() const { return budget_.bytes(); }
  /// Hands every lane what was collected for it.
  void Flush();

 private:
  void Carry(AppendStep& step);
  void Carry(StartStep& step);
  void Carry(EndStep& step);
  void Carry(FormatStep& step);
  void Carry(EraseStep& step);
  void Carry(EraseAllStep& step);
  void Carry(CloseChannelStep& step);
  void Carry(SessionEndStep& step);

  LaneBatch& BatchOf(DeliveryLane* lane);
  /// Wakes every lane with subscriptions, once a batch.
  void WakeLanes(ChannelFeed& feed);

  const EncoderSet encoders_;
  std::function<void(ChannelKey)> erased_;
  std::uint64_t batch_number_ = 1;
  std::vector<std::pair<DeliveryLane*, LaneBatch>> lanes_;
  QueueBudget budget_;
};

}  // namespace txtchat
