#include "server/identity_files.h"

#include <fstream>
#include <iterator>
#include <utility>

#include "absl/time/time.h"
#include "identity/secrets.h"

namespace txtchat::server {

JwtKeysReloader::JwtKeysReloader(std::string path, identity::JwtVerifier* verifier, const Log& log)
    : path_(std::move(path)), verifier_(verifier), log_(log), seen_(StateOf(path_)) {}

std::string JwtKeysReloader::StateOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return "unreadable";
  const std::string content((std::istreambuf_iterator<char>(file)),
                            std::istreambuf_iterator<char>());
  return identity::SodiumSecrets().HashOf(content);
}

void JwtKeysReloader::Start() {
  thread_ = std::thread([this] { Run(); });
}

void JwtKeysReloader::Stop() {
  if (!thread_.joinable()) return;
  {
    absl::MutexLock lock(&stop_mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void JwtKeysReloader::Run() {
  for (;;) {
    {
      absl::MutexLock lock(&stop_mutex_);
      stop_mutex_.AwaitWithTimeout(absl::Condition(&stopping_), absl::FromChrono(kInterval));
      if (stopping_) return;
    }
    Look();
  }
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
