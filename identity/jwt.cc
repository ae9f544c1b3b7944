#include "identity/jwt.h"

#include <sodium.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "identity/base64url.h"
#include "identity/strict_json.h"

namespace txtchat::identity {
namespace {

constexpr std::size_t kHeaderDepthMax = 4;

absl::Status Refused(const char* why) { return absl::UnauthenticatedError(why); }

std::string HashOf(std::string_view token) {
  std::string hash(crypto_generichash_BYTES, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(),
                     reinterpret_cast<const unsigned char*>(token.data()), token.size(), nullptr,
                     0);
  return hash;
}

/// A token, cut at its dots.
struct Parts {
  std::string_view header;
  std::string_view payload;
  std::string_view signature;
  std::string_view signed_bytes;  ///< Header, dot, payload.
};

std::optional<Parts> Cut(std::string_view token) {
  const std::size_t first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return std::nullopt;
  }
  return Parts{token.substr(0, first), token.substr(first + 1, second - first - 1),
               token.substr(second + 1), token.substr(0, second)};
}

/// Who signs one kind of token signs others, too (of logout, of events), which are no passes (RFC
/// 8725, 3.11): what says that it is something else is refused.
bool IsTypeOfPass(std::string type) {
  absl::AsciiStrToLower(&type);
  return type == "jwt" || type == "at+jwt" || type == "application/jwt" ||
         type == "application/at+jwt";
}

struct Header {
  JwtAlgorithm algorithm{};
  std::string key_id;
};

// What else a header says is passed over (RFC 7515, 4): no key and no address of one is taken from
// it.
absl::StatusOr<Header> ParseHeader(std::string_view base64) {
  const std::optional<std::string> json = DecodeBase64url(base64);
  if (!json.has_value()) return Refused("the token's header is not strict base64url");
  const std::optional<nlohmann::json> object = ParseStrictObject(*json, kHeaderDepthMax);
  if (!object.has_value()) return Refused("the token's header is not strict JSON");
  if (object->contains("crit")) {
    return Refused("the token's header demands an extension (\"crit\") that is not known here");
  }
  const std::string* const type = FindString(*object, "typ");
  if (object->contains("typ") && (type == nullptr || !IsTypeOfPass(*type))) {
    return Refused("the token's \"typ\" is neither JWT nor at+jwt");
  }
  const std::string* const name = FindString(*object, "alg");
  const std::optional<JwtAlgorithm> algorithm =
      name == nullptr ? std::nullopt : JwtAlgorithmOf(*name);
  if (!algorithm.has_value()) {
    return Refused("the token is not signed by HS256, RS256, ES256 or EdDSA");
  }
  const std::string* const key_id = FindString(*object, "kid");
  if (object->contains("kid") && key_id == nullptr) {
    return Refused("the token's \"kid\" is no text");
  }
  return Header{*algorithm, key_id == nullptr ? "" : *key_id};
}

absl::StatusOr<JwtClaims> Check(std::string_view token, const JwtKeys& keys,
                                const JwtOptions& options) {
  const std::optional<Parts> parts = Cut(token);
  if (!parts.has_value()) return Refused("the token is no JWT: it has not three parts");
  const absl::StatusOr<Header> header = ParseHeader(parts->header);
  if (!header.ok()) return header.status();
  const std::optional<std::string> payload = DecodeBase64url(parts->payload);
  const std::optional<std::string> signature = DecodeBase64url(parts->signature);
  if (!payload.has_value() || !signature.has_value()) {
    return Refused("the token is not strict base64url");
  }
  if (!keys.Verify(header->algorithm, header->key_id, parts->signed_bytes, *signature)) {
    return Refused("the token was not signed by a key that this server trusts");
  }
  return ParseJwtClaims(*payload, options);
}

}  // namespace

JwtVerifier::JwtVerifier(JwtOptions options, JwtKeys keys)
    : options_(std::move(options)), keys_(std::move(keys)) {}

// Our own tokens have no dots. How the first part begins says nothing: JSON may begin with a blank.
bool JwtVerifier::IsSigned(std::string_view token) const {
  return std::count(token.begin(), token.end(), '.') == 2;
}

absl::StatusOr<Vouched> JwtVerifier::Verify(std::string_view token, std::int64_t now_unix_ms) {
  if (token.size() > kTokenBytesMax) return Refused("the token is longer than 8 KiB");
  const std::string hash = HashOf(token);
  Generation forgotten;  // Ended after the locks.
  ClaimsPtr claims;
  JwtKeys keys;
  std::uint64_t version = 0;
  {
    absl::MutexLock lock(&mutex_);
    claims = FindLocked(hash, token.size(), forgotten);
    keys = keys_;
    version = keys_version_;
  }
  const bool is_remembered = claims != nullptr;
  if (!is_remembered) {
    absl::StatusOr<JwtClaims> checked = Check(token, keys, options_);
    if (!checked.ok()) return checked.status();
    claims = std::make_shared<const JwtClaims>(*std::move(checked));
  }
  if (absl::Status s = CheckJwtTime(*claims, now_unix_ms); !s.ok()) return s;
  if (!is_remembered) {
    absl::MutexLock lock(&mutex_);
    // Otherwise its key may be gone meanwhile.
    if (version == keys_version_) AddLocked(hash, token.size(), claims, forgotten);
  }
  return claims->vouched;
}

void JwtVerifier::UseKeys(JwtKeys keys) {
  Generation young;  // Ended after the lock.
  Generation old;
  absl::MutexLock lock(&mutex_);
  std::swap(keys_, keys);
  ++keys_version_;
  std::swap(young_, young);
  std::swap(old_, old);
}

JwtVerifier::ClaimsPtr JwtVerifier::FindLocked(const std::string& hash, std::size_t bytes,
                                               Generation& forgotten) {
  if (const auto found = young_.claims.find(hash); found != young_.claims.end()) {
    return found->second;
  }
  const auto found = old_.claims.find(hash);
  if (found == old_.claims.end()) return nullptr;
  ClaimsPtr claims = found->second;
  AddLocked(hash, bytes, claims, forgotten);  // It is used: it stays.
  return claims;
}

void JwtVerifier::AddLocked(const std::string& hash, std::size_t bytes, const ClaimsPtr& claims,
                            Generation& forgotten) {
  if (young_.claims.size() >= kCachedTokensMax / 2 || young_.bytes + bytes > kCachedBytesMax / 2) {
    forgotten = std::exchange(old_, std::exchange(young_, {}));
  }
  if (young_.claims.emplace(hash, claims).second) young_.bytes += bytes;
}

}  // namespace txtchat::identity
