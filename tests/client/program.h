#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>

#include "tests/client/fake_server.h"

namespace txtchat::client {

struct Result {
  int exit_code;
  std::string output;  // standard output and standard error
};

// The program itself, as a shell runs it.
inline Result Shell(const std::string& command) {
  std::FILE* pipe = popen(("unset TXTCHAT_TOKEN; " + command).c_str(), "r");
  std::string output;
  std::array<char, 4096> bytes;
  while (const std::size_t got = std::fread(bytes.data(), 1, bytes.size(), pipe)) {
    output.append(bytes.data(), got);
  }
  const int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), output};
}

inline std::string Program(const std::string& arguments) {
  return "'" TXTCHAT_PROGRAM "' " + arguments + " 2>&1";
}

// The command that runs a verb against `server`.
inline std::string VerbAt(const FakeServer& server, const std::string& verb,
                          const std::string& rest) {
  return Program(verb + " --server " + server.endpoint().ToString() + " " + rest);
}

}  // namespace txtchat::client
