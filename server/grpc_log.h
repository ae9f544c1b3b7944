#pragma once

#include "server/log.h"

namespace txtchat::server {

/// Sends gRPC's own log lines to `log` while it lives, so that everything on standard error has one
/// form. gRPC's errors are mostly of peers (a broken handshake, a lost connection): they are
/// warnings here. One at a time in a process; `log` outlives it.
class GrpcLogRoute {
 public:
  explicit GrpcLogRoute(const Log& log);
  ~GrpcLogRoute();
  GrpcLogRoute(const GrpcLogRoute&) = delete;
  GrpcLogRoute& operator=(const GrpcLogRoute&) = delete;
};

}  // namespace txtchat::server
