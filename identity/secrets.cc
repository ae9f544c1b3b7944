#include "identity/secrets.h"

#include <sodium.h>

#include <array>
#include <cstddef>

#include "identity/base64url.h"

namespace txtchat::identity {
namespace {

constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kIdBytes = 8;

}  // namespace

absl::Status InitSodium() {
  if (sodium_init() < 0) return absl::InternalError("libsodium could not be initialised");
  return absl::OkStatus();
}

std::string SodiumSecrets::NewSecret() {
  std::array<char, kSecretBytes> bits{};
  std::string secret;
  do {
    randombytes_buf(bits.data(), bits.size());
    secret = EncodeBase64url({bits.data(), bits.size()});
  } while (secret.front() == '-');
  sodium_memzero(bits.data(), bits.size());
  return secret;
}

std::string SodiumSecrets::HashOf(std::string_view secret) const {
  std::string hash(crypto_generichash_BYTES, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(),
                     reinterpret_cast<const unsigned char*>(secret.data()), secret.size(), nullptr,
                     0);
  return hash;
}

std::string SodiumSecrets::NewId() {
  std::array<unsigned char, kIdBytes> bits{};
  randombytes_buf(bits.data(), bits.size());
  std::string id(2 * kIdBytes + 1, '\0');
  sodium_bin2hex(id.data(), id.size(), bits.data(), bits.size());
  id.pop_back();  // The terminating NUL is counted above.
  return id;
}

std::uint64_t SodiumSecrets::RandomBits() {
  std::uint64_t bits = 0;
  randombytes_buf(&bits, sizeof(bits));
  return bits;
}

}  // namespace txtchat::identity
