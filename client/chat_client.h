#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "client/chat_session.h"
#include "client/console.h"

namespace txtchat::client {

struct ChatClientOptions {
  ChatSession::Options session;
  // After the end of input: end too, as soon as everything is sent and was seen to arrive, or
  // after `linger`. Otherwise receive until Ctrl-C.
  bool exit_on_eof = false;
  std::chrono::milliseconds linger{3'000};
  Console::Options console;
};

// `txtchat chat`: a person's chat over gRPC. Blocks. Answers the exit code of the program; what the
// user must know was printed.
int RunChatClient(const ChatClientOptions& options);

}  // namespace txtchat::client
