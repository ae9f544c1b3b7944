#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "gateway/tls_context.h"

struct ssl_st;  // OpenSSL's SSL.

namespace txtchat::gateway {

/// The server's side of one TLS connection over a socket that does not wait. Every operation does
/// what can be done now and says what to wait for before it is tried again. Reading and writing go
/// on independently of each other.
///
/// Does not own the socket. Confined to one thread at a time. An idle one holds no buffers.
class TlsStream {
 public:
  enum class Outcome : std::uint8_t {
    kDone,
    kWantRead,   ///< Again when the socket is readable, with the same arguments…
    kWantWrite,  ///< …or writable.
    kEnd,        ///< The peer has ended its side, and said so (close_notify).
    kBroken,     ///< No further operation may be tried.
  };
  struct Result {
    Outcome outcome;
    std::size_t bytes = 0;  ///< Of a kDone.
  };

  /// Null if there is no memory for it.
  static std::unique_ptr<TlsStream> Make(const TlsContext& context, int socket);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  Result ShakeHands();
  /// The certificate that the peer has shown, in PEM; empty if it showed none. After ShakeHands.
  std::string PeerCertificate() const;
  /// Up to `size` bytes, which must not be 0. Takes no more from the socket than one record.
  Result Read(char* data, std::size_t size);
  /// Sends one record of them at the most. Tried again, `data` begins with the same bytes.
  Result Write(const char* data, std::size_t size);
  /// Ends this side (close_notify). Not while a Write waits to be tried again.
  Result SendEnd();

 private:
  explicit TlsStream(ssl_st* ssl) : ssl_(ssl) {}

  Result ResultOf(int returned, std::size_t bytes);

  ssl_st* const ssl_;
};

}  // namespace txtchat::gateway
