#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"

namespace txtchat {

/// The status, with when to try again, in milliseconds: for people, `; retry after N ms` in its
/// message; for transports, RetryAfterMs.
absl::Status WithRetryAfter(const absl::Status& status, std::int64_t retry_after_ms);

/// What WithRetryAfter was told, if anything.
std::optional<std::int64_t> RetryAfterMs(const absl::Status& status);

}  // namespace txtchat
