#pragma once

#include <cstddef>

namespace txtchat::server {

/// How many connections each transport may have.
struct FileBudget {
  std::size_t line_connections = 0;
  std::size_t grpc_connections = 0;
};

/// Each connection is a file, and a process may open `files` of them. `reserved` are kept for
/// everything that is no client. Where the rest is not enough for what both transports want, the
/// line protocol, whose users need a connection each, has three quarters of it at least, and gRPC
/// the remainder: neither can take the other's. At least one connection each.
FileBudget SplitFiles(std::size_t files, std::size_t reserved, FileBudget wanted);

}  // namespace txtchat::server
