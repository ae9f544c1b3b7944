#include "grpc-service/credentials.h"

#include <sodium.h>

#include <array>
#include <cstddef>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace txtchat::rpc {
namespace {

constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kGuestIdBytes = 8;
/// Longer than any token of ours: not worth hashing.
constexpr std::size_t kTokenCharactersMax = 256;

}  // namespace

absl::Status InitCredentials() {
  if (sodium_init() < 0) return absl::InternalError("libsodium could not be initialised");
  return absl::OkStatus();
}

std::string MakeToken() {
  std::array<unsigned char, kTokenBytes> bits{};
  randombytes_buf(bits.data(), bits.size());
  constexpr int kVariant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string token(sodium_base64_ENCODED_LEN(kTokenBytes, kVariant), '\0');
  sodium_bin2base64(token.data(), token.size(), bits.data(), bits.size(), kVariant);
  sodium_memzero(bits.data(), bits.size());
  token.pop_back();  // The terminating NUL is counted above.
  return token;
}

std::string HashToken(std::string_view token) {
  std::string hash(crypto_generichash_BYTES, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(),
                     reinterpret_cast<const unsigned char*>(token.data()), token.size(), nullptr,
                     0);
  return hash;
}

std::string MakeGuestId() {
  std::array<unsigned char, kGuestIdBytes> bits{};
  randombytes_buf(bits.data(), bits.size());
  std::string id(2 * kGuestIdBytes + 1, '\0');
  sodium_bin2hex(id.data(), id.size(), bits.data(), bits.size());
  id.pop_back();  // As above.
  return id;
}

std::uint64_t RandomBits() {
  std::uint64_t bits = 0;
  randombytes_buf(&bits, sizeof(bits));
  return bits;
}

absl::StatusOr<std::string_view> ParseBearer(std::string_view header) {
  constexpr std::string_view kScheme = "bearer ";
  const auto malformed = [] {
    return absl::UnauthenticatedError(
        "the authorization metadata is not \"Bearer TOKEN\"; send the token that Register "
        "answered");
  };
  if (header.size() < kScheme.size() ||
      !absl::EqualsIgnoreCase(absl::string_view(header.data(), kScheme.size()),
                              absl::string_view(kScheme.data(), kScheme.size()))) {
    return malformed();
  }
  std::string_view token = header.substr(kScheme.size());
  while (!token.empty() && token.front() == ' ') token.remove_prefix(1);
  while (!token.empty() && token.back() == ' ') token.remove_suffix(1);
  if (token.empty() || token.size() > kTokenCharactersMax ||
      token.find(' ') != std::string_view::npos) {
    return malformed();
  }
  return token;
}

}  // namespace txtchat::rpc
