#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/e2e/fan_out/progress.h"
#include "tests/e2e/fan_out/tally.h"

namespace txtchat::e2e {

/// Many gRPC guests on several connections, with gRPC's callback API and its threads. Connecting
/// blocks, one after the other.
class GrpcSwarm {
 public:
  GrpcSwarm(const std::string& address, Traffic traffic, Progress& progress);
  ~GrpcSwarm();
  GrpcSwarm(const GrpcSwarm&) = delete;
  GrpcSwarm& operator=(const GrpcSwarm&) = delete;

  /// Registers, joins `channel` and subscribes to it. Tells `progress` once its first heartbeat has
  /// come, and once it is complete.
  void AddReceiver(const std::string& channel);
  /// Registers and joins.
  void AddSender(const std::string& channel, std::uint32_t sender);

  void StartSending();
  /// Ends the streams and waits for their ends.
  void Stop();

  /// Of the receivers. After Stop.
  std::vector<const Tally*> tallies() const;

 private:
  struct Connection;
  struct User;
  class Receiver;
  class Sender;

  std::unique_ptr<User> Register(const std::string& channel);

  const Traffic traffic_;
  Progress& progress_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::size_t users_ = 0;
  std::vector<std::unique_ptr<Receiver>> receivers_;
  std::vector<std::unique_ptr<Sender>> senders_;
};

}  // namespace txtchat::e2e
