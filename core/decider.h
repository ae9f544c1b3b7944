#pragma once

#include <cstdint>
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

namespace txtchat {

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
  absl::StatusOr<Result> Handle(GetChannel& command);
  absl::StatusOr<Result> Handle(ListChannels& command);
  absl::StatusOr<Result> Handle(ListMembers& command);
  absl::StatusOr<Result> Handle(Join& command);
  absl::StatusOr<Result> Handle(Resume& command);
  absl::StatusOr<Result> Handle(Leave& command);
  absl::StatusOr<Result> Handle(Send& command);
  absl::StatusOr<Result> Handle(OpenHistory& command);
  absl::StatusOr<Result> Handle(WhoAmI& command);
  absl::StatusOr<Result> Handle(Trim& command);
  absl::StatusOr<Result> Handle(Purge& command);

  /// The acting user, or why nobody may act so.
  absl::StatusOr<User*> ActingUser();
  absl::StatusOr<Channel*> ExistingChannel(const std::string& id);
  /// PERMISSION_DENIED if the user is no member.
  static absl::Status CheckMember(const User& user, const Channel& channel);
  /// Both.
  absl::StatusOr<Channel*> ChannelOfMember(const User& user, const std::string& id);
  absl::Status CheckRoomForUser() const;
  absl::Status CheckRoomForPersonalChannel() const;
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

  User& AddUser(const Register& command);
  Channel& AddChannel(std::string id, std::string display_name, ChannelKind kind);
  /// Makes the user a member of its personal channel, which is created if there is none.
  void EnterPersonalChannel(User& user);
  /// Adds the member with its event; `creates` where joining is part of making the channel.
  /// Sessions begin at `cursor` instead of the joining where there is one.
  void AddMember(Channel& channel, User& user, bool creates,
                 std::optional<std::uint64_t> cursor = std::nullopt);
  /// Removes the member with its event, and a personal channel with its last member.
  void RemoveMember(Channel& channel, User& user);
  /// Removes a channel that has no members.
  void EndChannel(Channel& channel);
  /// Ends the user with everything that is its own. Sessions are told `reason`.
  void EndUser(User& user, const absl::Status& reason);

  EventPtr Append(Channel& channel, const User& user, EventKind kind, Send* message);
  void StartSession(const Session& session, const Channel& channel, std::uint64_t cursor);
  void EndSubscription(const Session& session, const Channel& channel, std::uint64_t last_sequence);

  static ChannelInfo InfoOf(const Channel& channel);
  static UserInfo InfoOf(const User& user) { return {user.id, user.display_name}; }

  const Limits& limits_;
  ChatState& state_;
  MessageStore& store_;
  Decision& decision_;
  const Envelope& envelope_;
};

}  // namespace txtchat
