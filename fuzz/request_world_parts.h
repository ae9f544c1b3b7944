// What request_fuzz puts around the core: secrets that can be told beforehand, and a lane that
// checks what it is sent.
#pragma once

#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/chat_engine.h"
#include "core/delivery_lane.h"
#include "core/history_reader.h"
#include "core/subscription.h"
#include "fuzz/check.h"
#include "grpc-service/conversions.h"
#include "grpc-service/proto_encoder.h"
#include "grpc-service/requests.h"
#include "storage/memory_store.h"

namespace txtchat::rpc {

/// Secrets that can be told beforehand.
class CountedSecrets final : public SecretSource {
 public:
  std::string NewSecret() override { return absl::StrCat("secret", ++count_); }
  std::string HashOf(std::string_view secret) const override { return "#" + std::string(secret); }
  std::string NewId() override { return absl::StrCat("id", ++count_); }
  std::uint64_t RandomBits() override { return ++count_; }

 private:
  std::uint64_t count_ = 0;
};

/// Reads at once what it is told of, as a subscriber that is never late.
class CheckingLane final : public DeliveryLane {
 public:
  explicit CheckingLane(HistoryReader* history) : history_(*history) {}

  void Deliver(LaneBatch batch) override {
    for (LaneBatch::Item& item : batch.items) {
      if (auto* reply = std::get_if<Reply>(&item)) {
        reply->done(std::move(reply->result));
      } else if (auto* start = std::get_if<SubscriptionStart>(&item)) {
        heads[start->queue->key()] = std::max(heads[start->queue->key()], start->head);
        const auto [it, is_new] =
            sessions_[start->session].try_emplace(start->queue->key(), start->queue, start->cursor);
        if (!is_new) it->second.Resume(start->cursor);
      } else if (auto* end = std::get_if<SubscriptionEnd>(&item)) {
        const auto it = sessions_[end->session].find(end->channel);
        Check(it != sessions_[end->session].end(), "a subscription ends that never began");
        it->second.EndAt(end->last_sequence);
        Drain(it->second);
        sessions_[end->session].erase(it);
      } else {
        sessions_.erase(std::get<SessionEnd>(item).session);
      }
    }
    for (const Readable& readable : batch.readable) {
      heads[readable.channel] = std::max(heads[readable.channel], readable.head);
      for (auto& [id, subscriptions] : sessions_) {
        const auto it = subscriptions.find(readable.channel);
        if (it != subscriptions.end()) Drain(it->second);
      }
    }
  }

  std::map<ChannelKey, std::uint64_t> heads;  ///< As far as somebody was told.

 private:
  void Drain(Subscription& subscription) {
    for (;;) {
      const std::uint64_t before = subscription.cursor();
      Owed owed = subscription.Peek(WireFormat::kProto, 4096, nullptr);
      switch (owed.kind) {
        case Owed::Kind::kSlice:
          CheckSlice(subscription, owed.slice, before);
          subscription.Advance(owed.slice.last_sequence);
          break;
        case Owed::Kind::kGap:
          Check(owed.gap_from <= owed.gap_to, "a gap ends before it begins");
          subscription.Advance(owed.gap_to);
          break;
        case Owed::Kind::kNeedPage:
          subscription.OnPage(history_.Read(subscription.BeginPage(WireFormat::kProto)));
          break;
        case Owed::Kind::kNothing:
        case Owed::Kind::kEnded:
          return;
      }
    }
  }

  static void CheckSlice(const Subscription& subscription, const Slice& slice,
                         std::uint64_t before) {
    v1::SubscribeResponse response;
    Check(response.ParseFromArray(slice.data, static_cast<int>(slice.size)),
          "a subscriber is sent what is no SubscribeResponse");
    Check(slice.first_sequence > before, "a subscriber is sent something twice");
    std::uint64_t expected = slice.first_sequence;
    for (const v1::Event& event : response.events()) {
      Check(event.channel_id() == subscription.queue().channel_id(), "it is of another channel");
      Check(event.sequence() == expected++, "a subscriber is sent events with a hole");
    }
    Check(expected == slice.last_sequence + 1, "a slice is not what it says");
  }

  HistoryReader& history_;
  std::map<SessionId, std::map<ChannelKey, Subscription>> sessions_;
};

}  // namespace txtchat::rpc
