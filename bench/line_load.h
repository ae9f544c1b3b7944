#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bench/line_socket.h"
#include "bench/line_wire.h"
#include "bench/load.h"

namespace txtchat::bench {

/// A crowd of clients with a connection each, on one thread: one epoll, one read buffer, nothing
/// allocated for a delivery. Two cores are shared with the server that is measured. What they speak
/// is the LineWire's.
class LineLoad final : public Load, private WireEvents {
 public:
  explicit LineLoad(const LoadContext& context);
  ~LineLoad() override;

  absl::Status Connect() override;
  absl::StatusOr<Histogram> Storm() override;
  std::uint32_t connection_count() const override { return present_; }

  /// Before Connect: these channels are there already.
  void UseChannels(std::vector<std::string> ids) { channel_ids_ = std::move(ids); }

  void Turn(std::uint64_t until_ns) override;
  void Send(std::uint32_t publisher, std::uint64_t count, std::uint64_t time_ns) override;
  void Flush() override;

 private:
  enum class State : std::uint8_t {
    kAbsent,
    kConnecting,
    kEntering,  ///< Connected; is not in all its channels.
    kPresent,
    kLost,  ///< The server has closed it.
  };
  struct Connection {
    int fd = -1;
    State state = State::kAbsent;
    bool awaits_room = false;  ///< For writing.
    std::uint32_t seat = 0;
    std::string partial;  ///< Has been read, and is not whole.
    std::string unsent;
    std::string send_head;  ///< Of a publisher: what stands before each text.
  };

  void OnText(std::string_view text, std::optional<std::string_view> channel) override;
  void OnEntered() override;
  void OnRefused(std::string_view said) override;
  void OnGap(std::string_view said) override;
  void OnQuestion(std::string_view answer) override;

  /// All of `seats` connect and join, at most `at_once` at a time. How long each took, from when
  /// the first began, goes into `took_ns`.
  absl::Status Enter(const std::vector<std::uint32_t>& seats, std::size_t at_once, const char* what,
                     Histogram& took_ns);
  void Begin(std::uint32_t seat);
  std::string EntryCommands(const Seat& seat) const;
  void Handle(Connection& connection, std::uint32_t events);
  void Receive(Connection& connection, std::size_t bytes_max);
  void ReadSlow();
  void Write(Connection& connection);
  void Watch(Connection& connection, std::uint32_t events, int operation);
  void Lost(Connection& connection, absl::Status why);
  const Seat& SeatOf(const Connection& connection) const {
    return context_.layout.seats[connection.seat];
  }
  /// Whether epoll tells when there is something to read for it.
  bool IsWatched(const Connection& connection) const;

  const std::unique_ptr<LineWire> wire_;
  const int epoll_;
  SocketAddress address_;
  LineReader reader_;
  std::vector<epoll_event> events_;
  std::vector<std::string> channel_ids_;
  std::vector<Connection> connections_;         ///< By seat.
  Connection* reading_ = nullptr;               ///< Whose events these are.
  std::vector<std::uint32_t> publisher_seats_;  ///< By publisher.
  std::vector<std::uint32_t> slow_seats_;
  std::vector<std::uint32_t> to_write_;  ///< Seats with more to send since the last Flush.
  std::uint64_t now_ns_ = 0;             ///< When the last read returned.
  std::uint64_t next_slow_ns_ = 0;
  std::uint32_t present_ = 0;
  std::uint32_t entering_ = 0;
  std::uint64_t last_entered_ns_ = 0;
  std::uint64_t entry_began_ns_ = 0;
  Histogram* entry_took_ns_ = nullptr;  ///< Set during Enter.
  bool acknowledged_ = false;           ///< The read at hand had an acknowledgement.
};

}  // namespace txtchat::bench
