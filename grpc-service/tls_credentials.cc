#include "grpc-service/tls_credentials.h"

#include <string>
#include <utility>

#include "grpc/grpc.h"

namespace txtchat::rpc {
namespace {

/// gRPC's C++ layer has no credentials that fetch certificates from the program itself (only from
/// files, which it then uses unchecked); its C layer has.
class FetchingCredentials final : public grpc::ServerCredentials {
 public:
  explicit FetchingCredentials(grpc_server_credentials* credentials) : credentials_(credentials) {}
  ~FetchingCredentials() override { grpc_server_credentials_release(credentials_); }

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  grpc_server_credentials* const credentials_;
};

}  // namespace

void TlsCredentials::Set(RpcTls tls) {
  absl::MutexLock lock(&mutex_);
  tls_ = std::move(tls);
  is_new_ = true;
}

std::shared_ptr<grpc::ServerCredentials> TlsCredentials::MakeCredentials() {
  grpc_ssl_client_certificate_request_type request = GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;
  {
    absl::MutexLock lock(&mutex_);
    if (!tls_.client_ca.empty()) {
      request = tls_.client_certificate_required
                    ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                    : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY;
    }
  }
  grpc_ssl_server_credentials_options* const options =
      grpc_ssl_server_credentials_create_options_using_config_fetcher(request, &Fetch, this);
  if (options == nullptr) return nullptr;
  grpc_server_credentials* const made = grpc_ssl_server_credentials_create_with_options(options);
  if (made == nullptr) return nullptr;
  return std::make_shared<FetchingCredentials>(made);
}

grpc_ssl_certificate_config_reload_status TlsCredentials::Fetch(
    void* self, grpc_ssl_server_certificate_config** config) {
  return static_cast<TlsCredentials*>(self)->FetchNew(*config);
}

grpc_ssl_certificate_config_reload_status TlsCredentials::FetchNew(
    grpc_ssl_server_certificate_config*& config) {
  absl::MutexLock lock(&mutex_);
  if (!is_new_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
  is_new_ = false;
  const grpc_ssl_pem_key_cert_pair pair{tls_.private_key.c_str(), tls_.certificate.c_str()};
  // gRPC insists on authorities that it does not use where it asks for no client certificate.
  const std::string& authorities = tls_.client_ca.empty() ? tls_.certificate : tls_.client_ca;
  config = grpc_ssl_server_certificate_config_create(authorities.c_str(), &pair, 1);
  return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

}  // namespace txtchat::rpc
