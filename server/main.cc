// txtchatd: reads the configuration, starts the server, waits for a signal, drains.
#include <signal.h>
#include <sys/resource.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/synchronization/mutex.h"
#include "server/config.h"
#include "server/grpc_log.h"
#include "server/log.h"
#include "server/server.h"
#include "server/version.h"

namespace {

using txtchat::server::Log;

/// Each connection is a file: take as many as the system gives us.
void RaiseFileLimit(const Log& log) {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == files.rlim_max) return;
  files.rlim_cur = files.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &files) != 0) {
    log.Warning("file limit not raised", {{"limit", static_cast<std::int64_t>(files.rlim_cur)}});
  }
}

/// Blocked before any thread starts, so that only AwaitStopSignal sees them.
sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);  // A vanished peer is an error of write(), not the end of the server.
  return signals;
}

/// Blocks SIGHUP as well where it means something: that certificates or keys are to be read again.
/// Elsewhere it ends the program, as always.
sigset_t WithReloadSignal(sigset_t signals, const txtchat::server::Config& config) {
  if (config.tls_cert.empty() && config.jwt_keys.empty()) return signals;
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

std::string AwaitStopSignal(const sigset_t& signals, txtchat::server::Server& server) {
  for (;;) {
    int number = 0;
    if (sigwait(&signals, &number) != 0) continue;
    if (number == SIGINT) return "SIGINT";
    if (number == SIGTERM) return "SIGTERM";
    server.ReloadFiles();
  }
}

}  // namespace

int main(int argc, char** argv) {
  const sigset_t signals = BlockStopSignals();
  const txtchat::server::ParsedConfig parsed = txtchat::server::ParseConfig(argc, argv);
  if (parsed.exit_code.has_value()) return *parsed.exit_code;

  const sigset_t all_signals = WithReloadSignal(signals, parsed.config);

  // Never destroyed: threads of gRPC outlive main, and log to the end.
  static const Log& log = *new Log(parsed.config.log_format, parsed.config.log_level);
  [[maybe_unused]] static const auto& grpc_log = *new txtchat::server::GrpcLogRoute(log);
  RaiseFileLimit(log);
#ifdef NDEBUG
  // Debian's Abseil looks for cycles at every lock, gRPC's included. Builds for tests keep that.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
  log.Info("starting", {{"version", txtchat::server::kVersion}});
  auto server = txtchat::server::Server::Start(parsed.config, log);
  if (!server.ok()) {
    log.Error("cannot start", {{"reason", std::string(server.status().message())}});
    return 1;
  }

  const std::string signal_name = AwaitStopSignal(all_signals, **server);
  log.Info("draining",
           {{"signal", signal_name}, {"timeout_s", std::to_string(parsed.config.drain_timeout_s)}});
  // A second signal is not waited for politely.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  const bool all_delivered = (*server)->Drain();
  log.Info("stopped", {{"all_delivered", all_delivered}});
  return all_delivered ? 0 : 1;
}
