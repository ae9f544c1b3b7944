#include "grpc-service/sealed_position.h"

#include <cstddef>

#include "absl/strings/escaping.h"

namespace txtchat::rpc {
namespace {

constexpr std::size_t kDigits = 64;

using Block = std::array<unsigned char, 16>;

Block BytesOf(const StoredPosition& position) {
  Block bytes;
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<unsigned char>(position.channel >> (8 * i));
    bytes[8 + i] = static_cast<unsigned char>(position.sequence >> (8 * i));
  }
  return bytes;
}

StoredPosition PositionOf(const Block& bytes) {
  StoredPosition position;
  for (std::size_t i = 0; i < 8; ++i) {
    position.channel |= std::uint64_t{bytes[i]} << (8 * i);
    position.sequence |= std::uint64_t{bytes[8 + i]} << (8 * i);
  }
  return position;
}

Block Xor(Block block, const Block& other) {
  for (std::size_t i = 0; i < block.size(); ++i) block[i] ^= other[i];
  return block;
}

std::string_view View(const Block& block) {
  return {reinterpret_cast<const char*>(block.data()), block.size()};
}

}  // namespace

PositionSealer::Block PositionSealer::Keyed(char use, const Block& block) const {
  // BLAKE2b with the key in front is a keyed hash.
  std::string input = key_;
  input += use;
  input += View(block);
  const std::string hash = secrets_.HashOf(input);
  Block out;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<unsigned char>(hash.at(i));
  return out;
}

// As SIV does it (RFC 5297): what vouches for the position also hides it.
std::string PositionSealer::Seal(const StoredPosition& position) const {
  const Block plain = BytesOf(position);
  const Block seal = Keyed('s', plain);
  std::string raw(View(seal));
  raw += View(Xor(plain, Keyed('h', seal)));
  return absl::BytesToHexString(raw);
}

std::optional<StoredPosition> PositionSealer::Open(std::string_view token) const {
  const bool fits = token.size() == kDigits &&
                    token.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  if (!fits) return std::nullopt;
  const std::string raw = absl::HexStringToBytes(absl::string_view(token.data(), token.size()));
  Block seal;
  Block hidden;
  for (std::size_t i = 0; i < seal.size(); ++i) {
    seal[i] = static_cast<unsigned char>(raw[i]);
    hidden[i] = static_cast<unsigned char>(raw[seal.size() + i]);
  }
  const Block plain = Xor(hidden, Keyed('h', seal));
  if (Keyed('s', plain) != seal) return std::nullopt;
  return PositionOf(plain);
}

}  // namespace txtchat::rpc
