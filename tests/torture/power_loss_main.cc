// txtchatd on a disk that loses power: what was not synced when the process ends is lost
// (tests/testing/fault_vfs.h). For tests only.
#include <cstdio>
#include <string>

#include "tests/testing/fault_vfs.h"

/// main() of server/main.cc, which is compiled once more for this program, under this name.
int TxtchatdMain(int argc, char** argv);

int main(int argc, char** argv) {
  const auto vfs = txtchat::testing::InstallFaultVfsFromEnvironment();
  if (!vfs.ok() || *vfs == nullptr) {
    // Without it this program would show nothing.
    const std::string reason =
        vfs.ok() ? "TXTCHAT_TEST_FAULT_VFS is not set" : std::string(vfs.status().message());
    std::fprintf(stderr, "txtchatd_power_loss: %s\n", reason.c_str());
    return 2;
  }
  return TxtchatdMain(argc, argv);
}
