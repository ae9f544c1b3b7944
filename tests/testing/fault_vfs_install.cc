#include <cstdio>
#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/testing/fault_vfs.h"

namespace txtchat::testing {

absl::StatusOr<FaultVfsOptions> ParseFaultVfsOptions(absl::string_view text) {
  FaultVfsOptions options;
  bool has_mode = false;
  for (const absl::string_view word : absl::StrSplit(text, ',')) {
    absl::string_view value = word;
    if (!has_mode) {
      if (word != "power-loss") {
        return absl::InvalidArgumentError(
            absl::StrCat("'", word, "': the only mode is power-loss"));
      }
      has_mode = true;
    } else if (absl::ConsumePrefix(&value, "survive=")) {
      if (!absl::SimpleAtod(value, &options.survive_probability) ||
          !(options.survive_probability >= 0 && options.survive_probability <= 1)) {
        return absl::InvalidArgumentError(absl::StrCat("'", word, "': a number from 0 to 1"));
      }
    } else if (!absl::ConsumePrefix(&value, "seed=") || !absl::SimpleAtoi(value, &options.seed)) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", word, "' is neither survive=PROBABILITY nor seed=NUMBER"));
    }
  }
  return options;
}

absl::StatusOr<FaultVfs*> InstallFaultVfsFromEnvironment() {
  const char* const mode = std::getenv("TXTCHAT_TEST_FAULT_VFS");
  if (mode == nullptr) return nullptr;
  absl::StatusOr<FaultVfsOptions> options = ParseFaultVfsOptions(mode);
  if (!options.ok()) return options.status();
  if (const char* const file = std::getenv("TXTCHAT_TEST_FAULT_FILE"); file != nullptr) {
    options->fault_file = file;
  }
  absl::StatusOr<std::unique_ptr<FaultVfs>> vfs =
      RegisterFaultVfs("txtchat-fault", /*make_default=*/true, *options);
  if (!vfs.ok()) return vfs.status();
  std::fprintf(stderr, "fault VFS: power-loss, survive=%g, seed=%llu, fault file '%s'\n",
               options->survive_probability, static_cast<unsigned long long>(options->seed),
               options->fault_file.c_str());
  static FaultVfs* const installed = vfs->release();  // Kept in sight of leak checkers.
  return installed;
}

}  // namespace txtchat::testing
