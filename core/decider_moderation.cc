// Roles and what they are for: names and topics, removing messages and channels, kicks. Bans and
// mutes are in decider_sanctions.cc.
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/decider.h"
#include "core/text.h"

namespace txtchat {
namespace {

const char* NameOf(Right right) {
  switch (right) {
    case Right::kRead:
      return "read";
    case Right::kSpeak:
      return "speak";
    case Right::kRemoveMessage:
      return "remove messages of others";
    case Right::kSetTopic:
      return "set the topic";
    case Right::kInvite:
      return "invite";
    case Right::kSanction:
      return "kick, ban and mute";
    case Right::kRename:
      return "rename the channel";
    case Right::kSetRole:
      return "give roles";
    case Right::kRemoveChannel:
      return "delete the channel";
  }
  return "do this";
}

}  // namespace

// --- Who may.

absl::StatusOr<Channel*> Decider::ChannelOfRight(const User& user, const std::string& id,
                                                 Right right) {
  absl::StatusOr<Channel*> channel = ChannelOfMember(user, id);
  if (!channel.ok()) return channel;
  if (!HasRight((*channel)->kind, right)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "nobody can ", NameOf(right), " in ",
        (*channel)->kind == ChannelKind::kDirect ? "a direct conversation" : "a personal channel"));
  }
  if (!MayDo(ChatState::RoleOf(**channel, user), right)) {
    return absl::PermissionDeniedError(
        absl::StrCat("only a", LeastRole(right) == Role::kOwner ? "n owner" : " moderator",
                     " of the channel ", id, " may ", NameOf(right), " there"));
  }
  return channel;
}

absl::StatusOr<User*> Decider::MemberBelow(const User& actor, const Channel& channel,
                                           const std::string& user_id) {
  User* const user = state_.FindUserById(user_id);
  if (user == nullptr || !user->channels.contains(channel.key)) {
    return absl::NotFoundError(
        absl::StrCat(Quoted(user_id), " is no member of the channel ", channel.id));
  }
  if (user == &actor) {
    return absl::InvalidArgumentError("this is your own id; leave the channel instead");
  }
  const Role role = ChatState::RoleOf(channel, *user);
  if (!StandsAbove(ChatState::RoleOf(channel, actor), role)) {
    return absl::PermissionDeniedError(absl::StrCat("the user ", user_id, " is ", RoleName(role),
                                                    " of the channel ", channel.id,
                                                    ", and you do not stand above it"));
  }
  return user;
}

// --- Names, topics and the end of channels.

EventPtr Decider::AppendAct(Channel& channel, const User& user, EventKind kind, Act act) {
  auto event = std::make_shared<Event>();
  event->kind = kind;
  event->act = std::make_shared<const Act>(std::move(act));
  return Publish(channel, user, std::move(event));
}

absl::StatusOr<Result> Decider::Handle(SetTopic& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  absl::StatusOr<Channel*> channel = ChannelOfRight(**user, command.channel_id, Right::kSetTopic);
  if (!channel.ok()) return channel.status();
  if (absl::Status s = CheckNotMuted(**user, **channel); !s.ok()) return s;
  if (absl::Status s = ValidateNote("topic", command.topic, limits_.topic_bytes_max); !s.ok()) {
    return s;
  }
  decision_.store.push_back(
      DescribeChannel{(*channel)->key, (*channel)->display_name, command.topic});
  state_.Describe(**channel, (*channel)->display_name, command.topic);
  return Acted{(*channel)->key, AppendAct(**channel, **user, EventKind::kTopicChanged,
                                          {.text = std::move(command.topic)})};
}

absl::StatusOr<Result> Decider::Handle(RenameChannel& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  absl::StatusOr<Channel*> channel = ChannelOfRight(**user, command.channel_id, Right::kRename);
  if (!channel.ok()) return channel.status();
  if (absl::Status s = CheckNotMuted(**user, **channel); !s.ok()) return s;
  if (absl::Status s = ValidateName("channel name", command.display_name, limits_); !s.ok()) {
    return s;
  }
  const std::string topic = (*channel)->extra().topic;
  decision_.store.push_back(DescribeChannel{(*channel)->key, command.display_name, topic});
  state_.Describe(**channel, command.display_name, topic);
  return Acted{(*channel)->key, AppendAct(**channel, **user, EventKind::kChannelRenamed,
                                          {.text = std::move(command.display_name)})};
}

absl::StatusOr<Result> Decider::Handle(RemoveChannel& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  absl::StatusOr<Channel*> channel =
      ChannelOfRight(**user, command.channel_id, Right::kRemoveChannel);
  if (!channel.ok()) return channel.status();
  Acted acted{(*channel)->key, AppendAct(**channel, **user, EventKind::kChannelDeleted, {})};
  EndChannel(**channel);
  return acted;
}

// --- Messages.

absl::StatusOr<EventPtr> Decider::FindMessage(const Channel& channel, std::uint64_t sequence) {
  EventPtr found;
  // The store does not know yet what this batch has decided: the newest word on it counts.
  for (const StoreChange& change : decision_.store) {
    if (const auto* appended = std::get_if<AppendEvent>(&change)) {
      if (appended->channel == channel.key && appended->event->sequence == sequence) {
        found = appended->event;
      }
    } else if (const auto* erased = std::get_if<EraseMessage>(&change)) {
      if (erased->channel == channel.key && erased->tombstone->sequence == sequence) {
        found = erased->tombstone;
      }
    }
  }
  if (found == nullptr) {
    absl::StatusOr<EventPtr> stored = store_.FindEvent(channel.key, sequence);
    // The store's own words are for the operator.
    if (!stored.ok()) return absl::UnavailableError("the server could not look this up; try again");
    found = *std::move(stored);
  }
  if (found == nullptr || found->kind != EventKind::kMessagePosted) {
    return absl::NotFoundError(absl::StrCat("the channel ", channel.id, " has no message ",
                                            sequence, ", or has it no longer"));
  }
  return found;
}

