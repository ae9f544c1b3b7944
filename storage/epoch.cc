#include "storage/epoch.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace txtchat::storage {

absl::StatusOr<std::string> NewEpoch() {
  std::uint64_t bits = 0;
  if (getrandom(&bits, sizeof(bits), 0) != sizeof(bits)) {
    return absl::UnavailableError(absl::StrCat("no random bytes: ", std::strerror(errno)));
  }
  return absl::StrFormat("%016x", bits);
}

}  // namespace txtchat::storage
