// base64url without padding (RFC 4648, 5), as tokens have it. Pure functions, thread-safe; the time
// they take depends on the length only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace txtchat::identity {

std::string EncodeBase64url(std::string_view bytes);

/// Empty if `text` is not what EncodeBase64url makes of some bytes: with padding, white space,
/// another alphabet, or bits beyond the last byte. So no two texts are the same bytes.
std::optional<std::string> DecodeBase64url(std::string_view text);

}  // namespace txtchat::identity
