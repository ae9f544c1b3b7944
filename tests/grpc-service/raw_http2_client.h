#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>

namespace txtchat::rpc {

/// An HTTP/2 client that does no more than it is told, as no library would: it grants the windows
/// that a test says, acknowledges nothing, and reads when asked to. Methods are those of
/// ChatService, unless they begin with a slash: then they are whole (`/package.Service/Method`).
///
/// One thread. What goes wrong with its socket fails the test.
class RawHttp2Client {
 public:
  /// Connects, and grants `stream_window` bytes to each call; HTTP/2 itself grants 64 KiB to the
  /// connection.
  RawHttp2Client(int port, std::uint32_t stream_window);
  /// Connects and says nothing.
  struct Silent {};
  RawHttp2Client(int port, Silent);
  ~RawHttp2Client();  ///< Closes the connection.
  RawHttp2Client(const RawHttp2Client&) = delete;
  RawHttp2Client& operator=(const RawHttp2Client&) = delete;

  /// Begins a unary call with an encoded request; answers its stream.
  std::uint32_t Call(const std::string& method, const std::string& token,
                     const std::string& request);
  /// Grants more bytes to one stream and to the connection.
  void Grant(std::uint32_t stream, std::uint32_t bytes);
  /// Sends bytes as they are; false if the server has closed the connection, or takes nothing for
  /// `patience`.
  bool SendBytes(const std::string& bytes, std::chrono::milliseconds patience);
  /// A frame (RFC 9113, 4.1).
  static std::string Frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                           const std::string& payload);
  /// The header block and the message of a call, as frames; it ends the call's sending.
  static std::string CallFrames(std::uint32_t stream, const std::string& method,
                                const std::string& token, const std::string& request);
  /// Reads to the end of the connection; false if patience ran out.
  bool ReadToEnd();
  /// Reads what has come, waiting for more until `condition`; false if patience ran out or the
  /// server closed the connection.
  bool ReadUntil(const std::function<bool()>& condition);

  // --- What was read of all calls.
  std::size_t answered() const { return answered_.size(); }  ///< Headers have come.
  std::size_t ended() const { return ended_.size(); }        ///< Trailers, or a reset.
  std::size_t data_bytes() const { return data_bytes_; }     ///< Of the replies.
  /// Why the server says that it ends the connection (GOAWAY).
  std::optional<std::uint32_t> going_away() const { return going_away_; }

 private:
  void Send(const std::string& bytes);
  void TakeFrames();

  const int socket_;
  std::uint32_t next_stream_ = 1;
  std::string received_;
  std::set<std::uint32_t> answered_;
  std::set<std::uint32_t> ended_;
  std::size_t data_bytes_ = 0;
  std::optional<std::uint32_t> going_away_;
  bool closed_ = false;
};

}  // namespace txtchat::rpc
