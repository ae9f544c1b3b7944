#pragma once

#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "grpc-service/rpc_options.h"
#include "grpc/grpc_security.h"
#include "grpcpp/security/server_credentials.h"

namespace txtchat::rpc {

/// The certificate and key of a gRPC server, which can be replaced while it runs. gRPC asks for a
/// newer one before every handshake, and goes on with the former if it cannot use that.
///
/// Thread-safe; outlives the server that its credentials are for.
class TlsCredentials {
 public:
  explicit TlsCredentials(RpcTls tls) : tls_(std::move(tls)) {}
  TlsCredentials(const TlsCredentials&) = delete;
  TlsCredentials& operator=(const TlsCredentials&) = delete;

  /// For handshakes from now on.
  void Set(RpcTls tls);
  /// Credentials for one server; clients need a certificate if there is a `client_ca` now. Null if
  /// gRPC does not make them. Once.
  std::shared_ptr<grpc::ServerCredentials> MakeCredentials();

 private:
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config);
  grpc_ssl_certificate_config_reload_status FetchNew(grpc_ssl_server_certificate_config*& config);

  absl::Mutex mutex_;
  RpcTls tls_ ABSL_GUARDED_BY(mutex_);
  bool is_new_ ABSL_GUARDED_BY(mutex_) = true;  ///< gRPC has not fetched it.
};

}  // namespace txtchat::rpc
