#include "core/decision.h"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>

namespace txtchat {

void Publisher::Publish(Decision& decision, std::vector<Envelope>& batch) {
  for (Decision::Step& step : decision.steps) {
    if (auto* reply = std::get_if<ReplyStep>(&step)) {
      Answer(batch[reply->envelope], std::move(reply->result));
      continue;
    }
    std::visit(
        [this](auto& other) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(other)>, ReplyStep>) Carry(other);
        },
        step);
  }
  decision.clear();
  ++batch_number_;
}

void Publisher::Answer(Envelope& envelope, absl::StatusOr<Result>&& result) {
  if (envelope.lane == nullptr || envelope.done == nullptr) return;
  Reply& reply = BatchOf(envelope.lane).items.emplace_back().emplace<Reply>();
  reply.done = std::move(envelope.done);
  reply.result = std::move(result);
}

void Publisher::Carry(AppendStep& step) {
  budget_.OnAppended(*step.feed, step.feed->queue->Append(*step.event, encoders_));
  WakeLanes(*step.feed);
}

void Publisher::Carry(StartStep& step) {
  ChannelFeed& feed = *step.feed;
  DeliveryLane* const lane = step.session.lane;
  auto use = std::find_if(feed.lanes.begin(), feed.lanes.end(),
                          [&](const ChannelFeed::LaneUse& u) { return u.lane == lane; });
  if (use == feed.lanes.end()) use = feed.lanes.insert(use, {.lane = lane});
  ++use->subscriptions;
  if (++feed.subscriptions_by_format[IndexOf(step.session.format)] == 1) {
    feed.queue->StartFormat(step.session.format);
  }
  BatchOf(lane).items.push_back(
      SubscriptionStart{step.session.id, feed.queue, step.cursor, feed.queue->head()});
}

void Publisher::Carry(EndStep& step) {
  ChannelFeed& feed = *step.feed;
  const auto use =
      std::find_if(feed.lanes.begin(), feed.lanes.end(),
                   [&](const ChannelFeed::LaneUse& u) { return u.lane == step.session.lane; });
  if (--use->subscriptions == 0) feed.lanes.erase(use);
  if (--feed.subscriptions_by_format[IndexOf(step.session.format)] == 0) {
    feed.queue->StopFormat(step.session.format);
  }
  BatchOf(step.session.lane)
      .items.push_back(SubscriptionEnd{step.session.id, feed.queue->key(), step.last_sequence});
}

void Publisher::Carry(FormatStep& step) {
  ChannelFeed& feed = *step.feed;
  if (--feed.subscriptions_by_format[IndexOf(step.from)] == 0) feed.queue->StopFormat(step.from);
  if (++feed.subscriptions_by_format[IndexOf(step.to)] == 1) feed.queue->StartFormat(step.to);
}

// Readers that are behind it go on from the store.
void Publisher::Carry(EraseStep& step) {
  step.feed->queue->ForgetThrough(step.sequence);
  if (erased_ != nullptr) erased_(step.feed->queue->key());
}

void Publisher::Carry(EraseAllStep&) {
  budget_.DropAll();
  if (erased_ != nullptr) erased_(0);
}

void Publisher::ForgetCopies() {
  if (erased_ != nullptr) erased_(0);
}

void Publisher::Carry(CloseChannelStep& step) {
  step.feed->queue->Close();
  budget_.Forget(*step.feed);
  WakeLanes(*step.feed);
}

void Publisher::Carry(SessionEndStep& step) {
  BatchOf(step.session.lane).items.push_back(SessionEnd{step.session.id, std::move(step.reason)});
}

LaneBatch& Publisher::BatchOf(DeliveryLane* lane) {
  // A handful of lanes: a scan beats a table.
  for (auto& [known, batch] : lanes_) {
    if (known == lane) return batch;
  }
  return lanes_.emplace_back(lane, LaneBatch{}).second;
}

void Publisher::WakeLanes(ChannelFeed& feed) {
  const Readable now{feed.queue->key(), feed.queue->head()};
  for (ChannelFeed::LaneUse& use : feed.lanes) {
    std::vector<Readable>& readable = BatchOf(use.lane).readable;
    if (use.woken_in_batch == batch_number_) {
      readable[use.readable_index] = now;
      continue;
    }
    use.woken_in_batch = batch_number_;
    use.readable_index = static_cast<std::uint32_t>(readable.size());
    readable.push_back(now);
  }
}

void Publisher::Flush() {
  for (auto& [lane, batch] : lanes_) {
    if (batch.empty()) continue;
    lane->Deliver(std::move(batch));
    batch = LaneBatch{};
  }
}

}  // namespace txtchat
