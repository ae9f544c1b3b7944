#include "core/decider.h"

#include <algorithm>
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

void Decider::Expire() {
  const std::int64_t now_unix_ms = envelope_.time_unix_ms;
  for (User* user : state_.TakeExpiredUsers(now_unix_ms)) {
    EndUser(*user, absl::UnauthenticatedError("the user has ended; register again"));
  }
  for (Channel* channel : state_.TakeExpiredChannels(now_unix_ms)) EndChannel(*channel);
  const absl::Status expired = absl::UnauthenticatedError("the token has expired; get another one");
  for (SessionId id : state_.ExpiredSessions(now_unix_ms)) {
    EndSession(*state_.FindSession(id), expired);
  }
  for (const std::string& hash : state_.ExpiredTokens(now_unix_ms)) {
    DropToken(*state_.FindUser(state_.FindToken(hash)->user), hash, expired);
  }
}

void Decider::EndLostUsers() {
  for (User* user : state_.UsersWithoutCredential()) {
    EndUser(*user, absl::CancelledError("the server was restarted"));
  }
}

// --- Who acts, and on what.

absl::StatusOr<User*> Decider::FindActor() {
  const Actor& actor = envelope_.actor;
  // Of a line connection, the session says who it is from its beginning on.
  const bool begins = std::holds_alternative<OpenSession>(envelope_.command);
  if (actor.vouched != nullptr && (actor.session == 0 || begins)) {
    return VouchedUser(*actor.vouched);
  }
  if (!actor.credential.empty()) {
    if (User* const guest = state_.FindUserByCredential(actor.credential)) return guest;
    const TokenRow* const token = state_.FindToken(actor.credential);
    if (token != nullptr && token->HoldsAt(envelope_.time_unix_ms)) {
      return state_.FindUser(token->user);
    }
    return absl::UnauthenticatedError(
        "the token is not valid, has expired, or its user has ended; register or log in again");
  }
  const Session* const session = state_.FindSession(actor.session);
  if (session == nullptr) {
    return absl::UnauthenticatedError("nobody is registered here; register first (reg$NAME)");
  }
  return state_.FindUser(session->user);
}

absl::StatusOr<User*> Decider::ActingUser() {
  const Actor& actor = envelope_.actor;
  absl::StatusOr<User*> found = FindActor();
  if (!found.ok()) return found;
  User* const user = *found;
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
  if (absl::Status s = CheckPace(*user); !s.ok()) return s;
  state_.Touch(*user, envelope_.time_unix_ms);
  if (actor.address.known()) user->address = actor.address;
  return user;
}

absl::StatusOr<Channel*> Decider::VisibleChannel(const User& user, const std::string& id) {
  Channel* const channel = state_.FindChannelById(id);
  const bool is_hidden =
      channel != nullptr && !user.channels.contains(channel->key) &&
      (channel->kind == ChannelKind::kPrivate || channel->kind == ChannelKind::kDirect) &&
      // Who is banned learns no more than any stranger, whatever its token grants.
      (!IsGranted(*channel) || FindBan(user, *channel) != nullptr);
  if (channel == nullptr || is_hidden) {
    return absl::NotFoundError(absl::StrCat("no channel has the id ", Quoted(id)));
  }
  return channel;
}

bool Decider::IsGranted(const Channel& channel) const {
  const Vouched* const vouched = envelope_.actor.vouched.get();
  if (vouched == nullptr || channel.kind != ChannelKind::kPrivate) return false;
  const std::vector<std::string>& ids = vouched->channel_ids;
  return std::find(ids.begin(), ids.end(), channel.id) != ids.end();
}

absl::Status Decider::CheckMember(const User& user, const Channel& channel) {
  if (user.channels.contains(channel.key)) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat("you are not a member of the channel ", channel.id, "; join it first"));
}

