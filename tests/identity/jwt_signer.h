#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "identity/jwt_keys.h"

namespace txtchat::testing {

/// Somebody who vouches: a new key, with which it signs tokens. Not thread-safe.
class JwtSigner {
 public:
  static JwtSigner Hs256(std::string secret = "a secret of 32 bytes at the least");
  static JwtSigner Rs256(unsigned bits = 2048);
  static JwtSigner Es256(const char* curve = "P-256");
  static JwtSigner EdDsa();

  /// What it is called in a header: "RS256".
  const std::string& algorithm() const { return algorithm_; }
  /// A token with the header that goes with the key.
  std::string Sign(std::string_view payload) const;
  /// A token with this header, whatever it says, signed in the key's own way.
  std::string SignAs(std::string_view header, std::string_view payload) const;

  /// The public key.
  std::string Pem() const;
  /// The same as JWK (the secret, for HS256); `more` is put behind it: `,"kid":"a"`.
  std::string Jwk(std::string_view more = "") const;
  /// A private key's PEM.
  std::string PrivatePem() const;
  /// A verifier's keys: this one, without an id.
  identity::JwtKeys Keys() const;

 private:
  struct Material;
  JwtSigner(std::string algorithm, std::shared_ptr<Material> material);
  std::string SignatureOf(const std::string& bytes) const;

  std::string algorithm_;
  std::shared_ptr<Material> material_;
};

/// `{"keys":[…]}` of some JWKs.
std::string JwkSet(std::initializer_list<std::string> jwks);

}  // namespace txtchat::testing
