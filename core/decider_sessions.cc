// Guests that come, and the sessions of all users.
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/decider.h"
#include "core/text.h"

namespace txtchat {
namespace {

absl::Status NotToChoose() {
  return absl::FailedPreconditionError("your name is what your token says; get another token");
}

}  // namespace

absl::StatusOr<Result> Decider::Handle(Register& command) {
  if (absl::Status s = ValidateName("user name", command.display_name, limits_); !s.ok()) return s;
  if (Session* known = state_.FindSession(command.session.id)) {
    User& user = *state_.FindUser(known->user);
    if (absl::Status s = CheckNewName(user, command.display_name); !s.ok()) return s;
    const Channel* const personal = state_.FindChannelById(user.id);
    const bool is_in_it = personal != nullptr && user.channels.contains(personal->key);
    if (!is_in_it && personal == nullptr) {
      if (absl::Status s = CheckRoomForPersonalChannel(user.kind); !s.ok()) return s;
    }
    if (!is_in_it) {
      if (absl::Status s = CheckCanJoin(Channel{}, user); !s.ok()) return s;
    }
    decision_.store.push_back(RenameUser{user.key, command.display_name});
    state_.Rename(user, std::move(command.display_name));
    // The answer names the personal channel, so the user is in it again, even if it had left.
    if (!is_in_it) EnterPersonalChannel(user);
    return Registered{InfoOf(user)};
  }
  // Otherwise it would be two users at once.
  if (envelope_.actor.vouched != nullptr) return NotToChoose();
  if (!limits_.guests_admitted) {
    return absl::PermissionDeniedError(
        "guests are not admitted here; log in, or show a token (auth$TOKEN)");
  }
  if (absl::Status s = CheckRoomForUser(UserKind::kGuest); !s.ok()) return s;
  const User* const former_user = state_.FindUserById(command.user_id);
  if (absl::Status s = CheckLooks(command.display_name, UserKind::kGuest, former_user); !s.ok()) {
    return s;
  }

  // The same address again means that its former connection is gone, even if nobody noticed yet.
  if (User* former = state_.FindUserById(command.user_id)) {
    EndUser(*former, absl::AbortedError("another connection has taken over this address"));
  }
  // Members whom the former user left behind in its personal channel must not listen to the new
  // one.
  if (Channel* former = state_.FindChannelById(command.user_id)) {
    const std::vector<UserKey> members(former->members.begin(), former->members.end());
    for (UserKey key : members) RemoveMember(*former, *state_.FindUser(key));
    if (Channel* empty = state_.FindChannelById(command.user_id)) EndChannel(*empty);
  }

  User& user = AddUser({.id = std::move(command.user_id),
                        .display_name = std::move(command.display_name),
                        .credential = std::move(command.credential)});
  if (command.session.id != 0) state_.AddSession(command.session, user, {});
  EnterPersonalChannel(user);
  return Registered{InfoOf(user)};
}

void Decider::EnterPersonalChannel(User& user) {
  Channel* personal = state_.FindChannelById(user.id);
  if (personal == nullptr) {
    personal = &AddChannel(user.id, user.display_name, ChannelKind::kPersonal);
  }
  AddMember(*personal, user, /*creates=*/true);
}

absl::Status Decider::CheckRoomForSession(const User& user) const {
  if (user.sessions.size() < limits_.sessions_per_user_max) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      "you have ", user.sessions.size(), " open streams, the most a user may have; end one"));
}

absl::StatusOr<Result> Decider::Handle(OpenSession& command) {
  if (state_.FindSession(command.session.id) != nullptr) {
    return absl::FailedPreconditionError(
        "this connection has its user already; connect anew to be another");
  }
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  if (absl::Status s = CheckRoomForSession(**user); !s.ok()) return s;
  if (absl::Status chosen = CheckChosen(command, **user); !chosen.ok()) return chosen;
  SessionOpened opened{InfoOf(**user), {}};
  const absl::StatusOr<Beginnings> beginnings = MeetPositions(command, **user, opened.recoveries);
  if (!beginnings.ok()) return beginnings.status();
  Session& session = state_.AddSession(command.session, **user, command.channel_ids);
  NoteExpiry(session);
  for (ChannelKey key : (*user)->channels) {
    const Channel& channel = *state_.FindChannel(key);
    if (!session.Follows(channel)) continue;
    const auto beginning = beginnings->find(key);
    StartSession(session, channel,
                 beginning == beginnings->end() ? channel.head : beginning->second);
  }
  return opened;
}

absl::StatusOr<Result> Decider::Handle(CloseSession&) {
  Session* const session = state_.FindSession(envelope_.actor.session);
  if (session == nullptr) return std::monostate{};
  User& user = *state_.FindUser(session->user);
  for (ChannelKey key : user.channels) {
    const Channel& channel = *state_.FindChannel(key);
    if (session->Follows(channel)) EndSubscription(*session, channel, channel.head);
  }
  state_.RemoveSession(*session, envelope_.time_unix_ms);
  if (user.ends_with_session() && user.sessions.empty()) {
    EndUser(user, absl::CancelledError("the connection has ended"));
  }
  return std::monostate{};
}

absl::StatusOr<Result> Decider::Handle(SetFormat& command) {
  Session* const session = state_.FindSession(envelope_.actor.session);
  if (session == nullptr) {
    return absl::UnauthenticatedError("nobody is registered here; register first (reg$NAME)");
  }
  const WireFormat from = session->spec.format;
  if (from == command.format) return std::monostate{};
  for (ChannelKey key : state_.FindUser(session->user)->channels) {
    const Channel& channel = *state_.FindChannel(key);
    if (session->Follows(channel)) {
      decision_.steps.push_back(FormatStep{channel.feed, from, command.format});
    }
  }
  state_.SetFormat(*session, command.format);
  return std::monostate{};
}

absl::StatusOr<Result> Decider::Handle(WhoAmI&) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  return Registered{InfoOf(**user)};
}

}  // namespace txtchat
