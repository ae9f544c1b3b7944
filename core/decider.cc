#include "core/decider.h"

#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/text.h"

namespace txtchat {

absl::StatusOr<Result> Decider::Decide(Command& command) {
  return std::visit([this](auto& specific) { return Handle(specific); }, command);
}

void Decider::Expire(const Limits& limits, ChatState& state, Decision& decision,
                     std::int64_t now_unix_ms) {
  Envelope internal;
  internal.time_unix_ms = now_unix_ms;
  Decider decider(limits, state, decision, internal);
  for (User* user : state.TakeExpiredUsers(now_unix_ms)) {
    decider.EndUser(*user, absl::UnauthenticatedError("the user has ended; register again"));
  }
  for (Channel* channel : state.TakeExpiredChannels(now_unix_ms)) decider.EndChannel(*channel);
}

// --- Who acts, and on what.

absl::StatusOr<User*> Decider::ActingUser() {
  const Actor& actor = envelope_.actor;
  User* user = nullptr;
  if (!actor.credential.empty()) {
    user = state_.FindUserByCredential(actor.credential);
    if (user == nullptr) {
      return absl::UnauthenticatedError(
          "the token is not valid or its user has ended; register again");
    }
  } else {
    const Session* session = state_.FindSession(actor.session);
    if (session == nullptr) {
      return absl::UnauthenticatedError("nobody is registered here; register first (reg$NAME)");
    }
    user = state_.FindUser(session->user);
  }
  const std::string& claimed = actor.claimed_user_id;
  if (!claimed.empty() && claimed != user->id) {
    if (state_.FindUserById(claimed) != nullptr) {
      return absl::PermissionDeniedError(
          absl::StrCat("the user id ", claimed, " is somebody else's; use your own, ", user->id));
    }
    if (!actor.claim_is_address) {
      return absl::InvalidArgumentError(
          absl::StrCat(Quoted(claimed), " is not a user id; use your own, ", user->id, ", or -"));
    }
  }
  state_.Touch(*user, envelope_.time_unix_ms);
  return user;
}

absl::StatusOr<Channel*> Decider::ExistingChannel(const std::string& id) {
  Channel* const channel = state_.FindChannelById(id);
  if (channel == nullptr)
    return absl::NotFoundError(absl::StrCat("no channel has the id ", Quoted(id)));
  return channel;
}

absl::Status Decider::CheckTablesHaveRoom(bool for_user) const {
  if (for_user && state_.user_count() >= limits_.users_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the server has its most users (", limits_.users_max, "); try again later"));
  }
  if (state_.channel_count() >= limits_.channels_max) {
    return absl::ResourceExhaustedError(absl::StrCat("the server has its most channels (",
                                                     limits_.channels_max, "); try again later"));
  }
  return absl::OkStatus();
}

absl::Status Decider::CheckCanJoin(const Channel& channel, const User& user) const {
  if (user.channels.size() >= limits_.channels_per_user_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat("you are in ", user.channels.size(),
                     " channels, the most a user may be in; leave one first"));
  }
  if (channel.members.size() >= limits_.members_per_channel_max) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the channel ", channel.id, " has its most members (", channel.members.size(), ")"));
  }
  return absl::OkStatus();
}

std::string Decider::NewChannelId() {
  std::uint64_t bits = envelope_.entropy;
  for (;;) {
    std::string id = absl::StrFormat("%010x", bits >> 24);
    if (state_.FindChannelById(id) == nullptr) return id;
    // Taken: step to another 40 bits (Knuth's MMIX generator), the same ones in every replay.
    bits = bits * 6364136223846793005u + 1442695040888963407u;
  }
}

// --- What changes.

EventPtr Decider::AppendEvent(Channel& channel, const User& user, EventKind kind, Send* message) {
  auto event = std::make_shared<Event>();
  event->channel_id = channel.id;
  event->sequence = state_.NextSequence(channel);
  event->time_unix_ms = envelope_.time_unix_ms;
  event->kind = kind;
  event->user_id = user.id;
  event->user_name = user.display_name;
  if (message != nullptr) {
    event->text = std::move(message->text);
    event->client_message_id = std::move(message->client_message_id);
  }
  decision_.store.events.push_back({channel.key, event});
  decision_.steps.push_back(AppendStep{channel.feed, event});
  return event;
}

