#pragma once

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/identity.h"
#include "core/rate_limiter.h"
#include "identity/jwt.h"
#include "identity/password_hasher.h"
#include "identity/secrets.h"
#include "server/config.h"
#include "server/identity_files.h"
#include "server/log.h"

namespace txtchat::server {

/// What knows who users are, as configured.
struct IdentityParts {
  identity::SodiumSecrets secrets;
  std::unique_ptr<CertificateReader> certificates;  ///< Null: they say nothing of users.
  std::unique_ptr<NameFolder> names;
  std::unique_ptr<identity::JwtVerifier> tokens;  ///< Null: no signed tokens are taken.
  std::unique_ptr<JwtKeysReloader> keys;          ///< As `tokens`.
  std::unique_ptr<identity::ArgonPasswordHasher> passwords;

  /// Blocking for the file of keys. INVALID_ARGUMENT: that cannot be used; INTERNAL: the system
  /// has no randomness, or ICU no data. `log` outlives the parts.
  static absl::StatusOr<std::unique_ptr<IdentityParts>> Make(const Config& config, const Log& log);
};

}  // namespace txtchat::server
