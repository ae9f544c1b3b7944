#pragma once

#include <string>
#include <string_view>

namespace txtchat::identity {

/// What is kept of a subject when its user is erased: the first half of its BLAKE2b-256 hash, 16
/// raw bytes. Pure, thread-safe.
std::string HashOfSubject(std::string_view subject);

}  // namespace txtchat::identity