void Decider::StartSession(const Session& session, const Channel& channel, std::uint64_t cursor) {
  decision_.steps.push_back(StartStep{channel.feed, session.spec, cursor});
}

void Decider::EndSubscription(const Session& session, const Channel& channel,
                              std::uint64_t last_sequence) {
  decision_.steps.push_back(EndStep{channel.feed, session.spec, last_sequence});
}

void Decider::AddMember(Channel& channel, User& user, bool creates) {
  state_.AddMember(channel, user);
  const auto start_sessions = [&](bool that_see_it, std::uint64_t cursor) {
    for (SessionId id : user.sessions) {
      const Session& session = *state_.FindSession(id);
      const bool sees_it = !creates || session.spec.sees_own_creation;
      if (sees_it == that_see_it && session.Follows(channel)) {
        StartSession(session, channel, cursor);
      }
    }
  };
  start_sessions(true, channel.head);
  AppendEvent(channel, user, EventKind::kMemberJoined, nullptr);
  start_sessions(false, channel.head);
}

void Decider::RemoveMember(Channel& channel, User& user) {
  const bool ends_channel = channel.personal && channel.members.size() == 1;
  AppendEvent(channel, user, EventKind::kMemberLeft, nullptr);
  for (SessionId id : user.sessions) {
    const Session& session = *state_.FindSession(id);
    if (session.Follows(channel)) EndSubscription(session, channel, channel.head);
  }
  state_.RemoveMember(channel, user, envelope_.time_unix_ms);
  if (ends_channel) EndChannel(channel);
}

void Decider::EndChannel(Channel& channel) {
  decision_.store.ended_channels.push_back(channel.key);
  decision_.steps.push_back(CloseChannelStep{channel.feed});
  state_.RemoveChannel(channel);
}

void Decider::EndUser(User& user, const absl::Status& reason) {
  const std::vector<ChannelKey> channels(user.channels.begin(), user.channels.end());
  for (ChannelKey key : channels) RemoveMember(*state_.FindChannel(key), user);
  const std::vector<SessionId> sessions = user.sessions;
  for (SessionId id : sessions) {
    Session& session = *state_.FindSession(id);
    decision_.steps.push_back(SessionEndStep{session.spec, reason});
    state_.RemoveSession(session, envelope_.time_unix_ms);
  }
  state_.RemoveUser(user);
}

// --- Commands: users and sessions.

absl::StatusOr<Result> Decider::Handle(Register& command) {
  if (absl::Status s = ValidateName("user name", command.display_name, limits_); !s.ok()) return s;
  if (Session* known = state_.FindSession(command.session.id)) {
    User& user = *state_.FindUser(known->user);
    const Channel* const personal = state_.FindChannelById(user.id);
    const bool is_in_it = personal != nullptr && user.channels.contains(personal->key);
    if (!is_in_it && personal == nullptr) {
      if (absl::Status s = CheckTablesHaveRoom(false); !s.ok()) return s;
    }
    if (!is_in_it) {
      if (absl::Status s = CheckCanJoin(Channel{}, user); !s.ok()) return s;
    }
    state_.Rename(user, std::move(command.display_name));
    // The answer names the personal channel, so the user is in it again, even if it had left.
    if (!is_in_it) EnterPersonalChannel(user);
    return Registered{InfoOf(user)};
  }
  if (absl::Status s = CheckTablesHaveRoom(true); !s.ok()) return s;

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

  User& user = state_.AddUser(command, envelope_.time_unix_ms);
  if (command.session.id != 0) state_.AddSession(command.session, user, {});
  EnterPersonalChannel(user);
  return Registered{InfoOf(user)};
}

