#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/ip_address.h"
#include "core/limits.h"
#include "core/peer_limits.h"
#include "server/log.h"
#include "storage/run_record.h"

namespace txtchat::server {

/// An address to listen on, or none.
struct HostPort {
  std::string host;        ///< Empty: it is switched off.
  std::uint16_t port = 0;  ///< 0: a free one.

  bool on() const { return !host.empty(); }
  std::string ToString() const;
};

/// Parses `HOST:PORT`, `[IPv6]:PORT` or `:PORT` (every IPv4 address); nothing if it is none.
std::optional<HostPort> ParseHostPort(const std::string& text);

/// Where messages are kept.
enum class StoreKind {
  kSqlite,  ///< In a file of the data directory.
  kMemory,  ///< Nowhere: they end with the process.
};

/// Everything that an operator can choose. One definition serves flags (`--line-listen`),
/// environment (`TXTCHAT_LINE_LISTEN`) and configuration file (`line-listen = …`), in this order of
/// precedence.
struct Config {
  HostPort line_listen{"0.0.0.0", 9090};
  HostPort grpc_listen{"0.0.0.0", 50051};
  HostPort line_tls_listen;
  HostPort grpc_tls_listen;

  /// Paths of PEM files: the certificate of the TLS listeners, its key, and the authorities of
  /// client certificates (empty: none are asked for).
  std::string tls_cert;
  std::string tls_key;
  std::string tls_client_ca;
  bool tls_client_certificate_required = true;
  /// Whether a client's certificate says which user it is.
  bool tls_client_users = false;
  /// How long a line connection may take to shake hands.
  std::int64_t tls_handshake_timeout_ms = 10'000;

  /// The file with the keys of signed tokens; empty: none are taken. What they must say of who
  /// made them, and for whom; empty: nothing.
  std::string jwt_keys;
  std::string jwt_issuer;
  std::string jwt_audience;
  /// Whether line clients may send passwords without TLS.
  bool line_plain_login = false;
  /// Whether gRPC clients on other machines may.
  bool grpc_plain_login = false;
  /// Passwords that are hashed at once, what each takes, and how many may wait.
  std::size_t password_threads = 1;
  std::size_t password_memory_bytes = 64 * kMiB;
  std::size_t passwords_waiting_max = 64;

  StoreKind store = StoreKind::kSqlite;
  std::string data_dir = "data";
  storage::Durability durability = storage::Durability::kFull;
  /// How much of each channel is kept; 0: without limit.
  std::int64_t retention_age_s = 0;
  std::size_t retention_events = 0;
  std::size_t retention_bytes = 0;

  LogFormat log_format = LogFormat::kText;
  LogLevel log_level = LogLevel::kInfo;

  /// How long a stop may take, in seconds.
  std::int64_t drain_timeout_s = 10;

  /// Threads that serve line connections; 0: one for each core.
  std::size_t line_io_threads = 0;
  std::size_t line_connections_max = 10'000;
  /// Bytes of one line; 0: as much as the longest text needs.
  std::size_t line_bytes_max = 0;
  /// How long a connection may wait before it registers, in seconds; 0: for ever.
  std::int64_t line_register_timeout_s = 120;
  /// Whether line clients are told errors (`$$error: …`).
  bool line_errors = true;

  /// Bytes of answers that wait for one line client before its input waits too.
  std::size_t line_reply_backlog_bytes_max = 64 * kKiB;

  std::size_t grpc_connections_max = 10'000;
  std::size_t grpc_streams_max = 10'000;
  /// Open calls of health and reflection, and of methods that there are not.
  std::size_t grpc_other_calls_max = 2'000;
  /// Calls that one connection may have open, streams counted.
  std::size_t grpc_calls_per_connection_max = 256;
  /// How long a connection may be there without a call, in seconds; 0: for ever.
  std::int64_t grpc_idle_timeout_s = 300;
  /// Bytes of the metadata of a request.
  std::size_t grpc_metadata_bytes_max = 16 * kKiB;
  /// Bytes that gRPC may hold in buffers, all connections together.
  std::size_t grpc_memory_bytes_max = 1024 * kMiB;
  std::int64_t heartbeat_interval_s = 15;
  /// Unary calls that are open at once, and the bytes of replies that clients have not taken.
  std::size_t grpc_calls_max = 10'000;
  std::size_t grpc_unread_reply_bytes_max = 256 * kMiB;

  /// How long a client may not read before it is cut off, in seconds.
  std::int64_t write_stall_timeout_s = 300;

  /// Files that the process may open and that are not for connections.
  std::size_t reserved_files = 256;

  /// Proxies before the line ports.
  std::vector<IpRange> proxy_protocol_from;

  PeerLimits peers;
  Limits limits;
};

/// What became of the command line.
struct ParsedConfig {
  Config config;
  /// Set: print nothing more and exit with it (help, version, an error that was printed).
  std::optional<int> exit_code;
};

/// Reads the command line, the environment and the configuration file. Prints help, version and
/// errors itself.
ParsedConfig ParseConfig(int argc, char** argv);

}  // namespace txtchat::server
