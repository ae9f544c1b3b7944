#include "identity/jwt_keys.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sodium.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "identity/base64url.h"
#include "identity/key_file.h"
#include "identity/strict_json.h"

namespace txtchat::identity {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kDepthMax = 8;
constexpr std::size_t kKeyIdBytesMax = 256;

absl::Status Unusable(const std::string& why) { return absl::InvalidArgumentError(why); }

absl::Status About(std::size_t number, absl::string_view why) {
  return Unusable(absl::StrCat("cannot be used: its key no. ", number, " ", why));
}

absl::Status PrivateKey() {
  return Unusable(
      "holds a private key, which the server must not have: give it the public one (openssl pkey "
      "-in KEY.pem -pubout)");
}

// --- JWK -----------------------------------------------------------------------------------------

/// Whether the key is for checking signatures in a way that is known here.
bool IsForUs(const Json& jwk) {
  const std::string* const use = FindString(jwk, "use");
  if (jwk.contains("use") && (use == nullptr || *use != "sig")) return false;
  if (const auto operations = jwk.find("key_ops"); operations != jwk.end()) {
    const auto is_verify = [](const Json& operation) { return operation == "verify"; };
    if (std::none_of(operations->begin(), operations->end(), is_verify)) return false;
  }
  const std::string* const type = FindString(jwk, "kty");
  const std::string* const curve = FindString(jwk, "crv");
  if (type == nullptr) return false;
  if (*type == "EC") return curve != nullptr && *curve == "P-256";
  if (*type == "OKP") return curve != nullptr && *curve == "Ed25519";
  return *type == "RSA" || *type == "oct";
}

/// The bytes of a member; none if it is missing or no base64url.
std::string BytesOf(const Json& jwk, const char* name) {
  const std::string* const text = FindString(jwk, name);
  if (text == nullptr) return {};
  return DecodeBase64url(*text).value_or("");
}

absl::StatusOr<JwtKey> KeyOf(const Json& jwk) {
  const std::string& type = *FindString(jwk, "kty");
  if (type == "RSA") return JwtKey::FromRsa(BytesOf(jwk, "n"), BytesOf(jwk, "e"));
  if (type == "EC") return JwtKey::FromP256(BytesOf(jwk, "x"), BytesOf(jwk, "y"));
  if (type == "OKP") return JwtKey::FromEd25519(BytesOf(jwk, "x"));
  std::string secret = BytesOf(jwk, "k");
  absl::StatusOr<JwtKey> key = JwtKey::FromSecret(secret);
  OPENSSL_cleanse(secret.data(), secret.size());
  return key;
}

/// Adds the key, unless it is for something else.
absl::Status AddJwk(const Json& jwk, std::size_t number, std::vector<JwtKey>& keys) {
  if (!jwk.is_object()) return About(number, "is no object");
  if (!IsForUs(jwk)) return absl::OkStatus();
  const std::string* const algorithm = FindString(jwk, "alg");
  if (jwk.contains("alg") && (algorithm == nullptr || !JwtAlgorithmOf(*algorithm))) {
    return absl::OkStatus();
  }
  if (jwk.contains("d")) return PrivateKey();
  absl::StatusOr<JwtKey> key = KeyOf(jwk);
  if (!key.ok()) return About(number, key.status().message());
  if (algorithm != nullptr && JwtAlgorithmOf(*algorithm) != key->algorithm()) {
    return About(number, "is of another kind than its \"alg\"");
  }
  if (jwk.contains("kid")) {
    const std::string* const id = FindString(jwk, "kid");
    if (id == nullptr || id->size() > kKeyIdBytesMax) {
      return About(number, "has a \"kid\" that is no text of 256 bytes at the most");
    }
    key->set_id(*id);
  }
  keys.push_back(*std::move(key));
  return absl::OkStatus();
}

absl::Status AddJwks(std::string_view text, std::vector<JwtKey>& keys) {
  const std::optional<Json> object = ParseStrictObject(text, kDepthMax);
  if (!object.has_value()) {
    return Unusable("looks like JSON and is none (nested too deeply and a key twice count, too)");
  }
  if (!object->contains("keys")) return AddJwk(*object, 1, keys);
  const Json& list = object->at("keys");
  if (!list.is_array()) return Unusable("is no JWK set: its \"keys\" are no list");
  std::size_t number = 0;
  for (const Json& jwk : list) {
    if (absl::Status s = AddJwk(jwk, ++number, keys); !s.ok()) return s;
  }
  return absl::OkStatus();
}

// --- PEM -----------------------------------------------------------------------------------------

/// One piece of a PEM file.
struct PemBlock {
  std::string name;  ///< "PUBLIC KEY"
  std::string bytes;
};

std::optional<PemBlock> NextBlock(BIO* reader) {
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  if (PEM_read_bio(reader, &name, &header, &data, &size) != 1) return std::nullopt;
  PemBlock block{name, std::string(reinterpret_cast<const char*>(data), size)};
  OPENSSL_cleanse(data, size);
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_free(data);
  return block;
}

absl::Status AddPem(std::string_view text, std::vector<JwtKey>& keys) {
  BIO* const reader = BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
  absl::Status status;
  while (std::optional<PemBlock> block = status.ok() ? NextBlock(reader) : std::nullopt) {
    const std::string& name = block->name;
    if (name.find("PRIVATE KEY") != std::string::npos) {
      OPENSSL_cleanse(block->bytes.data(), block->bytes.size());
      status = PrivateKey();
    } else if (name == "CERTIFICATE") {
      status = Unusable(
          "holds a certificate: give the server its key (openssl x509 -in FILE -pubkey -noout)");
    } else if (name != "PUBLIC KEY") {
      status = Unusable("holds something else than PEM's \"PUBLIC KEY\" (openssl pkey -pubout)");
    } else if (absl::StatusOr<JwtKey> key = JwtKey::FromDer(block->bytes); !key.ok()) {
      status = About(keys.size() + 1, key.status().message());
    } else {
      keys.push_back(*std::move(key));
    }
  }
  const unsigned long error = ERR_peek_last_error();
  const bool at_end =
      ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  if (status.ok() && !at_end) {
    status = Unusable("is broken PEM");
  }
  ERR_clear_error();
  BIO_free(reader);
  return status;
}

// -------------------------------------------------------------------------------------------------

absl::Status CheckKeys(const std::vector<JwtKey>& keys) {
  if (keys.empty()) {
    return Unusable(
        "holds no key for HS256, RS256, ES256 or EdDSA: it should be public keys in PEM, or a JWK "
        "set");
  }
  if (keys.size() > JwtKeys::kKeysMax) {
    return Unusable(
        absl::StrCat("holds ", keys.size(), " keys; ", JwtKeys::kKeysMax, " are the most"));
  }
  for (const JwtKey& key : keys) {
    const auto is_alike = [&](const JwtKey& other) {
      return other.algorithm() == key.algorithm() && other.id() == key.id();
    };
    const auto count = std::count_if(keys.begin(), keys.end(), is_alike);
    if (static_cast<std::size_t>(count) > JwtKeys::kTriesMax) {
      return Unusable(absl::StrCat("holds ", count, " keys of one kind that have no id of their ",
                                   "own; ", JwtKeys::kTriesMax,
                                   " are the most: give them a \"kid\" each, in a JWK set"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

JwtKeys::JwtKeys(std::vector<JwtKey> keys)
    : keys_(std::make_shared<const std::vector<JwtKey>>(std::move(keys))) {}

bool JwtKeys::Verify(JwtAlgorithm algorithm, std::string_view key_id, std::string_view signed_bytes,
                     std::string_view signature) const {
  std::size_t tries = 0;
  for (const JwtKey& key : *keys_) {
    if (key.algorithm() != algorithm) continue;
    if (!key_id.empty() && !key.id().empty() && key.id() != key_id) continue;
    if (++tries > kTriesMax) return false;
    if (key.Verifies(signed_bytes, signature)) return true;
  }
  return false;
}

absl::StatusOr<JwtKeys> ParseJwtKeys(std::string_view text) {
  if (text.size() > kKeyFileBytesMax) return Unusable("is larger than 1 MiB");
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  const bool is_json = begin != std::string_view::npos && text[begin] == '{';
  std::vector<JwtKey> keys;
  if (absl::Status s = is_json ? AddJwks(text, keys) : AddPem(text, keys); !s.ok()) return s;
  if (absl::Status s = CheckKeys(keys); !s.ok()) return s;
  return JwtKeys(std::move(keys));
}

absl::StatusOr<JwtKeys> LoadJwtKeys(const std::string& path) {
  absl::StatusOr<std::string> content = ReadKeyFile(path);
  if (!content.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("the file of token keys, ", path,
                                                   ", cannot be read (", content.status().message(),
                                                   "): is it there, and may the server read it?"));
  }
  absl::StatusOr<JwtKeys> keys = ParseJwtKeys(*content);
  sodium_memzero(content->data(), content->size());
  if (keys.ok()) return keys;
  return absl::InvalidArgumentError(
      absl::StrCat("the file of token keys, ", path, ", ", keys.status().message()));
}

}  // namespace txtchat::identity
