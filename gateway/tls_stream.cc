#include "gateway/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

namespace txtchat::gateway {
namespace {

// OpenSSL's own BIO for sockets uses write(), which ends the process with SIGPIPE when the peer has
// gone, unless the whole process ignores that. This one uses send().

int SocketOf(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

bool ShouldRetry(ssize_t n) {
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

int WriteSocket(BIO* bio, const char* data, int size) {
  const ssize_t n = ::send(SocketOf(bio), data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  BIO_clear_retry_flags(bio);
  if (ShouldRetry(n)) BIO_set_retry_write(bio);
  return static_cast<int>(n);
}

int ReadSocket(BIO* bio, char* data, int size) {
  const ssize_t n = ::recv(SocketOf(bio), data, static_cast<std::size_t>(size), 0);
  BIO_clear_retry_flags(bio);
  if (ShouldRetry(n)) BIO_set_retry_read(bio);
  return static_cast<int>(n);
}

long Control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* MakeSocketMethod() {
  BIO_METHOD* const method =
      BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without signals");
  if (method == nullptr) return nullptr;
  BIO_meth_set_write(method, WriteSocket);
  BIO_meth_set_read(method, ReadSocket);
  BIO_meth_set_ctrl(method, Control);
  return method;
}

BIO* MakeSocketBio(int socket) {
  static BIO_METHOD* const kMethod = MakeSocketMethod();
  BIO* const bio = kMethod == nullptr ? nullptr : BIO_new(kMethod);
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace

std::unique_ptr<TlsStream> TlsStream::Make(const TlsContext& context, int socket) {
  ERR_clear_error();
  SSL* const ssl = SSL_new(context.get());
  BIO* const bio = MakeSocketBio(socket);
  if (ssl == nullptr || bio == nullptr) {
    SSL_free(ssl);
    BIO_free(bio);
    ERR_clear_error();
    return nullptr;
  }
  SSL_set_bio(ssl, bio, bio);
  SSL_set_accept_state(ssl);
  return std::unique_ptr<TlsStream>(new TlsStream(ssl));
}

TlsStream::~TlsStream() { SSL_free(ssl_); }

TlsStream::Result TlsStream::ShakeHands() {
  ERR_clear_error();
  return ResultOf(SSL_do_handshake(ssl_), 0);
}

std::string TlsStream::PeerCertificate() const {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(ssl_),
                                                                &X509_free);
  if (certificate == nullptr) return "";
  const std::unique_ptr<BIO, decltype(&BIO_free)> written(BIO_new(BIO_s_mem()), &BIO_free);
  if (written == nullptr || PEM_write_bio_X509(written.get(), certificate.get()) != 1) {
    ERR_clear_error();
    return "";
  }
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(written.get(), &bytes);
  return std::string(bytes, static_cast<std::size_t>(size));
}

TlsStream::Result TlsStream::Read(char* data, std::size_t size) {
  ERR_clear_error();
  std::size_t bytes = 0;
  const int returned = SSL_read_ex(ssl_, data, size, &bytes);
  return ResultOf(returned, bytes);
}

TlsStream::Result TlsStream::Write(const char* data, std::size_t size) {
  ERR_clear_error();
  std::size_t bytes = 0;
  const int returned = SSL_write_ex(ssl_, data, size, &bytes);
  return ResultOf(returned, bytes);
}

TlsStream::Result TlsStream::SendEnd() {
  ERR_clear_error();
  const int returned = SSL_shutdown(ssl_);
  // 0: the peer has not ended its side yet.
  return ResultOf(returned == 0 ? 1 : returned, 0);
}

TlsStream::Result TlsStream::ResultOf(int returned, std::size_t bytes) {
  if (returned > 0) return {Outcome::kDone, bytes};
  const int error = SSL_get_error(ssl_, returned);
  ERR_clear_error();
  switch (error) {
    case SSL_ERROR_WANT_READ:
      return {Outcome::kWantRead};
    case SSL_ERROR_WANT_WRITE:
      return {Outcome::kWantWrite};
    case SSL_ERROR_ZERO_RETURN:
      return {Outcome::kEnd};
    default:
      return {Outcome::kBroken};
  }
}

}  // namespace txtchat::gateway
