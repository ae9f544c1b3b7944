#pragma once

#include <string_view>

#include "absl/status/statusor.h"

namespace txtchat::rpc {

/// The token of an `authorization` header, `Bearer TOKEN` (the scheme in any case). Pure;
/// thread-safe. UNAUTHENTICATED if it is something else; the message never repeats it.
absl::StatusOr<std::string_view> ParseBearer(std::string_view header);

}  // namespace txtchat::rpc
