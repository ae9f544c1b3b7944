#pragma once

namespace txtchat::client {

// The whole program: reads the command line, runs the verb, answers the exit code. Blocks.
int RunCli(int argc, const char* const* argv);

}  // namespace txtchat::client