absl::StatusOr<Channel*> Decider::ChannelOfMember(const User& user, const std::string& id) {
  absl::StatusOr<Channel*> channel = VisibleChannel(user, id);
  if (!channel.ok()) return channel;
  if (absl::Status s = CheckMember(user, **channel); !s.ok()) return s;
  return channel;
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

User& Decider::AddUser(UserRow row) {
  User& user = state_.AddUser(std::move(row), envelope_.time_unix_ms);
  if (envelope_.actor.address.known()) user.address = envelope_.actor.address;
  decision_.store.push_back(PutUser{ChatState::RowOf(user)});
  return user;
}

Channel& Decider::AddChannel(std::string id, std::string display_name, ChannelKind kind) {
  Channel& channel =
      state_.AddChannel(std::move(id), std::move(display_name), kind, envelope_.time_unix_ms);
  decision_.store.push_back(PutChannel{{channel.key, channel.id, channel.display_name,
                                        channel.create_time_unix_ms, channel.kind, "", 0, 0}});
  return channel;
}

EventPtr Decider::Append(Channel& channel, const User& user, EventKind kind, Send* message) {
  auto event = std::make_shared<Event>();
  event->kind = kind;
  if (message != nullptr) {
    event->text = std::move(message->text);
    event->client_message_id = std::move(message->client_message_id);
    state_.NoteMessage(channel);
  }
  return Publish(channel, user, std::move(event));
}

EventPtr Decider::Publish(Channel& channel, const User& user, std::shared_ptr<Event> event) {
  event->channel_id = channel.id;
  event->sequence = state_.NextSequence(channel);
  event->time_unix_ms = envelope_.time_unix_ms;
  event->user_id = user.id;
  event->user_name = user.display_name;
  decision_.store.push_back(AppendEvent{channel.key, user.key, event});
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

EventPtr Decider::AddMember(Channel& channel, User& user, bool creates,
                            std::optional<std::uint64_t> begin_at) {
  state_.AddMember(channel, user);
  const bool owns =
      creates && (channel.kind == ChannelKind::kPublic || channel.kind == ChannelKind::kPrivate);
  if (owns) state_.SetRole(channel, user, Role::kOwner);
  decision_.store.push_back(
      PutMembership{{channel.key, user.key, ChatState::RoleOf(channel, user)}});
  const auto start_sessions = [&](bool that_see_it, std::uint64_t cursor) {
    for (SessionId id : user.sessions) {
      const Session& session = *state_.FindSession(id);
      // Another of the user's sessions has created it: this one gets no answer that says so.
      const bool sees_it =
          !creates || session.spec.sees_own_creation || id != envelope_.actor.session;
      if (sees_it == that_see_it && session.Follows(channel)) {
        StartSession(session, channel, cursor);
      }
    }
  };
  start_sessions(true, begin_at.value_or(channel.head));
  EventPtr joining = Append(channel, user, EventKind::kMemberJoined, nullptr);
  start_sessions(false, channel.head);
  return joining;
}

void Decider::RemoveMember(Channel& channel, User& user) {
  const bool ends_channel = channel.kind == ChannelKind::kPersonal && channel.members.size() == 1;
  HandOn(channel, user);
  Append(channel, user, EventKind::kMemberLeft, nullptr);
  for (SessionId id : user.sessions) {
    const Session& session = *state_.FindSession(id);
    if (session.Follows(channel)) EndSubscription(session, channel, channel.head);
  }
  state_.RemoveMember(channel, user, envelope_.time_unix_ms);
  decision_.store.push_back(DeleteMembership{{channel.key, user.key}});
  if (ends_channel) EndChannel(channel);
}

void Decider::EndChannel(Channel& channel) {
  const std::vector<UserKey> members(channel.members.begin(), channel.members.end());
  for (UserKey key : members) {
    User& user = *state_.FindUser(key);
    for (SessionId id : user.sessions) {
      const Session& session = *state_.FindSession(id);
      if (session.Follows(channel)) EndSubscription(session, channel, channel.head);
    }
    state_.RemoveMember(channel, user, envelope_.time_unix_ms);
  }
  decision_.store.push_back(DeleteChannel{channel.key});
  decision_.steps.push_back(CloseChannelStep{channel.feed});
  state_.RemoveChannel(channel);
}

void Decider::EndUser(User& user, const absl::Status& reason) {
  const std::vector<ChannelKey> channels(user.channels.begin(), user.channels.end());
  for (ChannelKey key : channels) RemoveMember(*state_.FindChannel(key), user);
  LeaveSanctions(user);
  const std::vector<SessionId> sessions = user.sessions;
  for (SessionId id : sessions) EndSession(*state_.FindSession(id), reason);
  // The store forgets them with the user.
  for (const TokenRow* token : state_.TokensOf(user)) state_.RemoveToken(std::string(token->hash));
  decision_.store.push_back(DeleteUser{user.key});
  state_.RemoveUser(user);
}

// --- Commands: channels.

absl::StatusOr<Result> Decider::Handle(CreateChannel& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  if (absl::Status s = ValidateName("channel name", command.display_name, limits_); !s.ok()) {
    return s;
  }
  if (absl::Status s = CheckCanJoin(Channel{}, **user); !s.ok()) return s;
  if (absl::Status s = TakeCreation(**user); !s.ok()) return s;
  if (absl::Status s = MakeRoomForChannel(); !s.ok()) return s;
  Channel& channel = AddChannel(NewChannelId(), std::move(command.display_name), command.kind);
  AddMember(channel, **user, /*creates=*/true);
  return InfoOf(channel);
}

absl::StatusOr<Result> Decider::Handle(Join& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  absl::StatusOr<Channel*> channel = VisibleChannel(**user, command.channel_id);
  if (!channel.ok()) return channel.status();
  if (absl::Status s = CheckNotBanned(**user, **channel); !s.ok()) return s;
  return Enter(**channel, **user);
}

absl::StatusOr<Result> Decider::Enter(Channel& channel, User& user) {
  if (user.channels.contains(channel.key)) return Joined{InfoOf(channel), true};
  if (absl::Status s = CheckCanJoin(channel, user); !s.ok()) return s;
  AddMember(channel, user, /*creates=*/false);
  return Joined{InfoOf(channel), false};
}

absl::StatusOr<Result> Decider::Handle(Leave& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  absl::StatusOr<Channel*> channel = VisibleChannel(**user, command.channel_id);
  if (!channel.ok()) return channel.status();
  if (!(*user)->channels.contains((*channel)->key)) {
    return absl::FailedPreconditionError(
        absl::StrCat("you are not a member of the channel ", command.channel_id));
  }
  RemoveMember(**channel, **user);
  return std::monostate{};
}

absl::StatusOr<Result> Decider::Handle(Resume& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  absl::StatusOr<Channel*> channel = VisibleChannel(**user, command.position.channel_id);
  if (!channel.ok()) return channel.status();
  if ((*user)->channels.contains((*channel)->key)) {
    return absl::FailedPreconditionError(
        absl::StrCat("you are in the channel ", (*channel)->id,
                     " and get what is said there; leave it first to go on from elsewhere"));
  }
  if (absl::Status s = CheckNotBanned(**user, **channel); !s.ok()) return s;
  if (absl::Status s = CheckCanJoin(**channel, **user); !s.ok()) return s;
  absl::StatusOr<Beginning> beginning = BeginAt(command.position, **channel);
  if (!beginning.ok()) return beginning.status();
  AddMember(**channel, **user, /*creates=*/false, beginning->cursor);
  return Resumed{InfoOf(**channel), std::move(beginning->recovery)};
}

// --- Commands from within.

absl::StatusOr<Result> Decider::Handle(Trim& command) {
  // It may have ended since somebody looked.
  if (state_.FindChannel(command.channel) == nullptr) return std::monostate{};
  decision_.store.push_back(TrimChannel{command.channel, command.first_kept});
  return std::monostate{};
}

absl::StatusOr<Result> Decider::Handle(Purge&) {
  decision_.store.push_back(PurgeStep{});
  return std::monostate{};
}

}  // namespace txtchat