void Decider::EnterPersonalChannel(User& user) {
  Channel* personal = state_.FindChannelById(user.id);
  if (personal == nullptr) {
    personal =
        &state_.AddChannel(user.id, user.display_name, /*personal=*/true, envelope_.time_unix_ms);
  }
  AddMember(*personal, user, /*creates=*/true);
}

absl::StatusOr<Result> Decider::Handle(OpenSession& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  if ((*user)->sessions.size() >= limits_.sessions_per_user_max) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "you have ", (*user)->sessions.size(), " open streams, the most a user may have; end one"));
  }
  if (command.channel_ids.size() > limits_.channels_per_user_max) {
    return absl::InvalidArgumentError(
        absl::StrCat("at most ", limits_.channels_per_user_max, " channels can be chosen"));
  }
  for (const std::string& id : command.channel_ids) {
    absl::StatusOr<Channel*> channel = ExistingChannel(id);
    if (!channel.ok()) return channel.status();
    if (!(*user)->channels.contains((*channel)->key)) {
      return absl::PermissionDeniedError(
          absl::StrCat("you are not a member of the channel ", id, "; join it first"));
    }
  }
  const Session& session = state_.AddSession(command.session, **user, command.channel_ids);
  for (ChannelKey key : (*user)->channels) {
    const Channel& channel = *state_.FindChannel(key);
    if (session.Follows(channel)) StartSession(session, channel, channel.head);
  }
  return SessionOpened{InfoOf(**user)};
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
  if (user.credential.empty() && user.sessions.empty()) {
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

// --- Commands: channels.

absl::StatusOr<Result> Decider::Handle(CreateChannel& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  if (absl::Status s = ValidateName("channel name", command.display_name, limits_); !s.ok()) {
    return s;
  }
  if (absl::Status s = CheckTablesHaveRoom(false); !s.ok()) return s;
  if (absl::Status s = CheckCanJoin(Channel{}, **user); !s.ok()) return s;
  Channel& channel = state_.AddChannel(NewChannelId(), std::move(command.display_name),
                                       /*personal=*/false, envelope_.time_unix_ms);
  AddMember(channel, **user, /*creates=*/true);
  return InfoOf(channel);
}

absl::StatusOr<Result> Decider::Handle(Join& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  absl::StatusOr<Channel*> channel = ExistingChannel(command.channel_id);
  if (!channel.ok()) return channel.status();
  if ((*user)->channels.contains((*channel)->key)) return Joined{InfoOf(**channel), true};
  if (absl::Status s = CheckCanJoin(**channel, **user); !s.ok()) return s;
  AddMember(**channel, **user, /*creates=*/false);
  return Joined{InfoOf(**channel), false};
}

absl::StatusOr<Result> Decider::Handle(Leave& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  absl::StatusOr<Channel*> channel = ExistingChannel(command.channel_id);
  if (!channel.ok()) return channel.status();
  if (!(*user)->channels.contains((*channel)->key)) {
    return absl::FailedPreconditionError(
        absl::StrCat("you are not a member of the channel ", command.channel_id));
  }
  RemoveMember(**channel, **user);
  return std::monostate{};
}

absl::StatusOr<Result> Decider::Handle(Send& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  absl::StatusOr<Channel*> channel = ExistingChannel(command.channel_id);
  if (!channel.ok()) return channel.status();
  if (!(*user)->channels.contains((*channel)->key)) {
    return absl::PermissionDeniedError(absl::StrCat("you are not a member of the channel ",
                                                    command.channel_id, "; join it first"));
  }
  if (absl::Status s = ValidateText(command.text, command.allow_empty_text, limits_); !s.ok()) {
    return s;
  }
  if (command.client_message_id.size() > limits_.client_message_id_bytes_max) {
    return absl::InvalidArgumentError(
        absl::StrCat("the client message id has ", command.client_message_id.size(),
                     " bytes; at most ", limits_.client_message_id_bytes_max, " are allowed"));
  }
  return Posted{(*channel)->key,
                AppendEvent(**channel, **user, EventKind::kMessagePosted, &command)};
}

}  // namespace txtchat
