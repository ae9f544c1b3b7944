#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "bench/line_socket.h"
#include "bench/options.h"

namespace txtchat::bench {

/// What a server has said on one connection. Views are valid during the call.
class WireEvents {
 public:
  /// Somebody's text, and the channel where the server says which it was.
  virtual void OnText(std::string_view text, std::optional<std::string_view> channel) = 0;
  /// The answer to the last of LineWire::EntryCommands.
  virtual void OnEntered() = 0;
  /// The server did not do the next thing that it was asked for: of a publisher, send a message.
  virtual void OnRefused(std::string_view said) = 0;
  /// The server no longer has something that this connection has not got.
  virtual void OnGap(std::string_view said) = 0;
  /// The server wants to be sent `answer`.
  virtual void OnQuestion(std::string_view answer) = 0;

 protected:
  ~WireEvents() = default;
};

/// The bytes of a protocol: all that differs between the servers which LineLoad loads. Immutable:
/// what a connection has not got whole yet stays with its other bytes, in the LineReader.
class LineWire {
 public:
  virtual ~LineWire() = default;

  /// The ids of `count` channels that nobody else speaks in. Blocks, `patience` for each answer at
  /// the most. UNAVAILABLE, DEADLINE_EXCEEDED, or FAILED_PRECONDITION with what the server
  /// answered.
  virtual absl::StatusOr<std::vector<std::string>> Channels(
      const SocketAddress& server, std::uint32_t count,
      std::chrono::milliseconds patience) const = 0;
  /// What a connection sends at first, to be in these channels. Answered with OnEntered when it is.
  virtual std::string EntryCommands(const std::vector<std::string_view>& channels) const = 0;
  /// What stands before and behind each text that is sent to a channel.
  virtual std::string SendHead(std::string_view channel) const = 0;
  virtual std::string_view SendTail() const = 0;
  /// Tells `events` what is whole of what a connection has sent; `bytes` go on where the last call
  /// stopped. Answers how many it took. UNAVAILABLE if the server has given the connection up, or
  /// says what is not of this protocol: nothing that follows has a meaning.
  virtual absl::StatusOr<std::size_t> Take(std::string_view bytes, WireEvents& events) const = 0;
};

/// The wire of `options.transport`, which is not kGrpc.
std::unique_ptr<LineWire> MakeWire(const Options& options);

/// Ids of channels that need no creating, of this run only.
std::vector<std::string> ChosenChannels(std::uint32_t count);

}  // namespace txtchat::bench
