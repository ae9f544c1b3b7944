#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/event.h"

namespace txtchat {

/// Which subscribers of one lane read which channel. `Subscriber` is what the transport wants back
/// (a pointer, a handle); it must be equality comparable and cheap to copy.
///
/// Confined to its lane's thread. Add and Remove are O(1) amortised and O(subscribers of the
/// channel in this lane); a wake costs one lookup and then one step for each subscriber.
template <typename Subscriber>
class FanOut {
 public:
  void Add(ChannelKey channel, Subscriber subscriber) {
    channels_[channel].push_back(std::move(subscriber));
  }

  /// Does nothing if the subscriber is not there.
  void Remove(ChannelKey channel, const Subscriber& subscriber) {
    const auto it = channels_.find(channel);
    if (it == channels_.end()) return;
    std::vector<Subscriber>& list = it->second;
    for (std::size_t i = list.size(); i-- > 0;) {
      if (!(list[i] == subscriber)) continue;
      list[i] = std::move(list.back());
      list.pop_back();
      break;
    }
    if (list.empty()) channels_.erase(it);
  }

  /// The subscribers of a channel, valid until the next Add or Remove.
  const std::vector<Subscriber>& SubscribersOf(ChannelKey channel) const {
    static const std::vector<Subscriber> kNone;
    const auto it = channels_.find(channel);
    return it == channels_.end() ? kNone : it->second;
  }

  std::size_t channel_count() const { return channels_.size(); }

 private:
  absl::flat_hash_map<ChannelKey, std::vector<Subscriber>> channels_;
};

}  // namespace txtchat
