#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/chat_state.h"
#include "core/command.h"
#include "core/decision.h"
#include "core/limits.h"
#include "core/message_store.h"
#include "core/policy.h"

namespace txtchat {

/// What stands in the place of a name that was erased.
inline constexpr char kErasedName[] = "(erased)";

/// The rules of the chat: who may do what, and what follows from it. Every handler checks first and
/// changes afterwards, so that a refused command leaves no trace. Deterministic, single-threaded;
/// lives for one command.
class Decider {
 public:
  /// `envelope` says who acts, when, and with what entropy.
  Decider(const Limits& limits, ChatState& state, MessageStore& store, Decision& decision,
          const Envelope& envelope)
      : limits_(limits), state_(state), store_(store), decision_(decision), envelope_(envelope) {}

  absl::StatusOr<Result> Decide(Command& command);

  /// Ends users and channels whose time has come.
  void Expire();
  /// Ends users whose connection the last run of the server had.
  void EndLostUsers();

 private:
  absl::StatusOr<Result> Handle(Register& command);
  absl::StatusOr<Result> Handle(OpenSession& command);
  absl::StatusOr<Result> Handle(CloseSession& command);
  absl::StatusOr<Result> Handle(SetFormat& command);
  absl::StatusOr<Result> Handle(CreateChannel& command);
  absl::StatusOr<Result> Handle(OpenDirect& command);
  absl::StatusOr<Result> Handle(GetChannel& command);
  absl::StatusOr<Result> Handle(ListChannels& command);
  absl::StatusOr<Result> Handle(ListMembers& command);
  absl::StatusOr<Result> Handle(Join& command);
  absl::StatusOr<Result> Handle(JoinByInvite& command);
  absl::StatusOr<Result> Handle(txtchat::AddMember& command);
  absl::StatusOr<Result> Handle(Resume& command);
  absl::StatusOr<Result> Handle(Leave& command);
  absl::StatusOr<Result> Handle(Send& command);
  absl::StatusOr<Result> Handle(SetTopic& command);
  absl::StatusOr<Result> Handle(RenameChannel& command);
  absl::StatusOr<Result> Handle(RemoveChannel& command);
  absl::StatusOr<Result> Handle(RemoveMessage& command);
  absl::StatusOr<Result> Handle(Kick& command);
  absl::StatusOr<Result> Handle(Sanction& command);
  absl::StatusOr<Result> Handle(Pardon& command);
  absl::StatusOr<Result> Handle(SetRole& command);
  absl::StatusOr<Result> Handle(ListSanctions& command);
  absl::StatusOr<Result> Handle(CreateInvite& command);
  absl::StatusOr<Result> Handle(ListInvites& command);
  absl::StatusOr<Result> Handle(RevokeInvite& command);
  absl::StatusOr<Result> Handle(OpenHistory& command);
  absl::StatusOr<Result> Handle(WhoAmI& command);
  absl::StatusOr<Result> Handle(SetDisplayName& command);
  absl::StatusOr<Result> Handle(CreateAccount& command);
  absl::StatusOr<Result> Handle(FindLogin& command);
  absl::StatusOr<Result> Handle(FindOwnLogin& command);
  absl::StatusOr<Result> Handle(EnterAccount& command);
  absl::StatusOr<Result> Handle(ChangePassword& command);
  absl::StatusOr<Result> Handle(ListTokens& command);
  absl::StatusOr<Result> Handle(RevokeToken& command);
  absl::StatusOr<Result> Handle(EraseUserData& command);
  absl::StatusOr<Result> Handle(Trim& command);
  absl::StatusOr<Result> Handle(Purge& command);

  /// The acting user, or why nobody may act so.
  absl::StatusOr<User*> ActingUser();
  /// RESOURCE_EXHAUSTED: the user asks more than it may.
  absl::Status CheckPace(User& user) const;
  /// The last check before the user makes one more thing that stays: takes it from what it may.
  /// RESOURCE_EXHAUSTED: it has made too much of late.
  absl::Status TakeCreation(User& user) const;
  /// The user that the actor is, or why it is none.
  absl::StatusOr<User*> FindActor();
  absl::StatusOr<User*> VouchedUser(const Vouched& vouched);
  absl::Status CheckLooks(const std::string& display_name, UserKind kind, const User* self) const;
  /// Whether the user may take the name.
  absl::Status CheckNewName(const User& user, const std::string& display_name) const;
  absl::Status CheckRoomForAccount(UserKind kind) const;
  absl::Status CheckRoomForSession(const User& user) const;
  absl::Status CheckToken(const NewToken& token) const;
  /// Makes the token, and room for it.
  TokenRow AddToken(const User& user, NewToken token);
  /// Hash of the token that the actor shows, or that its session was opened with; may be empty.
  std::string TokenOfActor();
  void DropToken(const User& user, const std::string& hash, const absl::Status& reason);
  void EndSession(Session& session, const absl::Status& reason);
  /// What the actor's session is opened with.
  void NoteExpiry(Session& session);
  std::string NewUserId();
  /// The channel with this id, as far as it exists for the user. NOT_FOUND
  absl::StatusOr<Channel*> VisibleChannel(const User& user, const std::string& id);
  /// Whether who vouches for the actor lets it join this channel.
  bool IsGranted(const Channel& channel) const;
  /// PERMISSION_DENIED if the user is no member.
  static absl::Status CheckMember(const User& user, const Channel& channel);
  /// Both.
  absl::StatusOr<Channel*> ChannelOfMember(const User& user, const std::string& id);
  /// And the right: PERMISSION_DENIED if its role has it not, FAILED_PRECONDITION if nobody there
  /// has it.
  absl::StatusOr<Channel*> ChannelOfRight(const User& user, const std::string& id, Right right);
  /// PERMISSION_DENIED if the user is muted.
  absl::Status CheckNotMuted(const User& user, const Channel& channel) const;
  /// The ban that keeps the user out, even by the hand of a moderator; null if there is none.
  const SanctionRow* FindBan(const User& user, const Channel& channel) const;
  /// PERMISSION_DENIED if the user may not come in by itself: banned, or an account from a banned
  /// range where anybody can make one.
  absl::Status CheckNotBanned(const User& user, const Channel& channel) const;
  /// NOT_FOUND
  absl::StatusOr<User*> ExistingUser(const std::string& id);
  /// The member of the channel with this user id, whom `actor` stands above.
  absl::StatusOr<User*> MemberBelow(const User& actor, const Channel& channel,
                                    const std::string& user_id);
  /// Whether others may still make the user a member of channels.
  absl::Status CheckCanBeAdded(const Channel& channel, const User& user) const;
  absl::Status CheckRoomForUser(UserKind kind) const;
  absl::Status CheckRoomForPersonalChannel(UserKind kind) const;
  /// Ends an unused channel where there is no room for another one. RESOURCE_EXHAUSTED: all are
  /// used.
  absl::Status MakeRoomForChannel();
  absl::Status CheckCanJoin(const Channel& channel, const User& user) const;
  std::string NewChannelId();

