#include "server/identity_parts.h"

#include <utility>

#include "identity/certificates.h"
#include "identity/names.h"

namespace txtchat::server {

absl::StatusOr<std::unique_ptr<IdentityParts>> IdentityParts::Make(const Config& config,
                                                                   const Log& log) {
  if (absl::Status s = identity::InitSodium(); !s.ok()) return s;
  auto parts = std::make_unique<IdentityParts>();
  absl::StatusOr<std::unique_ptr<identity::IcuNameFolder>> names =
      identity::IcuNameFolder::Create();
  if (!names.ok()) return names.status();
  parts->names = *std::move(names);
  if (config.tls_client_users) {
    if (config.tls_client_ca.empty()) {
      return absl::InvalidArgumentError(
          "users are to come from clients' certificates, but there is no authority for these; give "
          "--tls-client-ca FILE, too");
    }
    parts->certificates = std::make_unique<identity::OpensslCertificateReader>();
  }
  identity::PasswordHasherOptions passwords;
  passwords.threads = config.password_threads;
  passwords.waiting_max = config.passwords_waiting_max;
  passwords.password_bytes_max = config.limits.password_bytes_max;
  passwords.memory_bytes = config.password_memory_bytes;
  parts->passwords = std::make_unique<identity::ArgonPasswordHasher>(passwords);
  if (config.jwt_keys.empty()) {
    if (!config.jwt_issuer.empty() || !config.jwt_audience.empty()) {
      return absl::InvalidArgumentError(
          "an issuer or an audience of tokens is given, but no keys; give --jwt-keys FILE, too");
    }
    return parts;
  }
  absl::StatusOr<identity::JwtKeys> keys = identity::LoadJwtKeys(config.jwt_keys);
  if (!keys.ok()) return keys.status();
  identity::JwtOptions options;
  options.issuer = config.jwt_issuer;
  options.audience = config.jwt_audience;
  parts->tokens = std::make_unique<identity::JwtVerifier>(options, *std::move(keys));
  parts->keys = std::make_unique<JwtKeysReloader>(config.jwt_keys, parts->tokens.get(), log);
  return parts;
}

}  // namespace txtchat::server
