#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace txtchat::identity {

/// Of a file of keys or certificates.
inline constexpr std::size_t kKeyFileBytesMax = 1 << 20;

/// What is in a file of keys or certificates, kKeyFileBytesMax at the most; blocking.
/// INVALID_ARGUMENT: it cannot be read, and why, to be put in parentheses behind its name.
absl::StatusOr<std::string> ReadKeyFile(const std::string& path);

}  // namespace txtchat::identity
