#pragma once

#include <cstdint>
#include <string>

#include "client/script_verbs.h"

namespace txtchat::client {

// `txtchat mod`: like the verbs for scripts (script_verbs.h), about a channel and its members. Each
// act prints nothing, or with --json the sequence number of its event.
struct ModerationOptions {
  ScriptOptions script;
  std::string channel;
  std::string subject;         // whom it is about: a user's id, or for bans an address range
  std::string text;            // the reason, the topic, the name
  std::string role;            // member, moderator, owner
  double seconds = 0;          // how long; 0: what the server does by itself
  std::uint32_t uses = 1;      // of an invite
  std::uint64_t sequence = 0;  // of a message
};

// Prints the code of a new invite.
int RunInvite(const ModerationOptions& options);

// Prints the invites that still lead in: their ids, which are no secrets, not the codes.
int RunInvites(const ModerationOptions& options);

// Ends the invite whose id is `subject`.
int RunRevokeInvite(const ModerationOptions& options);

int RunAddMember(const ModerationOptions& options);

// Joins the private channel that the code leads to, and prints its id.
int RunJoinBy(const ScriptOptions& options, const std::string& code);

int RunKick(const ModerationOptions& options);
int RunBan(const ModerationOptions& options);
int RunUnban(const ModerationOptions& options);
int RunMute(const ModerationOptions& options);
int RunUnmute(const ModerationOptions& options);
int RunRole(const ModerationOptions& options);
int RunTopic(const ModerationOptions& options);
int RunRename(const ModerationOptions& options);
int RunDeleteMessage(const ModerationOptions& options);
int RunDeleteChannel(const ModerationOptions& options);

// Prints the bans and mutes that hold.
int RunBans(const ModerationOptions& options);

}  // namespace txtchat::client
