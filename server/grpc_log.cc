#include "server/grpc_log.h"

#include <grpc/support/log.h>

#include <string>
#include <utility>

namespace txtchat::server {

std::uint64_t ErrorTally::Add(const std::string& where, std::chrono::steady_clock::time_point now) {
  absl::MutexLock lock(&mutex_);
  const auto [entry, is_new] = entries_.try_emplace(where);
  ++entry->second.untold;
  if (!is_new && now - entry->second.told < interval_) return 0;
  entry->second.told = now;
  return std::exchange(entry->second.untold, 0);
}

std::atomic<GrpcLogRoute*> GrpcLogRoute::current_{nullptr};

void GrpcLogRoute::Forward(gpr_log_func_args* args) {
  GrpcLogRoute* const route = current_.load(std::memory_order_acquire);
  if (route == nullptr) return;
  const std::string file(args->file);
  const std::string where = file.substr(file.rfind('/') + 1) + ":" + std::to_string(args->line);
  route->log_.Debug("grpc", {{"where", where}, {"message", args->message}});
  if (args->severity != GPR_LOG_SEVERITY_ERROR) return;
  const std::uint64_t count = route->errors_.Add(where, std::chrono::steady_clock::now());
  if (count == 0) return;
  route->log_.Warning("grpc", {{"where", where},
                               {"count", static_cast<std::int64_t>(count)},
                               {"message",
                                "gRPC reports an error, usually a peer's fault; its text may "
                                "quote what the peer sent and is logged at level debug"}});
}

GrpcLogRoute::GrpcLogRoute(const Log& log) : log_(log) {
  current_.store(this, std::memory_order_release);
  gpr_set_log_function(&Forward);
}

GrpcLogRoute::~GrpcLogRoute() {
  gpr_set_log_function(nullptr);
  current_.store(nullptr, std::memory_order_release);
}

}  // namespace txtchat::server
