#include "server/login_guard.h"

#include <algorithm>
#include <cstddef>

namespace txtchat::server {
namespace {

/// Login names whose tries are remembered at once.
constexpr std::size_t kLoginsMax = 65'536;
constexpr std::int64_t kMinuteMs = 60'000;

}  // namespace

LoginGuard::LoginGuard(PeerGuard* peers, const SecretSource* secrets,
                       std::int64_t attempts_per_login_per_minute)
    : peers_(peers),
      secrets_(secrets),
      of_logins_({.attempts = {.tokens = attempts_per_login_per_minute,
                               .burst = attempts_per_login_per_minute,
                               .period_ms = kMinuteMs}},
                 kLoginsMax) {}

// The table takes addresses: a hash of the name serves as one.
PeerKey LoginGuard::KeyOf(const std::string& login) const {
  const std::string hash = secrets_->HashOf(login);
  PeerKey key;
  std::copy_n(hash.begin(), key.address.bytes.size(), key.address.bytes.begin());
  return key;
}

absl::Status LoginGuard::MayTry(const IpAddress& peer, const std::string& login,
                                std::int64_t now_ms) {
  const Verdict of_address = peers_->TryTakeAttempt(peer, now_ms);
  if (!of_address.ok()) return TooManyAttempts(of_address.retry_after_ms);
  if (login.empty()) return absl::OkStatus();
  const std::int64_t wait_ms = of_logins_.TryTake(KeyOf(login), {.attempts = 1}, now_ms);
  return wait_ms == 0 ? absl::OkStatus() : TooManyAttempts(wait_ms);
}

void LoginGuard::WasRight(const IpAddress& peer, const std::string& login, std::int64_t now_ms) {
  peers_->PutBackAttempt(peer, now_ms);
  if (!login.empty()) of_logins_.PutBackAttempt(KeyOf(login), now_ms);
}

}  // namespace txtchat::server
