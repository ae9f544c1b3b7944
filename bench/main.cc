// txtchat-bench: loads a server, measures it, and checks every delivery.
#include <signal.h>
#include <sys/prctl.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "bench/command_line.h"
#include "bench/floor_server.h"
#include "bench/machine.h"
#include "bench/report.h"
#include "bench/run.h"

namespace {

using txtchat::bench::CommandLine;

std::atomic<bool> g_interrupted{false};

extern "C" void OnSignal(int) { g_interrupted = true; }

/// The first Ctrl-C ends the run in order, the second one at once.
void InstallSignalHandlers() {
  struct sigaction action {};
  action.sa_handler = &OnSignal;
  action.sa_flags = SA_RESETHAND;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

int RunLoad(const txtchat::bench::Options& options) {
  // What is due shall be sent then, not 50 µs later.
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  const txtchat::bench::RunResult result = txtchat::bench::RunLoad(options, g_interrupted);
  if (options.json) {
    std::puts(txtchat::bench::JsonOf(options, result, txtchat::bench::ThisMachine()).c_str());
  } else if (result.began()) {
    std::fputs(txtchat::bench::TableOf(options, result).c_str(), stdout);
  }
  if (!result.status.ok()) {
    std::fprintf(stderr, "txtchat-bench: %s\n", std::string(result.status.message()).c_str());
  }
  return txtchat::bench::ExitCodeOf(result);
}

}  // namespace

int main(int argc, char** argv) {
  // gRPC would log to standard error what is told there in our words; whoever debugs sets it.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  const CommandLine line = txtchat::bench::ParseCommandLine(argc, argv);
  if (line.verb == CommandLine::Verb::kNone) return line.exit_code;
  InstallSignalHandlers();
  if (line.verb == CommandLine::Verb::kLoad) return RunLoad(line.options);
  const absl::Status served = txtchat::bench::ServeFloor(line.floor_listen, g_interrupted);
  if (served.ok()) return txtchat::bench::kExitOk;
  std::fprintf(stderr, "txtchat-bench: %s\n", std::string(served.message()).c_str());
  return txtchat::bench::kExitCouldNotRun;
}
