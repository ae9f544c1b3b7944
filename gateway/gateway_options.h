// Every bound and setting of the line gateway, with its default. What operators choose is a flag of
// txtchatd; the rest is for embedding and tests.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/ip_address.h"

namespace txtchat::gateway {

/// The first line that every connection gets.
inline constexpr std::string_view kWelcome = "------Welcome to Txt Chat------";

/// `commands_in_flight_max` is not more than this.
inline constexpr std::size_t kCommandsInFlightLimit = 256;

/// Its socket, and the pair between it and its session.
inline constexpr std::size_t kFilesOfTlsConnection = 3;

/// A plain value: copied at wiring, constant afterwards.
struct GatewayOptions {
  // --- Where to listen. Port 0: any free one (Gateway::port says which). An empty address:
  // nowhere.
  std::string address = "0.0.0.0";
  std::uint16_t port = 9090;
  /// The same for connections that speak TLS (Gateway::UseTls).
  std::string tls_address;
  std::uint16_t tls_port = 9443;

  /// Proxies, whose connections begin with the header of the PROXY protocol (version 2), which says
  /// for whom they are. One that does not is closed.
  std::vector<IpRange> proxy_protocol_from;

  /// I/O threads; 0: one for each core.
  std::size_t io_threads = 0;

  /// Connections at once; their files, kFilesOfTlsConnection of one with TLS, are also kept
  /// `reserved_files` below the process's limit of open files. Beyond: refused with
  /// resource_exhausted, then closed; with TLS just closed.
  std::size_t connections_max = 10'000;
  std::size_t reserved_files = 256;
  /// Connections, counted above, that have not shaken hands for TLS yet, or not said for whom they
  /// are. Beyond: closed at once.
  std::size_t tls_handshakes_max = 1'000;

  /// Bytes of one line without its end; 0: the text limit of the core and 1 KiB for the rest of the
  /// command. A longer one is skipped, with an error.
  std::size_t line_bytes_max = 0;

  // --- One connection. Beyond: the gateway stops reading its socket until there is room again.
  std::size_t commands_in_flight_max = kCommandsInFlightLimit;
  std::size_t bytes_in_flight_max = 256 * 1024;
  std::size_t reply_backlog_bytes_max = 64 * 1024;

  // --- Deadlines; 0: never. Each ends the connection.
  /// The peer took nothing of what it is owed for this long.
  std::chrono::milliseconds write_stall_timeout{300'000};
  /// Connected for this long without having registered.
  std::chrono::milliseconds register_timeout{120'000};
  /// Connected with TLS for this long without having shaken hands, or from a proxy without the
  /// header; must be positive.
  std::chrono::milliseconds tls_handshake_timeout{10'000};

  /// Whether passwords are taken from connections without TLS.
  bool plain_login = false;

  /// Whether errors are told, as `$$error: CODE: explanation`. Off for clients that cannot bear it.
  bool errors = true;
};

}  // namespace txtchat::gateway
