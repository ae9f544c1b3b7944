#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "core/identity.h"
#include "identity/jwt_claims.h"
#include "identity/jwt_keys.h"

namespace txtchat::identity {

/// Checks tokens of the operator's own backend: JWS in its compact form (RFC 7515), signed by
/// HS256, RS256, ES256 or EdDSA; 8 KiB at the most. Remembers those that were good until they
/// expire, the keys change, or others take their place. Thread-safe.
class JwtVerifier final : public TokenVerifier {
 public:
  static constexpr std::size_t kTokenBytesMax = 8'192;
  /// Of the tokens that are remembered. Beyond: the half that was not used lately is forgotten.
  static constexpr std::size_t kCachedTokensMax = 10'000;
  static constexpr std::size_t kCachedBytesMax = 16 << 20;  ///< In the tokens' own bytes.

  JwtVerifier(JwtOptions options, JwtKeys keys);
  JwtVerifier(const JwtVerifier&) = delete;
  JwtVerifier& operator=(const JwtVerifier&) = delete;

  bool IsSigned(std::string_view token) const override;
  absl::StatusOr<Vouched> Verify(std::string_view token, std::int64_t now_unix_ms) override;

  /// From now on these are the keys. What was signed by the former is forgotten.
  void UseKeys(JwtKeys keys);

 private:
  using ClaimsPtr = std::shared_ptr<const JwtClaims>;
  /// Good tokens by the hash of all their bytes.
  struct Generation {
    absl::flat_hash_map<std::string, ClaimsPtr> claims;
    std::size_t bytes = 0;
  };

  /// `forgotten` is to be ended after the lock.
  ClaimsPtr FindLocked(const std::string& hash, std::size_t bytes, Generation& forgotten)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddLocked(const std::string& hash, std::size_t bytes, const ClaimsPtr& claims,
                 Generation& forgotten) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const JwtOptions options_;
  absl::Mutex mutex_;
  JwtKeys keys_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t keys_version_ ABSL_GUARDED_BY(mutex_) = 0;
  Generation young_ ABSL_GUARDED_BY(mutex_);
  Generation old_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace txtchat::identity
