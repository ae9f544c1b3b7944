#include "server/identity_files.h"

#include <utility>

#include "identity/key_file.h"
#include "identity/secrets.h"

namespace txtchat::server {

JwtKeysReloader::JwtKeysReloader(std::string path, identity::JwtVerifier* verifier, const Log& log)
    : path_(std::move(path)), verifier_(verifier), log_(log), seen_(StateOf(path_)) {}

std::string JwtKeysReloader::StateOf(const std::string& path) {
  const absl::StatusOr<std::string> content = identity::ReadKeyFile(path);
  if (!content.ok()) return std::string(content.status().message());
  return identity::SodiumSecrets().HashOf(*content);
}

JwtKeysReloader::Outcome JwtKeysReloader::Look() {
  absl::MutexLock lock(&look_mutex_);
  std::string state = StateOf(path_);
  if (state == seen_) return Outcome::kUnchanged;
  seen_ = std::move(state);
  absl::StatusOr<identity::JwtKeys> keys = identity::LoadJwtKeys(path_);
  if (!keys.ok()) {
    log_.Error("keys of tokens refused, the former are kept",
               {{"reason", std::string(keys.status().message())}});
    return Outcome::kRefused;
  }
  verifier_->UseKeys(*std::move(keys));
  log_.Info("keys of tokens reloaded", {{"file", path_}});
  return Outcome::kReloaded;
}

}  // namespace txtchat::server
