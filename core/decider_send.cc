// Sending, once however often it is asked for.
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "core/decider.h"
#include "core/text.h"

namespace txtchat {
namespace {

/// The answer to a send whose client message id is known already.
absl::StatusOr<Result> RepeatOf(const EventPtr& sent, const Send& command, ChannelKey channel) {
  // Of a message that was removed since, nobody knows the text any more.
  const bool same_text = sent->kind == EventKind::kMessageRemoved || sent->text == command.text;
  if (sent->channel_id != command.channel_id || !same_text) {
    return absl::AlreadyExistsError(absl::StrCat(
        "you have sent another message with this client message id, number ", sent->sequence,
        " of the channel ", sent->channel_id, "; take a new id for a new message"));
  }
  return Posted{channel, sent, /*repeated=*/true};
}

}  // namespace

absl::StatusOr<EventPtr> Decider::FindSent(const User& user, const std::string& client_message_id) {
  const auto in_batch = decision_.sends.find(std::make_pair(user.key, client_message_id));
  if (in_batch != decision_.sends.end()) return in_batch->second;
  absl::StatusOr<EventPtr> stored = store_.FindSent(user.key, client_message_id);
  // The store's own words are for the operator.
  if (!stored.ok()) return absl::UnavailableError("the server could not look this up; try again");
  return stored;
}

absl::StatusOr<Result> Decider::Handle(Send& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  if (command.client_message_id.size() > limits_.client_message_id_bytes_max) {
    return absl::InvalidArgumentError(
        absl::StrCat("the client message id has ", command.client_message_id.size(),
                     " bytes; at most ", limits_.client_message_id_bytes_max, " are allowed"));
  }
  if (!command.client_message_id.empty()) {
    // Before anything else: what was posted was posted, even if the user has left since.
    absl::StatusOr<EventPtr> sent = FindSent(**user, command.client_message_id);
    if (!sent.ok()) return sent.status();
    const Channel* const channel =
        *sent == nullptr ? nullptr : state_.FindChannelById((*sent)->channel_id);
    if (channel != nullptr) return RepeatOf(*sent, command, channel->key);
  }
  absl::StatusOr<Channel*> channel = VisibleChannel(**user, command.channel_id);
  if (!channel.ok()) return channel.status();
  if (absl::Status s = CheckMember(**user, **channel); !s.ok()) return s;
  if (absl::Status s = CheckNotMuted(**user, **channel); !s.ok()) return s;
  if (absl::Status s = ValidateText(command.text, command.allow_empty_text, limits_); !s.ok()) {
    return s;
  }
  EventPtr event = Append(**channel, **user, EventKind::kMessagePosted, &command);
  if (!event->client_message_id.empty()) {
    decision_.sends.emplace(std::make_pair((*user)->key, event->client_message_id), event);
  }
  return Posted{(*channel)->key, std::move(event)};
}

}  // namespace txtchat
