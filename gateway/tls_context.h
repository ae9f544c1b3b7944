#pragma once

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX.

namespace txtchat::gateway {

/// What a TLS server needs, as PEM. Never logged.
struct TlsMaterial {
  std::string certificate;  ///< The server's own, then those between it and its authority.
  std::string private_key;  ///< Not encrypted.
  /// Authorities of client certificates. If it is not empty, a client that shows a certificate must
  /// show one that one of them has signed…
  std::string client_ca;
  /// …and must show one at all.
  bool client_certificate_required = true;

  friend bool operator==(const TlsMaterial&, const TlsMaterial&) = default;
};

/// The settings of the TLS connections that are made with it. Immutable; any thread may use it.
using TlsContext = std::shared_ptr<ssl_ctx_st>;

/// A server's context: TLS 1.2 at least, with forward secrecy (ECDHE) and OpenSSL's security level
/// 2; no renegotiation, no compression. INVALID_ARGUMENT if the material is no good, with a message
/// that says which part of it, and holds nothing secret.
absl::StatusOr<TlsContext> MakeTlsContext(const TlsMaterial& material);

/// The context of new connections, which can be replaced at any time. Thread-safe.
class TlsContextSlot {
 public:
  void Set(TlsContext context) {
    absl::MutexLock lock(&mutex_);
    context_ = std::move(context);
  }
  TlsContext Get() const {
    absl::MutexLock lock(&mutex_);
    return context_;
  }

 private:
  mutable absl::Mutex mutex_;
  TlsContext context_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace txtchat::gateway
