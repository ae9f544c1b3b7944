#include "server/transport_options.h"

#include <algorithm>
#include <chrono>

namespace txtchat::server {

gateway::GatewayOptions GatewayOptionsOf(const Config& config) {
  gateway::GatewayOptions options;
  options.address = config.line_listen.host;
  options.port = config.line_listen.port;
  options.tls_address = config.line_tls_listen.host;
  options.tls_port = config.line_tls_listen.port;
  options.tls_handshake_timeout = std::chrono::milliseconds(config.tls_handshake_timeout_ms);
  options.io_threads = config.line_io_threads;
  options.connections_max = config.line_connections_max;
  options.reserved_files = config.reserved_files + config.grpc_connections_max;
  options.line_bytes_max = config.line_bytes_max;
  options.write_stall_timeout = std::chrono::seconds(config.write_stall_timeout_s);
  options.register_timeout = std::chrono::seconds(config.line_register_timeout_s);
  options.plain_login = config.line_plain_login;
  options.errors = config.line_errors;
  options.reply_backlog_bytes_max = config.line_reply_backlog_bytes_max;
  options.proxy_protocol_from = config.proxy_protocol_from;
  return options;
}

rpc::RpcOptions RpcOptionsOf(const Config& config) {
  rpc::RpcOptions options;
  if (config.grpc_listen.on()) {
    options.listen = config.grpc_listen.ToString();
  } else {
    options.listen.clear();
  }
  if (config.grpc_tls_listen.on()) options.tls_listen = config.grpc_tls_listen.ToString();
  options.plain_login = config.grpc_plain_login;
  options.connections_max = config.grpc_connections_max;
  options.streams_max = config.grpc_streams_max;
  options.concurrent_calls_max = static_cast<int>(config.grpc_calls_per_connection_max);
  options.idle_timeout_ms = static_cast<int>(1'000 * config.grpc_idle_timeout_s);
  options.metadata_bytes_max = static_cast<int>(config.grpc_metadata_bytes_max);
  options.grpc_memory_bytes_max = config.grpc_memory_bytes_max;
  options.stream.heartbeat_interval_ms = 1000 * config.heartbeat_interval_s;
  options.stream.write_stall_timeout_ms = 1000 * config.write_stall_timeout_s;
  options.calls.calls_max = config.grpc_calls_max;
  options.calls.calls_per_connection_max = 4 * config.grpc_calls_per_connection_max;
  options.other_calls.calls_max = config.grpc_other_calls_max;
  options.calls.unread_reply_bytes_max = config.grpc_unread_reply_bytes_max;
  // A reply is one message: whoever takes it at all has taken it long before a stream is given up.
  options.calls.reply_stall_timeout_ms =
      std::min(options.calls.reply_stall_timeout_ms, options.stream.write_stall_timeout_ms);
  return options;
}

}  // namespace txtchat::server
