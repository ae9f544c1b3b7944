#include "core/policy.h"

namespace txtchat {

bool HasRight(ChannelKind kind, Right right) {
  switch (right) {
    case Right::kRead:
    case Right::kSpeak:
      return true;
    case Right::kRemoveMessage:
    case Right::kSetTopic:
    case Right::kSanction:
      return kind != ChannelKind::kDirect;
    case Right::kInvite:
    case Right::kRename:
    case Right::kSetRole:
    case Right::kRemoveChannel:
      return kind == ChannelKind::kPublic || kind == ChannelKind::kPrivate;
  }
  return false;
}

Role LeastRole(Right right) {
  switch (right) {
    case Right::kRead:
    case Right::kSpeak:
      return Role::kMember;
    case Right::kRemoveMessage:
    case Right::kSetTopic:
    case Right::kInvite:
    case Right::kSanction:
      return Role::kModerator;
    case Right::kRename:
    case Right::kSetRole:
    case Right::kRemoveChannel:
      return Role::kOwner;
  }
  return Role::kOwner;
}

bool MayDo(Role role, Right right) { return role >= LeastRole(right); }

const char* RoleName(Role role) {
  switch (role) {
    case Role::kMember:
      return "member";
    case Role::kModerator:
      return "moderator";
    case Role::kOwner:
      return "owner";
  }
  return "member";
}

}  // namespace txtchat
