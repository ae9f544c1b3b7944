// txtchatd on a disk that loses power: what was not synced when the process ends is lost
// (tests/testing/fault_vfs.h), and a sync may take its time (slow_sync.h). For tests only.
#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "tests/testing/fault_vfs.h"
#include "tests/torture/slow_sync.h"

/// main() of server/main.cc, which is compiled once more for this program, under this name.
int TxtchatdMain(int argc, char** argv);

namespace {

absl::Status Install() {
  const auto vfs = txtchat::testing::InstallFaultVfsFromEnvironment();
  if (!vfs.ok()) return vfs.status();
  // Without it this program would show nothing.
  if (*vfs == nullptr) return absl::InvalidArgumentError("TXTCHAT_TEST_FAULT_VFS is not set");
  return txtchat::testing::InstallSlowSyncFromEnvironment();
}

}  // namespace

int main(int argc, char** argv) {
  if (const absl::Status status = Install(); !status.ok()) {
    std::fprintf(stderr, "txtchatd_power_loss: %s\n", std::string(status.message()).c_str());
    return 2;
  }
  return TxtchatdMain(argc, argv);
}
