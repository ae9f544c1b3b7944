// Bans and mutes: who is held to one, and who puts and takes them.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/decider.h"
#include "core/text.h"

namespace txtchat {
namespace {

const char* NameOf(SanctionKind kind) { return kind == SanctionKind::kBan ? "ban" : "mute"; }

std::string ErasedSubject(const Vouched& vouched) {
  return absl::StrCat(kErasedSubject, absl::BytesToHexString(vouched.subject_hash));
}

}  // namespace

// --- Who is held to one.

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
  if (ban != nullptr || user.kind != UserKind::kGuest || !user.address.known()) return ban;
  return ChatState::FindBannedRange(channel, user.address, now_unix_ms);
}

absl::Status Decider::CheckNotBanned(const User& user, const Channel& channel) const {
  if (FindBan(user, channel) != nullptr) {
    return absl::PermissionDeniedError(
        absl::StrCat("you are banned from the channel ", channel.id));
  }
  // Where anybody can make an account, a guest who is kept out would come back with one.
  const bool is_anybody = user.kind == UserKind::kAccount && limits_.accounts_open;
  if (!is_anybody || !user.address.known() ||
      ChatState::FindBannedRange(channel, user.address, envelope_.time_unix_ms) == nullptr) {
    return absl::OkStatus();
  }
  return absl::PermissionDeniedError(
      absl::StrCat("the network that you come from is banned from the channel ", channel.id,
                   "; ask somebody who moderates it to add you, or to invite you"));
}

// --- Putting and taking.

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

absl::Status Decider::CheckMayLift(const User& actor, const Channel& channel,
                                   const SanctionRow& sanction) {
  const std::string what = absl::StrCat(NameOf(sanction.kind), " of ", Quoted(sanction.subject));
  if (sanction.subject == actor.id) {
    return absl::PermissionDeniedError(absl::StrCat(
        "the ", what, " is your own; ask another who moderates the channel ", channel.id));
  }
  const User* const by = state_.FindUserById(sanction.by_user_id);
  const bool is_member = by != nullptr && by->channels.contains(channel.key);
  const Role imposer = is_member ? ChatState::RoleOf(channel, *by) : Role::kMember;
  if (MayLift(ChatState::RoleOf(channel, actor), imposer)) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat("the ", what, " was put by ", by->id, ", who is ",
                                                  RoleName(imposer), " of the channel ", channel.id,
                                                  " and stands above you; ask there"));
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
  const auto former = (*channel)->extra().sanctions.find(place);
  if (former == (*channel)->extra().sanctions.end()) {
    if (absl::Status s = TakeCreation(**user); !s.ok()) return s;
    if (absl::Status s = MakeRoomForSanction(**channel); !s.ok()) return s;
  } else if (former->second.HoldsAt(envelope_.time_unix_ms)) {
    // Another in its place could be as short as one likes.
    if (absl::Status s = CheckMayLift(**user, **channel, former->second); !s.ok()) return s;
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
  if (bans) RemoveBanned(**channel, **user, *row);
  return acted;
}

void Decider::RemoveBanned(Channel& channel, const User& actor, const SanctionRow& ban) {
  if (ban.user != 0) {
    User& banned = *state_.FindUser(ban.user);
    if (banned.channels.contains(channel.key)) RemoveMember(channel, banned);
    return;
  }
  const std::optional<IpRange> range = IpRange::Parse(ban.subject);
  const Role role = ChatState::RoleOf(channel, actor);
  std::vector<User*> banned;
  for (const UserKey key : channel.members) {
    User* const member = state_.FindUser(key);
    if (member->kind != UserKind::kGuest || !member->address.known()) continue;
    if (!range.has_value() || !range->Contains(member->address)) continue;
    // Nobody who stands as high as the actor goes because of an address.
    if (StandsAbove(role, ChatState::RoleOf(channel, *member))) banned.push_back(member);
  }
  for (User* const member : banned) RemoveMember(channel, *member);
}

void Decider::DropSanction(Channel& channel, SanctionKind kind, const std::string& subject) {
  decision_.store.push_back(DeleteSanction{channel.key, kind, subject});
  state_.RemoveSanction(channel, kind, subject);
}

// --- When their users end and come back. Why so: docs/adr/0014-who-may-do-what.md.

void Decider::MoveSanction(Channel& channel, const SanctionRow& from, SanctionRow row) {
  DropSanction(channel, from.kind, std::string(from.subject));
  decision_.store.push_back(PutSanction{row});
  state_.PutSanction(channel, std::move(row));
}

void Decider::LeaveSanctions(const User& user) {
  const Vouched* const vouched = envelope_.actor.vouched.get();
  for (Channel* channel : state_.SanctioningChannels(user)) {
    for (const SanctionKind kind : {SanctionKind::kBan, SanctionKind::kMute}) {
      const auto it = channel->extra().sanctions.find(std::make_pair(kind, user.id));
      if (it == channel->extra().sanctions.end()) continue;
      if (user.kind != UserKind::kVouched || vouched == nullptr) {
        // Whoever comes next is somebody else, even where it gets the same id. The store forgets
        // them with the user.
        state_.RemoveSanction(*channel, kind, user.id);
        continue;
      }
      const SanctionRow known = it->second;
      SanctionRow row = known;
      row.subject = ErasedSubject(*vouched);
      row.subject_name = kErasedName;
      row.user = 0;
      MoveSanction(*channel, known, std::move(row));
    }
  }
}

void Decider::TakeUpSanctions(const User& user, const Vouched& vouched) {
  const std::string subject = ErasedSubject(vouched);
  for (Channel* channel : state_.ChannelsHolding(subject)) {
    for (const SanctionKind kind : {SanctionKind::kBan, SanctionKind::kMute}) {
      const auto it = channel->extra().sanctions.find(std::make_pair(kind, subject));
      if (it == channel->extra().sanctions.end()) continue;
      const SanctionRow known = it->second;
      if (!known.HoldsAt(envelope_.time_unix_ms)) {
        DropSanction(*channel, kind, subject);
        continue;
      }
      SanctionRow row = known;
      row.subject = user.id;
      row.subject_name = user.display_name;
      row.user = user.key;
      MoveSanction(*channel, known, std::move(row));
    }
  }
}

// --- Pardon, and the list.

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
  if (absl::Status s = CheckMayLift(**user, **channel, *known); !s.ok()) return s;
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
    if (sanction.HoldsAt(envelope_.time_unix_ms)) list.sanctions.push_back(sanction);
  }
  return list;
}

}  // namespace txtchat
