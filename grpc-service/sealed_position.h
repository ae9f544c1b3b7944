// Page tokens that say nothing to others than the server, and that nobody else can make.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/identity.h"

namespace txtchat::rpc {

/// A place in all that is stored. Where it is says how much others have written, in channels too
/// that the reader knows nothing of; so it is not told as it is.
struct StoredPosition {
  std::uint64_t channel = 0;
  std::uint64_t sequence = 0;

  bool operator==(const StoredPosition&) const = default;
};

/// Seals positions with a key of its own: tokens of another one, or of another run of the server,
/// are none. The same position is always the same token. Thread-safe.
class PositionSealer {
 public:
  /// `secrets` outlives it.
  explicit PositionSealer(SecretSource* secrets) : secrets_(*secrets), key_(secrets->NewSecret()) {}

  /// 64 lower-case hexadecimal digits.
  std::string Seal(const StoredPosition& position) const;
  /// None if the token is not one that Seal made.
  std::optional<StoredPosition> Open(std::string_view token) const;

 private:
  using Block = std::array<unsigned char, 16>;

  Block Keyed(char use, const Block& block) const;

  SecretSource& secrets_;
  const std::string key_;
};

}  // namespace txtchat::rpc
