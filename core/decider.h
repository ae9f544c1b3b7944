#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/chat_state.h"
#include "core/command.h"
#include "core/decision.h"
#include "core/limits.h"

namespace txtchat {

/// The rules of the chat: who may do what, and what follows from it. Every handler checks first and
/// changes afterwards, so that a refused command leaves no trace. Deterministic, single-threaded;
/// lives for one command.
class Decider {
 public:
  /// `envelope` says who acts, when, and with what entropy.
  Decider(const Limits& limits, ChatState& state, Decision& decision, const Envelope& envelope)
      : limits_(limits), state_(state), decision_(decision), envelope_(envelope) {}

  absl::StatusOr<Result> Decide(Command& command);

  /// Ends users and channels whose time has come.
  static void Expire(const Limits& limits, ChatState& state, Decision& decision,
                     std::int64_t now_unix_ms);

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
  absl::StatusOr<Result> Handle(Leave& command);
  absl::StatusOr<Result> Handle(Send& command);
  absl::StatusOr<Result> Handle(WhoAmI& command);

  /// The acting user, or why nobody may act so.
  absl::StatusOr<User*> ActingUser();
  absl::StatusOr<Channel*> ExistingChannel(const std::string& id);
  absl::Status CheckTablesHaveRoom(bool for_user) const;
  absl::Status CheckCanJoin(const Channel& channel, const User& user) const;
  std::string NewChannelId();

  /// Makes the user a member of its personal channel, which is created if there is none.
  void EnterPersonalChannel(User& user);
  /// Adds the member with its event; `creates` where joining is part of making the channel.
  void AddMember(Channel& channel, User& user, bool creates);
  /// Removes the member with its event, and a personal channel with its last member.
  void RemoveMember(Channel& channel, User& user);
  /// Removes a channel that has no members.
  void EndChannel(Channel& channel);
  /// Ends the user with everything that is its own. Sessions are told `reason`.
  void EndUser(User& user, const absl::Status& reason);

  EventPtr AppendEvent(Channel& channel, const User& user, EventKind kind, Send* message);
  void StartSession(const Session& session, const Channel& channel, std::uint64_t cursor);
  void EndSubscription(const Session& session, const Channel& channel, std::uint64_t last_sequence);

  static ChannelInfo InfoOf(const Channel& channel);
  static UserInfo InfoOf(const User& user) { return {user.id, user.display_name}; }

  const Limits& limits_;
  ChatState& state_;
  Decision& decision_;
  const Envelope& envelope_;
};

}  // namespace txtchat
