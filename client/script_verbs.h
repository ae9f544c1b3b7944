#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "client/endpoint.h"

namespace txtchat::client {

// The verbs for scripts: one job over gRPC, then the end. Each blocks, prints its result to
// standard output (one JSON object a line if asked) and what went wrong to standard error, and
// answers the program's exit code.
struct ScriptOptions {
  Endpoint server;
  std::chrono::milliseconds timeout{10'000};  // of each call
  std::string name;                           // of the guest that is registered without a token
  std::string token;                          // acts as this user instead
  bool json = false;
};

// Prints a new user's id and token, or the token alone.
int RunRegister(const ScriptOptions& options, bool token_only);

// Prints every channel.
int RunChannels(const ScriptOptions& options, bool joined_only);

// Opens the conversation with a user, or finds the one that there is, and prints its id.
int RunDirect(const ScriptOptions& options, const std::string& user_id);

// Creates a channel, public or private, and prints its id.
int RunCreate(const ScriptOptions& options, const std::string& channel_name, bool is_private);

// Joins the channel and sends texts until `next` answers false. Stops at the first that cannot be
// sent, and tells how many were.
int RunSend(const ScriptOptions& options, const std::string& channel_id,
            const std::function<bool(std::string&)>& next);

struct TailOptions {
  std::vector<std::string> channels;
  std::uint64_t count = 0;  // ends after so many messages; 0: never
  bool events = false;      // who joins and leaves, and who moderates, too
  bool reconnect = false;
};

// Joins the channels and prints what is posted to them from then on.
int RunTail(const ScriptOptions& options, const TailOptions& tail);

}  // namespace txtchat::client
