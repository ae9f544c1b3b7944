#include "identity/jwt_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include <array>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace txtchat::identity {
namespace {

template <auto kFree>
struct Freer {
  template <typename T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using KeyContextPtr = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using DigestPtr = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;
using NumberPtr = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using BuilderPtr = std::unique_ptr<OSSL_PARAM_BLD, Freer<OSSL_PARAM_BLD_free>>;
using ParametersPtr = std::unique_ptr<OSSL_PARAM, Freer<OSSL_PARAM_free>>;
using SignaturePtr = std::unique_ptr<ECDSA_SIG, Freer<ECDSA_SIG_free>>;

constexpr std::size_t kSecretBytesMin = 32;  // RFC 7518, 3.2: as long as the hash.
constexpr int kRsaBitsMin = 2048;
constexpr int kRsaBitsMax = 8192;         // Above, a signature's check takes too long.
constexpr std::size_t kNumberBytes = 32;  // Of P-256.

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// Empties OpenSSL's list of errors, which is the thread's and not ours, when a function returns.
struct ErrorsCleared {
  ~ErrorsCleared() { ERR_clear_error(); }
};

absl::Status Malformed() { return absl::InvalidArgumentError("is malformed"); }

KeyPtr MakeKey(const char* type, OSSL_PARAM_BLD* builder) {
  const ParametersPtr parameters(OSSL_PARAM_BLD_to_param(builder));
  const KeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (parameters == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  return KeyPtr(key);
}

bool IsConsistent(EVP_PKEY* key) {
  const KeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  return context != nullptr && EVP_PKEY_public_check(context.get()) == 1;
}

absl::Status CheckRsa(EVP_PKEY* key) {
  const int bits = EVP_PKEY_get_bits(key);
  if (bits < kRsaBitsMin || bits > kRsaBitsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("has ", bits, " bits; RSA needs ", kRsaBitsMin, " to ", kRsaBitsMax));
  }
  return IsConsistent(key) ? absl::OkStatus() : Malformed();
}

absl::Status CheckP256(EVP_PKEY* key) {
  std::array<char, 64> group{};
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) != 1 ||
      std::string_view(group.data(), size) != SN_X9_62_prime256v1) {
    return absl::InvalidArgumentError("is on another curve than P-256");
  }
  return IsConsistent(key) ? absl::OkStatus() : Malformed();
}

bool VerifiesByKey(EVP_PKEY* key, const EVP_MD* digest, std::string_view signed_bytes,
                   std::string_view signature) {
  const ErrorsCleared cleared;
  const DigestPtr context(EVP_MD_CTX_new());
  return context != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), Bytes(signature), signature.size(), Bytes(signed_bytes),
                          signed_bytes.size()) == 1;
}

/// What OpenSSL takes for what JWS has; empty if it cannot be a signature.
std::string DerOf(std::string_view signature) {
  if (signature.size() != 2 * kNumberBytes) return {};
  const SignaturePtr pair(ECDSA_SIG_new());
  NumberPtr r(BN_bin2bn(Bytes(signature), kNumberBytes, nullptr));
  NumberPtr s(BN_bin2bn(Bytes(signature) + kNumberBytes, kNumberBytes, nullptr));
  if (pair == nullptr || r == nullptr || s == nullptr ||
      ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) {
    return {};
  }
  (void)r.release();  // They are the pair's now.
  (void)s.release();
  unsigned char* bytes = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &bytes);
  if (size <= 0) return {};
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

bool VerifiesBySecret(std::string_view secret, std::string_view signed_bytes,
                      std::string_view signature) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> code{};
  unsigned size = 0;
  return HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), Bytes(signed_bytes),
              signed_bytes.size(), code.data(), &size) != nullptr &&
         size == signature.size() && CRYPTO_memcmp(code.data(), signature.data(), size) == 0;
}

}  // namespace

/// One of both.
struct JwtKey::Material {
  Material() = default;
  Material(Material&&) = default;
  ~Material() { OPENSSL_cleanse(secret.data(), secret.size()); }

  KeyPtr key;
  std::string secret;
};

std::optional<JwtAlgorithm> JwtAlgorithmOf(std::string_view name) {
  if (name == "HS256") return JwtAlgorithm::kHs256;
  if (name == "RS256") return JwtAlgorithm::kRs256;
  if (name == "ES256") return JwtAlgorithm::kEs256;
  if (name == "EdDSA") return JwtAlgorithm::kEdDsa;
  return std::nullopt;
}

