// The parts of protobuf's wire format that are written by hand here
// (https://protobuf.dev/programming-guides/encoding).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace txtchat::rpc {

inline constexpr std::uint32_t kVarint = 0;
inline constexpr std::uint32_t kLengthDelimited = 2;

inline void PutVarint(std::uint64_t value, std::string& out) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

/// A field of every message written here has a number below 16, so that its tag is one byte.
inline constexpr std::size_t kTagSize = 1;

inline void PutTag(int field, std::uint32_t type, std::string& out) {
  out.push_back(static_cast<char>(static_cast<std::uint32_t>(field) << 3 | type));
}

/// The head of a string or of a nested message; its `length` bytes must follow.
inline void PutHead(int field, std::size_t length, std::string& out) {
  PutTag(field, kLengthDelimited, out);
  PutVarint(length, out);
}

/// A string, or a nested message, whole.
inline void PutBytes(int field, std::string_view bytes, std::string& out) {
  PutHead(field, bytes.size(), out);
  out += bytes;
}

}  // namespace txtchat::rpc
