#include "gateway/tls_context.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace txtchat::gateway {
namespace {

template <auto kFree>
struct Freer {
  template <typename T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};
using BioPtr = std::unique_ptr<BIO, Freer<BIO_free>>;
using CertificatePtr = std::unique_ptr<X509, Freer<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;

constexpr unsigned char kSessionContext[] = "txtchat line";

BioPtr Reader(const std::string& pem) {
  if (pem.size() > std::numeric_limits<int>::max()) return nullptr;
  return BioPtr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

/// The certificate that comes next; null if there is none.
CertificatePtr NextCertificate(BIO* reader) {
  return CertificatePtr(PEM_read_bio_X509(reader, nullptr, nullptr, nullptr));
}

/// Whether the reading above stopped at the end, and not at a broken certificate.
bool AtEnd() {
  const unsigned long error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

absl::Status Invalid(const std::string& what) {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  const std::string detail = reason == nullptr ? "" : absl::StrCat(" (", reason, ")");
  ERR_clear_error();
  return absl::InvalidArgumentError(what + detail);
}

absl::Status UseCertificate(SSL_CTX* context, const std::string& pem) {
  const BioPtr reader = Reader(pem);
  const CertificatePtr own = NextCertificate(reader.get());
  if (own == nullptr) return Invalid("the certificate is not one in PEM");
  if (SSL_CTX_use_certificate(context, own.get()) != 1) {
    return Invalid("the certificate cannot be used; RSA needs 2048 bits at least");
  }
  while (CertificatePtr next = NextCertificate(reader.get())) {
    if (SSL_CTX_add1_chain_cert(context, next.get()) != 1) {
      return Invalid("a further certificate of the chain cannot be used");
    }
  }
  if (!AtEnd()) return Invalid("a further certificate of the chain is not PEM");
  return absl::OkStatus();
}

absl::Status UseKey(SSL_CTX* context, const std::string& pem) {
  const BioPtr reader = Reader(pem);
  // Answers "no passphrase" where OpenSSL would ask for one on the terminal.
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  const KeyPtr key(PEM_read_bio_PrivateKey(reader.get(), nullptr, no_passphrase, nullptr));
  if (key == nullptr) return Invalid("the key is not a private key in PEM without a passphrase");
  // Compares it with the certificate, too.
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    return Invalid("the key does not belong to the certificate");
  }
  return absl::OkStatus();
}

absl::Status DemandClientCertificate(SSL_CTX* context, const std::string& pem, bool required) {
  const BioPtr reader = Reader(pem);
  int count = 0;
  while (CertificatePtr authority = NextCertificate(reader.get())) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get()) != 1 ||
        SSL_CTX_add_client_CA(context, authority.get()) != 1) {
      return Invalid("a certificate of the client authority cannot be used");
    }
    ++count;
  }
  if (count == 0 || !AtEnd()) return Invalid("the client authority is not certificates in PEM");
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
  return absl::OkStatus();
}

bool Configure(SSL_CTX* context) {
  SSL_CTX_set_security_level(context, 2);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // An idle connection holds no buffer.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Clients keep their sessions themselves (tickets).
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
         SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
         SSL_CTX_set_session_id_context(context, kSessionContext, sizeof kSessionContext - 1) == 1;
}

}  // namespace

absl::StatusOr<TlsContext> MakeTlsContext(const TlsMaterial& material) {
  ERR_clear_error();
  TlsContext context(SSL_CTX_new(TLS_server_method()), [](SSL_CTX* old) { SSL_CTX_free(old); });
  if (context == nullptr || !Configure(context.get())) {
    ERR_clear_error();
    return absl::InternalError("OpenSSL does not offer what a TLS server needs");
  }
  if (absl::Status s = UseCertificate(context.get(), material.certificate); !s.ok()) return s;
  if (absl::Status s = UseKey(context.get(), material.private_key); !s.ok()) return s;
  if (!material.client_ca.empty()) {
    absl::Status s = DemandClientCertificate(context.get(), material.client_ca,
                                             material.client_certificate_required);
    if (!s.ok()) return s;
  }
  ERR_clear_error();
  return context;
}

}  // namespace txtchat::gateway
