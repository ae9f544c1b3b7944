#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/e2e/fan_out/progress.h"
#include "tests/e2e/fan_out/tally.h"

namespace txtchat::e2e {

/// Many clients of the line protocol, all on one thread. Connecting blocks, one after the other;
/// then Start gives them to the thread, and only the thread touches them until Stop.
class LineSwarm {
 public:
  enum class Role : std::uint8_t {
    kReceiver,
    kSender,   ///< Sends too; its own messages coming back let it send more.
    kStalled,  ///< Does not read until WakeStalled.
  };

  LineSwarm(std::uint16_t port, Traffic traffic, Progress& progress);
  ~LineSwarm();
  LineSwarm(const LineSwarm&) = delete;
  LineSwarm& operator=(const LineSwarm&) = delete;

  /// Connects and registers; joins `channel`, or creates one if it is empty. Answers the channel;
  /// exits the program with a message where that fails.
  std::string Connect(Role role, const std::string& channel, std::uint32_t sender = 0);

  /// Reads from now on; each receiver tells `progress` when it is complete.
  void Start();
  /// Senders begin.
  void StartSending();
  /// The stalled ones read from now on.
  void WakeStalled();
  /// How much the kernel holds for a stalled client at the most, in bytes, on both ends.
  std::size_t HeldForStalledMax() const;
  void Stop();

  /// Of everybody. After Stop.
  std::vector<const Tally*> tallies() const;

 private:
  struct Client;

  void Run();
  void Receive(Client& client);
  void TakeLine(Client& client, std::string_view line);
  void SendMore(Client& client);
  void Watch(Client& client, std::uint32_t events, bool add);
  std::string ReadLineBlocking(Client& client);

  const std::uint16_t port_;
  const Traffic traffic_;
  Progress& progress_;
  const int epoll_;
  const int wake_;  ///< An eventfd: stop, or begin to send.
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<char> buffer_;
  bool sending_ = false;  ///< The thread's own.
  std::thread thread_;
};

}  // namespace txtchat::e2e