  /// Where a reader at `position` of the channel goes on.
  struct Beginning {
    Recovery recovery;
    std::uint64_t cursor = 0;
  };
  /// OUT_OF_RANGE  the position is beyond the head
  absl::StatusOr<Beginning> BeginAt(const Position& position, const Channel& channel) const;
  /// The channels that a session of `user` begins to follow at a position.
  using Beginnings = absl::flat_hash_map<ChannelKey, std::uint64_t>;
  /// Checks the positions, and adds one recovery for each.
  absl::StatusOr<Beginnings> MeetPositions(const OpenSession& command, const User& user,
                                           std::vector<Recovery>& recoveries);
  absl::Status CheckChosen(const OpenSession& command, const User& user);
  /// What an earlier send of the user with this client message id posted; null if there was none.
  absl::StatusOr<EventPtr> FindSent(const User& user, const std::string& client_message_id);

  User& AddUser(UserRow row);
  Channel& AddChannel(std::string id, std::string display_name, ChannelKind kind);
  /// Makes the user a member of its personal channel, which is created if there is none.
  void EnterPersonalChannel(User& user);
  /// Adds the member with its event; `creates` where joining is part of making the channel.
  /// Sessions begin at `cursor` instead of the joining where there is one.
  /// Answers the event.
  EventPtr AddMember(Channel& channel, User& user, bool creates,
                     std::optional<std::uint64_t> cursor = std::nullopt);
  /// Removes the member with its event, and a personal channel with its last member.
  void RemoveMember(Channel& channel, User& user);
  /// Puts another owner in the place of the last one, who is about to go; if there is a moderator.
  void HandOn(Channel& channel, const User& leaving);
  /// Ends a channel, with the subscriptions of those who are in it.
  void EndChannel(Channel& channel);
  /// Makes the user a member, by another's doing or not.
  absl::StatusOr<Result> Enter(Channel& channel, User& user);
  /// Ends the memberships of those whom the ban is about.
  void RemoveBanned(Channel& channel, const User& actor, const SanctionRow& ban);
  /// What the command asks for, if the actor may do that to its subject.
  absl::StatusOr<SanctionRow> MakeSanction(const User& actor, const Channel& channel,
                                           Sanction& command);
  static std::size_t OwnersOf(const Channel& channel);
  /// PERMISSION_DENIED if the actor may not end, or replace, what holds.
  absl::Status CheckMayLift(const User& actor, const Channel& channel, const SanctionRow& sanction);
  /// Makes room for one more of a channel's sanctions: forgets those that have expired.
  /// RESOURCE_EXHAUSTED: the channel has its most, or the server has few left.
  absl::Status MakeRoomForSanction(Channel& channel);
  absl::Status MakeRoomForInvite(Channel& channel);
  void DropSanction(Channel& channel, SanctionKind kind, const std::string& subject);
  /// Puts `row` in the place of the sanction that it was made of.
  void MoveSanction(Channel& channel, const SanctionRow& from, SanctionRow row);
  /// Before the user ends: what outlives it is kept by its subject, the rest is forgotten.
  void LeaveSanctions(const User& user);
  /// Holds a new user to what it was held to before it was erased.
  void TakeUpSanctions(const User& user, const Vouched& vouched);
  void DropInvite(Channel& channel, const std::string& hash);
  /// The message, if it is still there. NOT_FOUND
  absl::StatusOr<EventPtr> FindMessage(const Channel& channel, std::uint64_t sequence);
  /// Ends the user with everything that is its own. Sessions are told `reason`.
  void EndUser(User& user, const absl::Status& reason);

  EventPtr Append(Channel& channel, const User& user, EventKind kind, Send* message);
  EventPtr AppendAct(Channel& channel, const User& user, EventKind kind, Act act);
  EventPtr Publish(Channel& channel, const User& user, std::shared_ptr<Event> event);
  void SetMemberRole(Channel& channel, const User& user, Role role);
  void StartSession(const Session& session, const Channel& channel, std::uint64_t cursor);
  void EndSubscription(const Session& session, const Channel& channel, std::uint64_t last_sequence);

  static ChannelInfo InfoOf(const Channel& channel);
  MemberInfo MemberOf(const Channel& channel, const User& user) const;
  static UserInfo InfoOf(const User& user) { return {user.id, user.display_name}; }

  const Limits& limits_;
  ChatState& state_;
  MessageStore& store_;
  Decision& decision_;
  const Envelope& envelope_;
};

}  // namespace txtchat
