#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/identity.h"

namespace txtchat::identity {

/// What a token must say to be one for here.
struct JwtOptions {
  std::string issuer;               ///< `iss` must be this. Empty: any, or none.
  std::string audience;             ///< `aud` must be, or hold, this. Empty: there must be none.
  std::int64_t leeway_ms = 30'000;  ///< So far may the issuer's clock be from ours.
};

/// What a token says (RFC 7519, 4.1).
struct JwtClaims {
  /// With `expire_time_unix_ms` after the leeway. `subject` is `jwt:ISS:SUB`: of one user only if
  /// the issuer is given, or names no other's; whoever has a key may speak for all of them anyway.
  Vouched vouched;
  std::int64_t valid_from_unix_ms = INT64_MIN;  ///< With the leeway.
};

/// Reads a token's claims, the time aside. Pure. UNAUTHENTICATED, with the reason, if they are no
/// JSON, malformed, not for here, or too large: `sub` 256 bytes, `iss` 256, `name` 256, `channels`
/// 100 of 128.
absl::StatusOr<JwtClaims> ParseJwtClaims(std::string_view json, const JwtOptions& options);

/// Whether a token of these claims counts at this time. OK or UNAUTHENTICATED.
absl::Status CheckJwtTime(const JwtClaims& claims, std::int64_t now_unix_ms);

}  // namespace txtchat::identity
