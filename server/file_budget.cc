#include "server/file_budget.h"

#include <algorithm>

namespace txtchat::server {

FileBudget SplitFiles(std::size_t files, std::size_t reserved, FileBudget wanted) {
  const std::size_t clients = files > reserved ? files - reserved : 0;
  const std::size_t left_by_grpc =
      clients > wanted.grpc_connections ? clients - wanted.grpc_connections : 0;
  const std::size_t line =
      std::min(wanted.line_connections, std::max(left_by_grpc, clients - clients / 4));
  const std::size_t grpc = std::min(wanted.grpc_connections, clients - line);
  return {std::max<std::size_t>(line, 1), std::max<std::size_t>(grpc, 1)};
}

}  // namespace txtchat::server
