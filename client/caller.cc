#include "client/caller.h"

#include <cstdio>

#include "client/exit_code.h"

namespace txtchat::client {

void PrintLine(const std::string& line) {
  std::fwrite((line + "\n").data(), 1, line.size() + 1, stdout);
  std::fflush(stdout);
}

void PrintError(const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }

int WrongUsage(const std::string& problem) {
  PrintError("txtchat: " + problem);
  return kExitUsage;
}

int Fail(const ScriptOptions& options, const std::string& what, const grpc::Status& status) {
  PrintError(ExplainFailure(what, options.server, status));
  return ExitCodeOf(status);
}

}  // namespace txtchat::client
