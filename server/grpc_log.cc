#include "server/grpc_log.h"

#include <grpc/support/log.h>

#include <atomic>
#include <string>

namespace txtchat::server {
namespace {

// gRPC takes a bare function for the whole process.
std::atomic<const Log*> target{nullptr};

void Forward(gpr_log_func_args* args) {
  const Log* const log = target.load(std::memory_order_acquire);
  if (log == nullptr) return;
  const std::string file(args->file);
  const std::string where = file.substr(file.rfind('/') + 1) + ":" + std::to_string(args->line);
  const LogLevel level =
      args->severity == GPR_LOG_SEVERITY_ERROR ? LogLevel::kWarning : LogLevel::kDebug;
  log->Write(level, "grpc", {{"where", where}, {"message", args->message}});
}

}  // namespace

GrpcLogRoute::GrpcLogRoute(const Log& log) {
  target.store(&log, std::memory_order_release);
  gpr_set_log_function(&Forward);
}

GrpcLogRoute::~GrpcLogRoute() {
  gpr_set_log_function(nullptr);
  target.store(nullptr, std::memory_order_release);
}

}  // namespace txtchat::server
