#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace txtchat::storage {

/// A name for a new history: 16 random hexadecimal digits. Thread-safe.
/// UNAVAILABLE  the system has no random bytes
absl::StatusOr<std::string> NewEpoch();

}  // namespace txtchat::storage
