#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/config.h"
#include "server/log.h"

namespace txtchat::server {

/// The whole service: store, core and transports, wired together.
///
/// Start, Drain and the destructor are for one thread; everything else happens on the server's own.
class Server {
 public:
  /// Starts everything and logs one `listening` line for each transport, with the port that was
  /// chosen. `log` outlives the server.
  /// INVALID_ARGUMENT, FAILED_PRECONDITION, UNAVAILABLE  an address cannot be listened on, or TLS
  /// lacks something; nothing is left running.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Config& config, const Log& log);

  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// `HOST:PORT` as it is served; empty if it is not.
  std::string line_address() const;
  std::string grpc_address() const;

  /// Looks now whether the certificate's files, or the keys of tokens, have changed, which happens
  /// every few seconds anyway.
  void ReloadFiles();

  /// Stops taking anything new, delivers everything that was accepted, tells every client why it
  /// ends, and stops; all within the drain timeout. Returns whether nobody had to be cut off.
  /// Blocking. Once.
  bool Drain();

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);

  const std::unique_ptr<Parts> parts_;
};

}  // namespace txtchat::server
