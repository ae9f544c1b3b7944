#include "tests/identity/jwt_signer.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "identity/base64url.h"

namespace txtchat::testing {
namespace {

using identity::EncodeBase64url;

void Demand(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "OpenSSL did not %s\n", what);
  std::abort();
}

const unsigned char* Bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string Contents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string contents(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return contents;
}

/// A number of a key, big-endian, of `size` bytes; 0: as many as it needs.
std::string Number(const EVP_PKEY* key, const char* name, int size = 0) {
  BIGNUM* number = nullptr;
  Demand(EVP_PKEY_get_bn_param(key, name, &number) == 1, "tell a number");
  std::string bytes(size == 0 ? BN_num_bytes(number) : size, '\0');
  BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()),
               static_cast<int>(bytes.size()));
  BN_free(number);
  return bytes;
}

std::string RawOf(const std::string& der) {
  const unsigned char* position = Bytes(der);
  ECDSA_SIG* const pair = d2i_ECDSA_SIG(nullptr, &position, static_cast<long>(der.size()));
  std::string raw(64, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(raw.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + 32, 32);
  ECDSA_SIG_free(pair);
  return raw;
}

}  // namespace

struct JwtSigner::Material {
  explicit Material(EVP_PKEY* made, std::string shared = "")
      : key(made), secret(std::move(shared)) {}
  Material(const Material&) = delete;
  ~Material() { EVP_PKEY_free(key); }

  EVP_PKEY* key;
  std::string secret;
};

JwtSigner::JwtSigner(std::string algorithm, std::shared_ptr<Material> material)
    : algorithm_(std::move(algorithm)), material_(std::move(material)) {}

JwtSigner JwtSigner::Hs256(std::string secret) {
  return {"HS256", std::make_shared<Material>(nullptr, std::move(secret))};
}

JwtSigner JwtSigner::Rs256(unsigned bits) {
  return {"RS256", std::make_shared<Material>(EVP_RSA_gen(bits))};
}

JwtSigner JwtSigner::Es256(const char* curve) {
  return {"ES256", std::make_shared<Material>(EVP_EC_gen(curve))};
}

JwtSigner JwtSigner::EdDsa() {
  return {"EdDSA", std::make_shared<Material>(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"))};
}

std::string JwtSigner::Sign(std::string_view payload) const {
  return SignAs(absl::StrCat("{\"alg\":\"", algorithm_, "\"}"), payload);
}

std::string JwtSigner::SignAs(std::string_view header, std::string_view payload) const {
  const std::string bytes = absl::StrCat(EncodeBase64url(header), ".", EncodeBase64url(payload));
  return absl::StrCat(bytes, ".", EncodeBase64url(SignatureOf(bytes)));
}

std::string JwtSigner::SignatureOf(const std::string& bytes) const {
  std::string signature(1'024, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(signature.data());
  if (algorithm_ == "HS256") {
    unsigned size = 0;
    HMAC(EVP_sha256(), material_->secret.data(), static_cast<int>(material_->secret.size()),
         Bytes(bytes), bytes.size(), out, &size);
    return signature.substr(0, size);
  }
  const EVP_MD* const digest = algorithm_ == "EdDSA" ? nullptr : EVP_sha256();
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  std::size_t size = signature.size();
  Demand(EVP_DigestSignInit(context, nullptr, digest, nullptr, material_->key) == 1 &&
             EVP_DigestSign(context, out, &size, Bytes(bytes), bytes.size()) == 1,
         "sign");
  EVP_MD_CTX_free(context);
  signature.resize(size);
  return algorithm_ == "ES256" ? RawOf(signature) : signature;
}

std::string JwtSigner::Pem() const {
  BIO* const bio = BIO_new(BIO_s_mem());
  Demand(PEM_write_bio_PUBKEY(bio, material_->key) == 1, "write a key");
  return Contents(bio);
}

std::string JwtSigner::PrivatePem() const {
  BIO* const bio = BIO_new(BIO_s_mem());
  Demand(PEM_write_bio_PrivateKey(bio, material_->key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
         "write a key");
  return Contents(bio);
}

std::string JwtSigner::Jwk(std::string_view more) const {
  const EVP_PKEY* const key = material_->key;
  std::string members;
  if (algorithm_ == "HS256") {
    members = absl::StrCat(R"("kty":"oct","k":")", EncodeBase64url(material_->secret), "\"");
  } else if (algorithm_ == "RS256") {
    members =
        absl::StrCat(R"("kty":"RSA","n":")", EncodeBase64url(Number(key, OSSL_PKEY_PARAM_RSA_N)),
                     R"(","e":")", EncodeBase64url(Number(key, OSSL_PKEY_PARAM_RSA_E)), "\"");
  } else if (algorithm_ == "ES256") {
    members = absl::StrCat(R"("kty":"EC","crv":"P-256","x":")",
                           EncodeBase64url(Number(key, OSSL_PKEY_PARAM_EC_PUB_X, 32)), R"(","y":")",
                           EncodeBase64url(Number(key, OSSL_PKEY_PARAM_EC_PUB_Y, 32)), "\"");
  } else {
    std::string raw(32, '\0');
    std::size_t size = raw.size();
    EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(raw.data()), &size);
    members = absl::StrCat(R"("kty":"OKP","crv":"Ed25519","x":")", EncodeBase64url(raw), "\"");
  }
  return absl::StrCat("{", members, std::string(more), "}");
}

identity::JwtKeys JwtSigner::Keys() const { return *identity::ParseJwtKeys(Jwk()); }

std::string JwkSet(std::initializer_list<std::string> jwks) {
  return absl::StrCat("{\"keys\":[", absl::StrJoin(jwks, ","), "]}");
}

}  // namespace txtchat::testing
