#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "nlohmann/json.hpp"

namespace txtchat::identity {

/// An object of JSON as RFC 8259 has it, and nothing around it. Empty if it is not one, if it nests
/// deeper than `depth_max` (the object itself is the first level), or if an object has a key twice:
/// who signed it and who reads it may take different ones. Pure, thread-safe.
std::optional<nlohmann::json> ParseStrictObject(std::string_view text, std::size_t depth_max);

/// The string of that name; null if there is none, or if it is something else.
const std::string* FindString(const nlohmann::json& object, const char* name);

}  // namespace txtchat::identity
