#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace txtchat::e2e {

/// The real txtchatd on free ports. For one thread.
class ServerProcess {
 public:
  /// Starts it and waits until it listens; exits the program with a message where that fails.
  ServerProcess(const std::string& program, const std::vector<std::string>& flags);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  std::uint16_t line_port() const { return line_port_; }
  const std::string& grpc_address() const { return grpc_address_; }

  /// The most memory it ever had resident, in KiB.
  std::uint64_t PeakResidentKib() const;

  /// SIGTERM. Answers the exit code; -1 where a signal ended it.
  int Stop();

 private:
  pid_t pid_ = -1;
  std::uint16_t line_port_ = 0;
  std::string grpc_address_;
  std::string data_dir_;  ///< Its own, and gone with it.
  std::thread log_copier_;
};

}  // namespace txtchat::e2e
