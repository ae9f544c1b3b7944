#pragma once

#include <string>

#include "absl/status/status.h"
#include "core/clock.h"
#include "core/identity.h"
#include "core/peer_guard.h"
#include "core/rate_limiter.h"

namespace txtchat::server {

/// How often passwords may be tried: by one address, and for one login name, whoever tries.
/// Thread-safe. The dependencies outlive it.
class LoginGuard {
 public:
  /// `attempts_per_login_per_minute`: 0: no limit.
  LoginGuard(PeerGuard* peers, const SecretSource* secrets,
             std::int64_t attempts_per_login_per_minute);

  /// RESOURCE_EXHAUSTED  not now. `login` may be empty: then only the address counts.
  absl::Status MayTry(const IpAddress& peer, const std::string& login, std::int64_t now_ms);
  /// What MayTry was asked about was right: it does not count.
  void WasRight(const IpAddress& peer, const std::string& login, std::int64_t now_ms);

 private:
  PeerKey KeyOf(const std::string& login) const;

  PeerGuard* const peers_;
  const SecretSource* const secrets_;
  RateTable of_logins_;
};

}  // namespace txtchat::server
