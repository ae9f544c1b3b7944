#pragma once

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tests/testing/certificates.h"
#include "tests/testing/line_client.h"

namespace txtchat::testing {

/// How a TlsClient speaks.
struct TlsClientOptions {
  std::string server_ca;             ///< PEM: who must have signed the server's certificate.
  std::optional<Identity> identity;  ///< Its own certificate.
  int version_max = TLS1_3_VERSION;
  int receive_buffer_bytes = 0;  ///< 0: the system's default.
  std::string before_handshake;  ///< Sent as it is, before TLS.
};

/// The line protocol over TLS; otherwise as LineClient. It checks the server's certificate.
class TlsClient {
 public:
  /// Connects to 127.0.0.1 and shakes hands.
  TlsClient(std::uint16_t port, const TlsClientOptions& options)
      : context_(SSL_CTX_new(TLS_client_method())), fd_(Connect(port, options)) {
    // A write to a peer that has gone is an error here, without hiding from a test what the threads
    // of a server do: they have a mask of their own.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    Configure(options);
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, fd_);
    SSL_set1_host(ssl_, "localhost");
    if (!options.before_handshake.empty()) {
      ::send(fd_, options.before_handshake.data(), options.before_handshake.size(), MSG_NOSIGNAL);
    }
    ERR_clear_error();
    shook_hands_ = SSL_connect(ssl_) == 1;
    if (!shook_hands_) NoteError();
  }
  ~TlsClient() {
    Close();
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  bool shook_hands() const { return shook_hands_; }
  /// `TLSv1.3` and the like.
  std::string version() const { return SSL_get_version(ssl_); }
  std::string cipher() const { return SSL_get_cipher_name(ssl_); }
  /// What went wrong last, as OpenSSL says it.
  const std::string& error() const { return error_; }
  /// The serial number of the server's certificate.
  std::string serial() const {
    X509* const certificate = SSL_get1_peer_certificate(ssl_);
    if (certificate == nullptr) return "";
    const std::string serial =
        std::to_string(ASN1_INTEGER_get(X509_get0_serialNumber(certificate)));
    X509_free(certificate);
    return serial;
  }
  std::string LocalAddress() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }

  /// False if the connection broke or nothing was taken for long.
  bool Send(std::string_view bytes) {
    ERR_clear_error();
    std::size_t written = 0;
    if (SSL_write_ex(ssl_, bytes.data(), bytes.size(), &written) == 1) return true;
    NoteError();
    return false;
  }
  bool SendLine(std::string line) { return Send(line += '\n'); }

  std::optional<std::string> ReadLine() {
    std::size_t end = 0;
    while ((end = received_.find('\n', begin_)) == std::string::npos) {
      received_.erase(0, begin_);
      begin_ = 0;
      if (!ReadMore()) return std::nullopt;
    }
    std::string line = received_.substr(begin_, end - begin_);
    begin_ = end + 1;
    return line;
  }
  /// Everything up to the end of the connection.
  std::string ReadAll() {
    while (ReadMore()) {
    }
    return std::exchange(received_, {}).substr(std::exchange(begin_, 0));
  }
  /// Whether the server ended its side and said so (close_notify).
  bool ended_cleanly() const { return ended_cleanly_; }
  /// Whether TCP has ended too, behind that.
  bool SocketEnds() {
    char byte = 0;
    return ::recv(fd_, &byte, 1, 0) == 0;
  }

  /// Ends the sending side only: close_notify.
  void EndSending() { SSL_shutdown(ssl_); }
  /// Ends TCP without a word of TLS.
  void Truncate() { ::shutdown(fd_, SHUT_WR); }
  void Reset() {
    const linger hard{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    Close();
  }
  void Close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  static int Connect(std::uint16_t port, const TlsClientOptions& options) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (options.receive_buffer_bytes > 0) {
      ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &options.receive_buffer_bytes, sizeof(int));
    }
    const timeval patience{.tv_sec = LineClient::kPatience.count(), .tv_usec = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    (void)::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
    return fd;
  }

  void Configure(const TlsClientOptions& options) {
    if (options.version_max < TLS1_2_VERSION) SSL_CTX_set_security_level(context_, 0);
    SSL_CTX_set_min_proto_version(context_, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_, options.version_max);
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    if (X509* const authority = Certificate(options.server_ca)) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context_), authority);
      X509_free(authority);
    }
    if (!options.identity.has_value()) return;
    X509* const own = Certificate(options.identity->certificate);
    SSL_CTX_use_certificate(context_, own);
    X509_free(own);
    BIO* const reader = BIO_new_mem_buf(options.identity->key.data(), -1);
    EVP_PKEY* const key = PEM_read_bio_PrivateKey(reader, nullptr, nullptr, nullptr);
    SSL_CTX_use_PrivateKey(context_, key);
    EVP_PKEY_free(key);
    BIO_free(reader);
  }

  static X509* Certificate(const std::string& pem) {
    BIO* const reader = BIO_new_mem_buf(pem.c_str(), -1);
    X509* const certificate = PEM_read_bio_X509(reader, nullptr, nullptr, nullptr);
    BIO_free(reader);
    return certificate;
  }

  bool ReadMore() {
    if (!shook_hands_) return false;
    char buffer[16 * 1024];
    std::size_t size = 0;
    ERR_clear_error();
    const int returned = SSL_read_ex(ssl_, buffer, sizeof buffer, &size);
    if (returned == 1) {
      received_.append(buffer, size);
      return true;
    }
    ended_cleanly_ = SSL_get_error(ssl_, returned) == SSL_ERROR_ZERO_RETURN;
    NoteError();
    return false;
  }

  void NoteError() {
    const unsigned long code = ERR_peek_error();
    const char* const reason = ERR_reason_error_string(code);
    error_ = reason == nullptr ? "" : reason;
  }

  SSL_CTX* const context_;
  int fd_;
  SSL* ssl_ = nullptr;
  bool shook_hands_ = false;
  bool ended_cleanly_ = false;
  std::string error_;
  std::string received_;
  std::size_t begin_ = 0;
};

}  // namespace txtchat::testing
