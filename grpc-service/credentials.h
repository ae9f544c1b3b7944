// Bearer tokens and the random bits that commands need. Thread-safe; no gRPC in here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace txtchat::rpc {

/// Makes libsodium ready; call it once before anything below. INTERNAL if the system has no
/// randomness to give. Idempotent.
absl::Status InitCredentials();

/// A new bearer token: 256 random bits, base64url without padding (43 characters).
std::string MakeToken();
/// What the server keeps of a token: its BLAKE2b-256 hash, 32 raw bytes.
std::string HashToken(std::string_view token);
/// A new guest's user id: 16 lower-case hexadecimal digits.
std::string MakeGuestId();
/// 64 unpredictable bits.
std::uint64_t RandomBits();

/// The token of an `authorization` header, `Bearer TOKEN` (the scheme in any case).
/// UNAUTHENTICATED if it is something else; the message never repeats it.
absl::StatusOr<std::string_view> ParseBearer(std::string_view header);

}  // namespace txtchat::rpc
