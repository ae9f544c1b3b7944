#pragma once

#include <chrono>
#include <string>

#include "client/console.h"
#include "client/endpoint.h"

namespace txtchat::client {

struct LineClientOptions {
  std::string name;
  Endpoint server;
  // To connect, and again to be welcomed and registered.
  std::chrono::milliseconds timeout{10'000};
  // After the end of input: end too, as soon as the server has echoed what was sent, or after
  // `linger`. Otherwise receive until the server closes.
  bool exit_on_eof = false;
  std::chrono::milliseconds linger{3'000};
  Console::Options console;
};

// `txtchat line`: runs the line protocol over TCP until it ends. Blocks. Answers the exit code of
// the program; what the user must know was printed.
int RunLineClient(const LineClientOptions& options);

}  // namespace txtchat::client
