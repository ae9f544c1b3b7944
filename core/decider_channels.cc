// Channels that are not open to everybody: direct conversations, invites, members made by others.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/decider.h"
#include "core/text.h"

namespace txtchat {

absl::StatusOr<User*> Decider::ExistingUser(const std::string& id) {
  User* const user = state_.FindUserById(id);
  if (user == nullptr) return absl::NotFoundError(absl::StrCat("no user has the id ", Quoted(id)));
  return user;
}

absl::Status Decider::CheckCanBeAdded(const Channel& channel, const User& user) const {
  // The other half of its channels is for those that it joins itself.
  if (user.channels.size() >= (limits_.channels_per_user_max + 1) / 2) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the user ", user.id,
                     " is in too many channels for others to add it to more; it can still join"));
  }
  return CheckCanJoin(channel, user);
}

// --- Direct conversations.

absl::StatusOr<Result> Decider::Handle(OpenDirect& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  absl::StatusOr<User*> other = ExistingUser(command.user_id);
  if (!other.ok()) return other.status();
  if (*user == *other) {
    return absl::InvalidArgumentError("this is your own id; a conversation takes another's");
  }
  if (Channel* const known = state_.FindDirect(**user, **other)) {
    // Who has left it comes back when it opens it itself, not when the other does.
    absl::StatusOr<Result> entered = Enter(*known, **user);
    if (!entered.ok()) return entered.status();
    return InfoOf(*known);
  }
  if (absl::Status s = CheckCanJoin(Channel{}, **user); !s.ok()) return s;
  if (absl::Status s = CheckCanBeAdded(Channel{}, **other); !s.ok()) return s;
  if (absl::Status s = TakeCreation(**user); !s.ok()) return s;
  if (absl::Status s = MakeRoomForChannel(); !s.ok()) return s;
  const UserKey first = std::min((*user)->key, (*other)->key);
  const UserKey second = std::max((*user)->key, (*other)->key);
  Channel& channel = state_.AddChannel(NewChannelId(), "direct conversation", ChannelKind::kDirect,
                                       envelope_.time_unix_ms);
  state_.SetDirect(channel, **user, **other);
  decision_.store.push_back(
      PutChannel{{channel.key, channel.id, channel.display_name, channel.create_time_unix_ms,
                  channel.kind, "", first, second}});
  AddMember(channel, **user, /*creates=*/true);
  AddMember(channel, **other, /*creates=*/false);
  return InfoOf(channel);
}

// --- Members made by others.

absl::StatusOr<Result> Decider::Handle(txtchat::AddMember& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  absl::StatusOr<Channel*> channel = ChannelOfRight(**user, command.channel_id, Right::kInvite);
  if (!channel.ok()) return channel.status();
  absl::StatusOr<User*> added = ExistingUser(command.user_id);
  if (!added.ok()) return added.status();
  if ((*added)->channels.contains((*channel)->key)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the user ", (*added)->id, " is a member of the channel ", (*channel)->id, " already"));
  }
  if (FindBan(**added, **channel) != nullptr) {
    return absl::FailedPreconditionError(absl::StrCat("the user ", (*added)->id,
                                                      " is banned from the channel ",
                                                      (*channel)->id, "; take the ban back first"));
  }
  if (absl::Status s = CheckCanBeAdded(**channel, **added); !s.ok()) return s;
  return Acted{(*channel)->key, AddMember(**channel, **added, /*creates=*/false)};
}

// --- Invites.

void Decider::DropInvite(Channel& channel, const std::string& hash) {
  decision_.store.push_back(DeleteInvite{hash});
  state_.RemoveInvite(channel, hash);
}

absl::StatusOr<Result> Decider::Handle(CreateInvite& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  absl::StatusOr<Channel*> channel = ChannelOfRight(**user, command.channel_id, Right::kInvite);
  if (!channel.ok()) return channel.status();
  if ((*channel)->kind == ChannelKind::kPublic) {
    return absl::FailedPreconditionError(
        absl::StrCat("the channel ", (*channel)->id, " is public: whoever has its id can join it"));
  }
  if (command.uses_max == 0 || command.uses_max > limits_.invite_uses_max) {
    return absl::InvalidArgumentError(
        absl::StrCat("an invite can be used from 1 to ", limits_.invite_uses_max, " times"));
  }
  if (command.lifetime_ms <= 0 || command.lifetime_ms > limits_.invite_lifetime_max_ms) {
    return absl::InvalidArgumentError(absl::StrCat(
        "an invite lasts from 1 to ", limits_.invite_lifetime_max_ms / 1'000, " seconds"));
  }
  if (absl::Status s = TakeCreation(**user); !s.ok()) return s;
  if (absl::Status s = MakeRoomForInvite(**channel); !s.ok()) return s;
  InviteRow invite{.hash = command.hash,
                   .id = command.invite_id,
                   .channel = (*channel)->key,
                   .expire_time_unix_ms = envelope_.time_unix_ms + command.lifetime_ms,
                   .uses_left = command.uses_max,
                   .by_user_id = (*user)->id};
  decision_.store.push_back(PutInvite{invite});
  state_.PutInvite(**channel, invite);
  return invite;
}

absl::StatusOr<Result> Decider::Handle(ListInvites& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  absl::StatusOr<Channel*> channel = ChannelOfRight(**user, command.channel_id, Right::kInvite);
  if (!channel.ok()) return channel.status();
  InviteList list;
  for (const auto& [hash, invite] : (*channel)->extra().invites) {
    if (invite.HoldsAt(envelope_.time_unix_ms)) list.invites.push_back(invite);
  }
  return list;
}

absl::StatusOr<Result> Decider::Handle(RevokeInvite& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  absl::StatusOr<Channel*> channel = ChannelOfRight(**user, command.channel_id, Right::kInvite);
  if (!channel.ok()) return channel.status();
  for (const auto& [hash, invite] : (*channel)->extra().invites) {
    if (invite.id != command.invite_id) continue;
    DropInvite(**channel, std::string(hash));
    return std::monostate{};
  }
  return absl::NotFoundError(
      absl::StrCat("the channel ", (*channel)->id, " has no invite ", Quoted(command.invite_id)));
}

absl::StatusOr<Result> Decider::Handle(JoinByInvite& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  // One answer for all that does not lead in: it tells nothing of the channel.
  const absl::Status no_invite = absl::NotFoundError(
      "the invite is not valid, has expired, or was used up; ask for another one");
  InviteRow* const found = state_.FindInvite(command.invite_hash);
  if (found == nullptr || !found->HoldsAt(envelope_.time_unix_ms)) return no_invite;
  InviteRow invite = *found;
  Channel& channel = *state_.FindChannel(invite.channel);
  if (FindBan(**user, channel) != nullptr) return no_invite;
  absl::StatusOr<Result> entered = Enter(channel, **user);
  if (!entered.ok()) return entered.status();
  if (std::get<Joined>(*entered).already_member) return entered;
  if (--invite.uses_left == 0) {
    DropInvite(channel, invite.hash);
  } else {
    decision_.store.push_back(PutInvite{invite});
    state_.PutInvite(channel, std::move(invite));
  }
  return entered;
}

}  // namespace txtchat
