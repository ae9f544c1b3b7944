// txtchat-bench: loads a server, measures it, and checks every delivery.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "bench/abuse_report.h"
#include "bench/abuse_run.h"
#include "bench/command_line.h"
#include "bench/floor_server.h"
#include "bench/machine.h"
#include "bench/naive_server.h"
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

/// Every connection is a file: as many as the system gives.
void RaiseFileLimit() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
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

int RunAbuse(const CommandLine& line) {
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  const txtchat::bench::AbuseResult result =
      txtchat::bench::RunAbuse(line.options, line.abuse, g_interrupted);
  const std::string told =
      line.options.json
          ? txtchat::bench::JsonOf(line.options, line.abuse, result, txtchat::bench::ThisMachine())
          : txtchat::bench::TableOf(line.options, line.abuse, result);
  std::puts(told.c_str());
  if (!result.status.ok()) {
    std::fprintf(stderr, "txtchat-bench: %s\n", std::string(result.status.message()).c_str());
  }
  return txtchat::bench::ExitCodeOf(result);
}

absl::Status Serve(const CommandLine& line) {
  if (line.verb == CommandLine::Verb::kFloor) {
    return txtchat::bench::ServeFloor(line.listen, g_interrupted);
  }
  return txtchat::bench::ServeNaive(line.listen, line.publish_listen, g_interrupted);
}

}  // namespace

int main(int argc, char** argv) {
  // gRPC would log to standard error what is told there in our words; whoever debugs sets it.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  const CommandLine line = txtchat::bench::ParseCommandLine(argc, argv);
  if (line.verb == CommandLine::Verb::kNone) return line.exit_code;
  InstallSignalHandlers();
  RaiseFileLimit();
  if (line.verb == CommandLine::Verb::kLoad) return RunLoad(line.options);
  if (line.verb == CommandLine::Verb::kAbuse) return RunAbuse(line);
  const absl::Status served = Serve(line);
  if (served.ok()) return txtchat::bench::kExitOk;
  std::fprintf(stderr, "txtchat-bench: %s\n", std::string(served.message()).c_str());
  return txtchat::bench::kExitCouldNotRun;
}
