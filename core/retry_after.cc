#include "core/retry_after.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"

namespace txtchat {
namespace {

// Known within the process only: each transport says it in its own way.
constexpr char kPayload[] = "txtchat/retry-after-ms";

}  // namespace

absl::Status WithRetryAfter(const absl::Status& status, std::int64_t retry_after_ms) {
  absl::Status with(status.code(),
                    absl::StrCat(status.message(), "; retry after ", retry_after_ms, " ms"));
  with.SetPayload(kPayload, absl::Cord(absl::StrCat(retry_after_ms)));
  return with;
}

std::optional<std::int64_t> RetryAfterMs(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayload);
  std::int64_t ms = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &ms)) return std::nullopt;
  return ms;
}

}  // namespace txtchat
