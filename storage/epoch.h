#pragma once

#include <string>

namespace txtchat::storage {

/// A name for a new history: 16 random hexadecimal digits. Thread-safe.
std::string NewEpoch();

}  // namespace txtchat::storage
