#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "identity/jwt_key.h"

namespace txtchat::identity {

/// The keys of those who may vouch for users. A value: copies share the keys, which never change.
/// Thread-safe.
class JwtKeys {
 public:
  static constexpr std::size_t kKeysMax = 64;
  /// Keys that are tried for a token, and so keys of one algorithm that may be without an id.
  static constexpr std::size_t kTriesMax = 3;

  JwtKeys() = default;
  explicit JwtKeys(std::vector<JwtKey> keys);

  std::size_t size() const { return keys_->size(); }

  /// Whether one of the keys of this algorithm made the signature. Only those are tried that have
  /// the id `key_id`; where it is empty or a key has none, that key too. Blocking, for some 0.1 ms
  /// a try.
  bool Verify(JwtAlgorithm algorithm, std::string_view key_id, std::string_view signed_bytes,
              std::string_view signature) const;

 private:
  std::shared_ptr<const std::vector<JwtKey>> keys_ = std::make_shared<std::vector<JwtKey>>();
};

/// Keys as text: public keys in PEM, one after the other, or a JWK or JWK set (RFC 7517), in which
/// keys that are not for signatures, or of a kind that is not known here, are passed over.
/// INVALID_ARGUMENT if there is none that can be used, or one that must not be (a private key, RSA
/// under 2048 bits, a shared secret under 32 bytes). The message goes on after "the file" and holds
/// nothing of what is in it.
absl::StatusOr<JwtKeys> ParseJwtKeys(std::string_view text);

/// The same of a file, 1 MiB at the most; blocking. INVALID_ARGUMENT, with a message that names the
/// file and says what to do.
absl::StatusOr<JwtKeys> LoadJwtKeys(const std::string& path);

}  // namespace txtchat::identity
