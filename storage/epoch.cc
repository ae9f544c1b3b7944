#include "storage/epoch.h"

#include <cstdint>
#include <random>

#include "absl/strings/str_format.h"

namespace txtchat::storage {

std::string NewEpoch() {
  std::random_device random;
  const std::uint64_t high = random();
  return absl::StrFormat("%08x%08x", high, random());
}

}  // namespace txtchat::storage
