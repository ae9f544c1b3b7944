// Where a reader that was away goes on.
#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/decider.h"
#include "core/text.h"

namespace txtchat {

absl::StatusOr<Decider::Beginning> Decider::BeginAt(const Position& position,
                                                    const Channel& channel) const {
  Beginning beginning;
  beginning.recovery.channel_id = channel.id;
  if (!position.epoch.empty() && position.epoch != state_.epoch()) {
    beginning.recovery.state = Recovery::State::kEpochChanged;
    beginning.cursor = channel.head;
    return beginning;
  }
  if (position.after_sequence > channel.head) {
    return absl::OutOfRangeError(absl::StrCat("the position ", position.after_sequence,
                                              " is beyond the newest event of the channel ",
                                              channel.id, ", ", channel.head));
  }
  beginning.cursor = position.after_sequence;
  const std::uint64_t first_kept = store_.FirstKept(channel.key);
  if (position.after_sequence + 1 < first_kept) {
    beginning.recovery.state = Recovery::State::kGap;
    beginning.recovery.gap_from = position.after_sequence + 1;
    beginning.recovery.gap_to = first_kept - 1;
    beginning.cursor = first_kept - 1;
  }
  return beginning;
}

absl::Status Decider::CheckChosen(const OpenSession& command, const User& user) {
  if (command.channel_ids.size() > limits_.channels_per_user_max) {
    return absl::InvalidArgumentError(
        absl::StrCat("at most ", limits_.channels_per_user_max, " channels can be chosen"));
  }
  for (const std::string& id : command.channel_ids) {
    const absl::StatusOr<Channel*> channel = ChannelOfMember(user, id);
    if (!channel.ok()) return channel.status();
  }
  return absl::OkStatus();
}

absl::StatusOr<Decider::Beginnings> Decider::MeetPositions(const OpenSession& command,
                                                           const User& user,
                                                           std::vector<Recovery>& recoveries) {
  if (command.positions.size() > limits_.channels_per_user_max) {
    return absl::InvalidArgumentError(
        absl::StrCat("at most ", limits_.channels_per_user_max, " positions can be given"));
  }
  const absl::flat_hash_set<std::string> chosen(command.channel_ids.begin(),
                                                command.channel_ids.end());
  absl::flat_hash_set<std::string> met;
  Beginnings beginnings;
  for (const Position& position : command.positions) {
    const std::string& id = position.channel_id;
    if (!met.insert(id).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("there are two positions for the channel ", Quoted(id)));
    }
    if (!chosen.empty() && !chosen.contains(id)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "there is a position for the channel ", Quoted(id), ", which is not among the chosen"));
    }
    const Channel* const channel = state_.FindChannelById(id);
    if (channel == nullptr || !user.channels.contains(channel->key)) {
      recoveries.push_back({.channel_id = id, .state = Recovery::State::kNotMember});
      continue;
    }
    absl::StatusOr<Beginning> beginning = BeginAt(position, *channel);
    if (!beginning.ok()) return beginning.status();
    beginnings[channel->key] = beginning->cursor;
    recoveries.push_back(std::move(beginning->recovery));
  }
  return beginnings;
}

}  // namespace txtchat
