#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace txtchat::identity {

/// How a token may be signed (RFC 7518, 3; RFC 8037). Each key is of one algorithm for good: what
/// a token says of itself chooses among the keys, never what is done with one.
enum class JwtAlgorithm { kHs256, kRs256, kEs256, kEdDsa };

/// As it is called in a token: "HS256". Empty if it is another one, "none" above all.
std::optional<JwtAlgorithm> JwtAlgorithmOf(std::string_view name);

/// A key that checks signatures. A value: copies share what never changes. Thread-safe. Those that
/// make one answer INVALID_ARGUMENT where the key is malformed or too weak; the message is what is
/// wrong with it ("has 1024 bits; …") and holds nothing of it.
class JwtKey {
 public:
  /// A shared secret, of 32 bytes at least; HS256.
  static absl::StatusOr<JwtKey> FromSecret(std::string_view secret);
  /// Numbers as JWK has them: big-endian bytes.
  static absl::StatusOr<JwtKey> FromRsa(std::string_view modulus, std::string_view exponent);
  static absl::StatusOr<JwtKey> FromP256(std::string_view x, std::string_view y);
  static absl::StatusOr<JwtKey> FromEd25519(std::string_view bytes);
  /// A SubjectPublicKeyInfo in DER, as in PEM's "PUBLIC KEY".
  static absl::StatusOr<JwtKey> FromDer(std::string_view der);

  JwtAlgorithm algorithm() const { return algorithm_; }
  const std::string& id() const { return id_; }  ///< Empty: it has none.
  void set_id(std::string id) { id_ = std::move(id); }

  /// Whether this key's owner signed these bytes. `signature` as JWS has it (RFC 7518, 3.4: ES256
  /// is two numbers of 32 bytes).
  bool Verifies(std::string_view signed_bytes, std::string_view signature) const;

 private:
  struct Material;  // Keeps OpenSSL's headers out of this one.
  JwtKey(JwtAlgorithm algorithm, std::shared_ptr<const Material> material)
      : algorithm_(algorithm), material_(std::move(material)) {}
  static absl::StatusOr<JwtKey> Checked(Material material);

  JwtAlgorithm algorithm_;
  std::string id_;
  std::shared_ptr<const Material> material_;
};

}  // namespace txtchat::identity