absl::StatusOr<JwtKey> JwtKey::FromSecret(std::string_view secret) {
  if (secret.size() < kSecretBytesMin) {
    return absl::InvalidArgumentError(absl::StrCat(
        "has ", secret.size(), " bytes; a shared secret needs ", kSecretBytesMin, " random ones"));
  }
  Material material;
  material.secret = std::string(secret);
  return JwtKey(JwtAlgorithm::kHs256, std::make_shared<const Material>(std::move(material)));
}

absl::StatusOr<JwtKey> JwtKey::FromRsa(std::string_view modulus, std::string_view exponent) {
  const ErrorsCleared cleared;
  constexpr std::size_t kBytesMax = kRsaBitsMax / 8;
  if (modulus.size() > kBytesMax || exponent.size() > kBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("has more than ", kRsaBitsMax, " bits"));
  }
  const NumberPtr n(BN_bin2bn(Bytes(modulus), static_cast<int>(modulus.size()), nullptr));
  const NumberPtr e(BN_bin2bn(Bytes(exponent), static_cast<int>(exponent.size()), nullptr));
  const BuilderPtr builder(OSSL_PARAM_BLD_new());
  if (OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return Malformed();
  }
  Material material;
  material.key = MakeKey("RSA", builder.get());
  return Checked(std::move(material));
}

absl::StatusOr<JwtKey> JwtKey::FromP256(std::string_view x, std::string_view y) {
  const ErrorsCleared cleared;
  if (x.size() != kNumberBytes || y.size() != kNumberBytes) return Malformed();
  const std::string point = absl::StrCat("\x04", std::string(x), std::string(y));  // Uncompressed.
  const BuilderPtr builder(OSSL_PARAM_BLD_new());
  if (OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                      SN_X9_62_prime256v1, 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1) {
    return Malformed();
  }
  Material material;
  material.key = MakeKey("EC", builder.get());
  return Checked(std::move(material));
}

absl::StatusOr<JwtKey> JwtKey::FromEd25519(std::string_view bytes) {
  const ErrorsCleared cleared;
  Material material;
  material.key.reset(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Bytes(bytes), bytes.size()));
  return Checked(std::move(material));
}

absl::StatusOr<JwtKey> JwtKey::FromDer(std::string_view der) {
  const ErrorsCleared cleared;
  const unsigned char* position = Bytes(der);
  Material material;
  material.key.reset(d2i_PUBKEY(nullptr, &position, static_cast<long>(der.size())));
  if (position != Bytes(der) + der.size()) return Malformed();
  return Checked(std::move(material));
}

absl::StatusOr<JwtKey> JwtKey::Checked(Material material) {
  EVP_PKEY* const key = material.key.get();
  if (key == nullptr) return Malformed();
  JwtAlgorithm algorithm = JwtAlgorithm::kEdDsa;
  absl::Status status;
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
      algorithm = JwtAlgorithm::kRs256;
      status = CheckRsa(key);
      break;
    case EVP_PKEY_EC:
      algorithm = JwtAlgorithm::kEs256;
      status = CheckP256(key);
      break;
    case EVP_PKEY_ED25519:
      break;
    default:
      status = absl::InvalidArgumentError("is neither RSA nor ECDSA on P-256 nor Ed25519");
  }
  if (!status.ok()) return status;
  return JwtKey(algorithm, std::make_shared<const Material>(std::move(material)));
}

bool JwtKey::Verifies(std::string_view signed_bytes, std::string_view signature) const {
  EVP_PKEY* const key = material_->key.get();
  switch (algorithm_) {
    case JwtAlgorithm::kHs256:
      return VerifiesBySecret(material_->secret, signed_bytes, signature);
    case JwtAlgorithm::kRs256:
      return VerifiesByKey(key, EVP_sha256(), signed_bytes, signature);
    case JwtAlgorithm::kEs256:
      return VerifiesByKey(key, EVP_sha256(), signed_bytes, DerOf(signature));
    case JwtAlgorithm::kEdDsa:  // Hashes by itself.
      return VerifiesByKey(key, nullptr, signed_bytes, signature);
  }
  return false;
}

}  // namespace txtchat::identity