absl::StatusOr<Result> Decider::Handle(RemoveMessage& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  absl::StatusOr<Channel*> channel = ChannelOfMember(**user, command.channel_id);
  if (!channel.ok()) return channel.status();
  absl::StatusOr<EventPtr> message = FindMessage(**channel, command.sequence);
  if (!message.ok()) return message.status();
  // An address can be the id of another guest later: what was said before it came is not its own.
  const bool is_own =
      (*message)->user_id == (*user)->id && (*message)->time_unix_ms >= (*user)->since_unix_ms;
  if (!is_own) {
    channel = ChannelOfRight(**user, command.channel_id, Right::kRemoveMessage);
    if (!channel.ok()) return channel.status();
  }
  auto tombstone = std::make_shared<Event>();
  tombstone->channel_id = (*message)->channel_id;
  tombstone->sequence = (*message)->sequence;
  tombstone->time_unix_ms = (*message)->time_unix_ms;
  tombstone->kind = EventKind::kMessageRemoved;
  tombstone->user_id = (*message)->user_id;
  tombstone->user_name = (*message)->user_name;
  tombstone->client_message_id = (*message)->client_message_id;
  for (auto& [id, sent] : decision_.sends) {
    if (sent == *message) sent = tombstone;
  }
  decision_.store.push_back(EraseMessage{(*channel)->key, std::move(tombstone)});
  decision_.steps.push_back(EraseStep{(*channel)->feed, command.sequence});
  return Acted{(*channel)->key, AppendAct(**channel, **user, EventKind::kMessageDeleted,
                                          {.target_id = (*message)->user_id,
                                           .target_name = (*message)->user_name,
                                           .target_sequence = command.sequence})};
}

// --- Kick.

absl::StatusOr<Result> Decider::Handle(Kick& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  absl::StatusOr<Channel*> channel = ChannelOfRight(**user, command.channel_id, Right::kSanction);
  if (!channel.ok()) return channel.status();
  if (absl::Status s = ValidateNote("reason", command.reason, limits_.reason_bytes_max); !s.ok()) {
    return s;
  }
  absl::StatusOr<User*> target = MemberBelow(**user, **channel, command.user_id);
  if (!target.ok()) return target.status();
  Acted acted{(*channel)->key, AppendAct(**channel, **user, EventKind::kMemberKicked,
                                         {.target_id = (*target)->id,
                                          .target_name = (*target)->display_name,
                                          .text = std::move(command.reason)})};
  RemoveMember(**channel, **target);
  return acted;
}

// --- Roles.

void Decider::SetMemberRole(Channel& channel, const User& user, Role role) {
  state_.SetRole(channel, user, role);
  decision_.store.push_back(PutMembership{{channel.key, user.key, role}});
}

absl::StatusOr<Result> Decider::Handle(SetRole& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  absl::StatusOr<Channel*> channel = ChannelOfRight(**user, command.channel_id, Right::kSetRole);
  if (!channel.ok()) return channel.status();
  User* const target = state_.FindUserById(command.user_id);
  if (target == nullptr || !target->channels.contains((*channel)->key)) {
    return absl::NotFoundError(
        absl::StrCat(Quoted(command.user_id), " is no member of the channel ", (*channel)->id));
  }
  if (target == *user && command.role != Role::kOwner && OwnersOf(**channel) == 1) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the channel ", (*channel)->id, " would have no owner; make another member owner first"));
  }
  if (target != *user && ChatState::RoleOf(**channel, *target) == Role::kOwner) {
    return absl::PermissionDeniedError(
        absl::StrCat("the user ", target->id, " is owner, and you do not stand above it"));
  }
  const bool is_new =
      command.role != Role::kMember && ChatState::RoleOf(**channel, *target) == Role::kMember;
  if (is_new && (*channel)->extra().officers.size() >= limits_.officers_per_channel_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the channel ", (*channel)->id, " has its most moderators and owners (",
                     limits_.officers_per_channel_max, "); make one a member first"));
  }
  SetMemberRole(**channel, *target, command.role);
  return Acted{(*channel)->key, AppendAct(**channel, **user, EventKind::kRoleChanged,
                                          {.target_id = target->id,
                                           .target_name = target->display_name,
                                           .role = command.role})};
}

std::size_t Decider::OwnersOf(const Channel& channel) {
  std::size_t owners = 0;
  for (const auto& [key, role] : channel.extra().officers) owners += role == Role::kOwner ? 1 : 0;
  return owners;
}

void Decider::HandOn(Channel& channel, const User& leaving) {
  const bool last_owner = channel.kind != ChannelKind::kPersonal && OwnersOf(channel) == 1 &&
                          ChatState::RoleOf(channel, leaving) == Role::kOwner;
  if (!last_owner) return;
  for (const auto& [key, role] : channel.extra().officers) {
    if (role != Role::kModerator) continue;
    const User& next = *state_.FindUser(key);
    SetMemberRole(channel, next, Role::kOwner);
    AppendAct(channel, leaving, EventKind::kRoleChanged,
              {.target_id = next.id, .target_name = next.display_name, .role = Role::kOwner});
    return;
  }
}

}  // namespace txtchat
