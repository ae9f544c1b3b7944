#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "core/identity.h"

namespace txtchat::identity {

/// Makes libsodium ready; call it once before anything of this folder. INTERNAL if the system has
/// no randomness to give. Idempotent, thread-safe.
absl::Status InitSodium();

/// Secrets by libsodium: the kernel's randomness, BLAKE2b.
class SodiumSecrets final : public SecretSource {
 public:
  std::string NewSecret() override;
  std::string HashOf(std::string_view secret) const override;
  std::string NewId() override;
  std::uint64_t RandomBits() override;
};

}  // namespace txtchat::identity
