#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "core/event.h"
#include "core/message_store.h"

namespace txtchat::testing {

/// Who is in which channel, in which role, banned or muted, written as plainly as can be and apart
/// from the core: what a command is answered, and what it leads to. Copies.
class PolicyModel {
 public:
  using Code = absl::StatusCode;
  static constexpr int kUsers = 5;
  static constexpr int kSlots = 3;

  enum class Act {
    kCreate,
    kRemove,
    kJoin,
    kResume,
    kLeave,
    kSend,
    kTopic,
    kAdd,
    kKick,
    kBan,
    kMute,
    kUnban,
    kUnmute,
    kRole,
    kInvite,
    kUseInvite,
    kDelete,
    kList,
  };
  static constexpr int kActs = static_cast<int>(Act::kList) + 1;

  struct Op {
    Act act = Act::kJoin;
    int actor = 0;
    int slot = 0;  ///< Of the channel.
    int target = 0;
    Role role = Role::kMember;
    std::int64_t duration_ms = 0;
    std::string invite;
    std::uint64_t message = 0;
  };

  struct Channel {
    bool exists = false;
    bool is_private = false;
    std::map<int, Role> members;
    std::map<int, std::int64_t> banned;  ///< Until when; 0: for good.
    std::map<int, std::int64_t> muted;
    std::map<int, int> banned_by;  ///< Who put it.
    std::map<int, int> muted_by;
    std::map<std::uint64_t, int> messages;  ///< Who has posted it; -1: somebody who has gone.
    std::map<std::string, int> invites;     ///< How often each can be used.
  };

  Code Decide(const Op& op, std::int64_t now) {
    Channel& c = channels[op.slot];
    const bool member = c.members.contains(op.actor);
    switch (op.act) {
      case Act::kCreate:
        c = {.exists = true, .is_private = op.slot == 0, .members = {{op.actor, Role::kOwner}}};
        return Code::kOk;
      case Act::kUseInvite:
        return UseInvite(c, op, now);
      case Act::kJoin:
      case Act::kResume:
        if (!IsVisible(c, op.actor)) return Code::kNotFound;
        if (member) return op.act == Act::kJoin ? Code::kOk : Code::kFailedPrecondition;
        if (Holds(c.banned, op.actor, now)) return Code::kPermissionDenied;
        c.members[op.actor] = Role::kMember;
        return Code::kOk;
      case Act::kLeave:
        if (!IsVisible(c, op.actor)) return Code::kNotFound;
        if (!member) return Code::kFailedPrecondition;
        Leave(c, op.actor);
        return Code::kOk;
      case Act::kSend:
      case Act::kList:
        if (const Code code = Right(c, op.actor, Role::kMember); code != Code::kOk) return code;
        return op.act == Act::kSend && Holds(c.muted, op.actor, now) ? Code::kPermissionDenied
                                                                     : Code::kOk;
      case Act::kDelete:
        return Delete(c, op);
      case Act::kTopic:
        if (const Code code = Right(c, op.actor, Role::kModerator); code != Code::kOk) return code;
        return Holds(c.muted, op.actor, now) ? Code::kPermissionDenied : Code::kOk;
      case Act::kRemove: {
        const Code code = Right(c, op.actor, Role::kOwner);
        if (code == Code::kOk) c = {};
        return code;
      }
      default:
        return DecideOnOthers(c, op, now);
    }
  }

  /// The user ends, with all that it has said, and comes back as another with the same name.
  void Replace(int user) {
    for (Channel& c : channels) {
      if (c.members.contains(user)) Leave(c, user);
      c.banned.erase(user);
      c.muted.erase(user);
      std::erase_if(c.messages, [&](const auto& message) { return message.second == user; });
    }
    age_[user] = ++newest_;
  }

  static bool Holds(const std::map<int, std::int64_t>& sanctions, int user, std::int64_t now) {
    const auto it = sanctions.find(user);
    return it != sanctions.end() && (it->second == 0 || it->second > now);
  }

  std::array<Channel, kSlots> channels;

 private:
  static bool IsVisible(const Channel& c, int user) {
    return c.exists && (!c.is_private || c.members.contains(user));
  }

  static Code Right(const Channel& c, int user, Role least) {
    if (!IsVisible(c, user)) return Code::kNotFound;
    const auto member = c.members.find(user);
    return member == c.members.end() || member->second < least ? Code::kPermissionDenied
                                                               : Code::kOk;
  }

