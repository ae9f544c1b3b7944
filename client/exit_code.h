#pragma once

namespace txtchat::client {

// What the program's end says. Documented for users in `txtchat --help`; keep both in step.
enum ExitCode : int {
  kExitOk = 0,            // everything asked for was done
  kExitError = 1,         // the server refused, or something else went wrong
  kExitUsage = 2,         // the command line is wrong
  kExitUnreachable = 3,   // cannot connect, no answer in time, or the server was lost
  kExitInterrupted = 130  // Ctrl-C
};

}  // namespace txtchat::client
