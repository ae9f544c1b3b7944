// Roles and what they are for: kick, ban, mute, names and topics, removing messages and channels.
#include <memory>
#include <optional>
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

const char* NameOf(SanctionKind kind) { return kind == SanctionKind::kBan ? "ban" : "mute"; }

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

absl::Status Decider::CheckNotMuted(const User& user, const Channel& channel) const {
  const SanctionRow* const mute =
      ChatState::FindSanction(channel, SanctionKind::kMute, user.id, envelope_.time_unix_ms);
  if (mute == nullptr) return absl::OkStatus();
  if (mute->until_unix_ms == 0) {
    return absl::PermissionDeniedError(
        absl::StrCat("you are muted in the channel ", channel.id, " until a moderator ends it"));
  }
  const std::int64_t left_ms = mute->until_unix_ms - envelope_.time_unix_ms;
  return absl::PermissionDeniedError(absl::StrCat("you are muted in the channel ", channel.id,
                                                  " for another ", (left_ms + 999) / 1'000, " s"));
}

const SanctionRow* Decider::FindBan(const User& user, const Channel& channel) const {
  const std::int64_t now_unix_ms = envelope_.time_unix_ms;
  const SanctionRow* const ban =
      ChatState::FindSanction(channel, SanctionKind::kBan, user.id, now_unix_ms);
  if (ban != nullptr) return ban;
  if (user.kind != UserKind::kGuest || !user.address.known()) return nullptr;
  for (const auto& [place, sanction] : channel.extra().sanctions) {
    if (sanction.kind != SanctionKind::kBan || sanction.user != 0) continue;
    const bool holds = sanction.until_unix_ms == 0 || sanction.until_unix_ms > now_unix_ms;
    const std::optional<IpRange> range = IpRange::Parse(sanction.subject);
    if (holds && range.has_value() && range->Contains(user.address)) return &sanction;
  }
  return nullptr;
}

absl::Status Decider::CheckNotBanned(const User& user, const Channel& channel) const {
  if (FindBan(user, channel) == nullptr) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat("you are banned from the channel ", channel.id));
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

// --- Kick, ban, mute.

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

absl::StatusOr<SanctionRow> Decider::MakeSanction(const User& actor, const Channel& channel,
                                                  Sanction& command) {
  SanctionRow row{
      .channel = channel.key,
      .kind = command.kind,
      .until_unix_ms = command.duration_ms == 0 ? 0 : envelope_.time_unix_ms + command.duration_ms,
      .reason = std::move(command.reason),
      .by_user_id = actor.id,
      .time_unix_ms = envelope_.time_unix_ms};
  User* const target = state_.FindUserById(command.subject);
  // A line guest's id looks like an address, but has its port.
  const std::optional<IpRange> range =
      target == nullptr ? IpRange::Parse(command.subject) : std::nullopt;
  if (range.has_value()) {
    if (command.kind == SanctionKind::kMute) {
      return absl::InvalidArgumentError("only users can be muted; an address range can be banned");
    }
    row.subject = range->ToString();
    return row;
  }
  if (target == nullptr) {
    return absl::NotFoundError(absl::StrCat(Quoted(command.subject),
                                            " is neither a user's id nor an address range such as "
                                            "192.0.2.0/24"));
  }
  if (target->channels.contains(channel.key)) {
    absl::StatusOr<User*> below = MemberBelow(actor, channel, target->id);
    if (!below.ok()) return below.status();
  } else if (command.kind == SanctionKind::kMute) {
    return absl::NotFoundError(
        absl::StrCat(Quoted(target->id), " is no member of the channel ", channel.id));
  }
  row.subject = target->id;
  row.subject_name = target->display_name;
  row.user = target->key;
  return row;
}

absl::StatusOr<Result> Decider::Handle(Sanction& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  absl::StatusOr<Channel*> channel = ChannelOfRight(**user, command.channel_id, Right::kSanction);
  if (!channel.ok()) return channel.status();
  if (absl::Status s = ValidateNote("reason", command.reason, limits_.reason_bytes_max); !s.ok()) {
    return s;
  }
  if (command.duration_ms < 0 || command.duration_ms > limits_.sanction_duration_max_ms) {
    return absl::InvalidArgumentError(absl::StrCat("a ", NameOf(command.kind), " lasts up to ",
                                                   limits_.sanction_duration_max_ms / 1'000,
                                                   " seconds, or for good (0)"));
  }
  absl::StatusOr<SanctionRow> row = MakeSanction(**user, **channel, command);
  if (!row.ok()) return row.status();
  const auto place = std::make_pair(row->kind, row->subject);
  if (!(*channel)->extra().sanctions.contains(place)) {
    if (absl::Status s = MakeRoomForSanction(**channel); !s.ok()) return s;
  }
  const bool bans = row->kind == SanctionKind::kBan;
  decision_.store.push_back(PutSanction{*row});
  state_.PutSanction(**channel, *row);
  Acted acted{(*channel)->key,
              AppendAct(**channel, **user, bans ? EventKind::kBanned : EventKind::kMuted,
                        {.target_id = row->subject,
                         .target_name = row->subject_name,
                         .text = row->reason,
                         .until_unix_ms = row->until_unix_ms})};
  if (bans) RemoveBanned(**channel, **user);
  return acted;
}

void Decider::RemoveBanned(Channel& channel, const User& actor) {
  std::vector<User*> banned;
  for (const UserKey key : channel.members) {
    User* const member = state_.FindUser(key);
    // Nobody who stands as high as the actor goes because of an address.
    const bool below =
        StandsAbove(ChatState::RoleOf(channel, actor), ChatState::RoleOf(channel, *member));
    if (below && FindBan(*member, channel) != nullptr) banned.push_back(member);
  }
  for (User* const member : banned) RemoveMember(channel, *member);
}

absl::Status Decider::MakeRoomForSanction(Channel& channel) {
  if (channel.extra().sanctions.size() < limits_.sanctions_per_channel_max) {
    return absl::OkStatus();
  }
  std::vector<std::pair<SanctionKind, std::string>> expired;
  for (const auto& [place, sanction] : channel.extra().sanctions) {
    const std::int64_t until = sanction.until_unix_ms;
    if (until != 0 && until <= envelope_.time_unix_ms) expired.push_back(place);
  }
  for (const auto& [kind, subject] : expired) DropSanction(channel, kind, subject);
  if (!expired.empty()) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("the channel ", channel.id, " has its most bans and mutes (",
                   limits_.sanctions_per_channel_max, "); take one back first"));
}

void Decider::DropSanction(Channel& channel, SanctionKind kind, const std::string& subject) {
  decision_.store.push_back(DeleteSanction{channel.key, kind, subject});
  state_.RemoveSanction(channel, kind, subject);
}

absl::StatusOr<Result> Decider::Handle(Pardon& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  absl::StatusOr<Channel*> channel = ChannelOfRight(**user, command.channel_id, Right::kSanction);
  if (!channel.ok()) return channel.status();
  const std::optional<IpRange> range = IpRange::Parse(command.subject);
  const std::string subject = range.has_value() ? range->ToString() : command.subject;
  const SanctionRow* const known =
      ChatState::FindSanction(**channel, command.kind, subject, envelope_.time_unix_ms);
  if (known == nullptr) {
    return absl::NotFoundError(absl::StrCat("there is no ", NameOf(command.kind), " of ",
                                            Quoted(command.subject), " in the channel ",
                                            (*channel)->id));
  }
  Act act{.target_id = known->subject, .target_name = known->subject_name};
  DropSanction(**channel, command.kind, subject);
  const bool bans = command.kind == SanctionKind::kBan;
  return Acted{(*channel)->key,
               AppendAct(**channel, **user, bans ? EventKind::kUnbanned : EventKind::kUnmuted,
                         std::move(act))};
}

absl::StatusOr<Result> Decider::Handle(ListSanctions& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  absl::StatusOr<Channel*> channel = ChannelOfRight(**user, command.channel_id, Right::kSanction);
  if (!channel.ok()) return channel.status();
  SanctionList list;
  for (const auto& [place, sanction] : (*channel)->extra().sanctions) {
    const std::int64_t until = sanction.until_unix_ms;
    if (until == 0 || until > envelope_.time_unix_ms) list.sanctions.push_back(sanction);
  }
  return list;
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