  /// Whether the actor may end, or change, what `by` has put on the target.
  static bool MayLift(const Channel& c, const Op& op, int by) {
    if (op.actor == op.target) return false;
    const auto put = c.members.find(by);
    return put == c.members.end() || put->second <= c.members.at(op.actor);
  }

  static int Owners(const Channel& c) {
    int owners = 0;
    for (const auto& [user, role] : c.members) owners += role == Role::kOwner ? 1 : 0;
    return owners;
  }

  void Leave(Channel& c, int user) {
    const bool last_owner = c.members.at(user) == Role::kOwner && Owners(c) == 1;
    c.members.erase(user);
    if (!last_owner) return;
    int next = -1;
    for (const auto& [other, role] : c.members) {
      if (role == Role::kModerator && (next < 0 || age_[other] < age_[next])) next = other;
    }
    if (next >= 0) c.members[next] = Role::kOwner;
  }

  static Code UseInvite(Channel& named, const Op& op, std::int64_t now) {
    const auto it = named.invites.find(op.invite);
    if (it == named.invites.end() || Holds(named.banned, op.actor, now)) return Code::kNotFound;
    if (!named.members.try_emplace(op.actor, Role::kMember).second) return Code::kOk;
    if (--it->second == 0) named.invites.erase(it);
    return Code::kOk;
  }

  static Code Delete(Channel& c, const Op& op) {
    if (const Code code = Right(c, op.actor, Role::kMember); code != Code::kOk) return code;
    const auto message = c.messages.find(op.message);
    if (message == c.messages.end()) return Code::kNotFound;
    if (message->second != op.actor && c.members.at(op.actor) < Role::kModerator) {
      return Code::kPermissionDenied;
    }
    c.messages.erase(message);
    return Code::kOk;
  }

  Code DecideOnOthers(Channel& c, const Op& op, std::int64_t now) {
    const Role least = op.act == Act::kRole ? Role::kOwner : Role::kModerator;
    if (const Code code = Right(c, op.actor, least); code != Code::kOk) return code;
    const auto target = c.members.find(op.target);
    const bool is_member = target != c.members.end();
    const bool is_below = is_member && target->second < c.members.at(op.actor);
    const std::int64_t until = op.duration_ms == 0 ? 0 : now + op.duration_ms;
    switch (op.act) {
      case Act::kAdd:
        if (is_member || Holds(c.banned, op.target, now)) return Code::kFailedPrecondition;
        c.members[op.target] = Role::kMember;
        return Code::kOk;
      case Act::kInvite:
        if (!c.is_private) return Code::kFailedPrecondition;
        c.invites[op.invite] = 2;
        return Code::kOk;
      case Act::kUnban:
      case Act::kUnmute: {
        auto& sanctions = op.act == Act::kUnban ? c.banned : c.muted;
        if (!Holds(sanctions, op.target, now)) return Code::kNotFound;
        const auto& by = op.act == Act::kUnban ? c.banned_by : c.muted_by;
        if (!MayLift(c, op, by.at(op.target))) return Code::kPermissionDenied;
        sanctions.erase(op.target);
        return Code::kOk;
      }
      case Act::kRole:
        if (!is_member) return Code::kNotFound;
        if (op.target == op.actor && op.role != Role::kOwner && Owners(c) == 1) {
          return Code::kFailedPrecondition;
        }
        if (op.target != op.actor && target->second == Role::kOwner) return Code::kPermissionDenied;
        target->second = op.role;
        return Code::kOk;
      default:
        break;
    }
    if (!is_member && op.act != Act::kBan) return Code::kNotFound;
    if (is_member && op.target == op.actor) return Code::kInvalidArgument;
    if (is_member && !is_below) return Code::kPermissionDenied;
    if (op.act == Act::kBan && Holds(c.banned, op.target, now) &&
        !MayLift(c, op, c.banned_by.at(op.target))) {
      return Code::kPermissionDenied;
    }
    if (op.act == Act::kMute && Holds(c.muted, op.target, now) &&
        !MayLift(c, op, c.muted_by.at(op.target))) {
      return Code::kPermissionDenied;
    }
    if (op.act == Act::kBan) {
      c.banned[op.target] = until;
      c.banned_by[op.target] = op.actor;
    }
    if (op.act == Act::kMute) {
      c.muted[op.target] = until;
      c.muted_by[op.target] = op.actor;
    } else if (is_member) {
      Leave(c, op.target);
    }
    return Code::kOk;
  }

  std::array<int, kUsers> age_ = {0, 1, 2, 3, 4};  ///< In the order of their coming.
  int newest_ = kUsers;
};

}  // namespace txtchat::testing
