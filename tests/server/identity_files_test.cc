#include "server/identity_files.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "identity/jwt.h"
#include "identity/jwt_keys.h"
#include "tests/testing/scratch_directory.h"

namespace txtchat::server {
namespace {

using Outcome = JwtKeysReloader::Outcome;

/// A JWK set with one secret, of 32 equal bytes.
std::string KeysOf(char letter) {
  return R"({"keys":[{"kty":"oct","alg":"HS256","k":")" + std::string(43, letter) + R"("}]})";
}

class JwtKeysReloaderTest : public ::testing::Test {
 protected:
  void Write(const std::string& content) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << content;
  }

  const testing::ScratchDirectory directory_;
  const std::string path_ = directory_.File("keys.json");
  const Log log_{LogFormat::kText, LogLevel::kError};
  identity::JwtVerifier verifier_{{}, identity::JwtKeys()};
};

TEST_F(JwtKeysReloaderTest, UsesWhatChangesAndTellsOfAFaultOnce) {
  Write(KeysOf('A'));
  JwtKeysReloader reloader(path_, &verifier_, log_);
  EXPECT_EQ(reloader.Look(), Outcome::kUnchanged);
  Write(KeysOf('Q'));
  EXPECT_EQ(reloader.Look(), Outcome::kReloaded);
  EXPECT_EQ(reloader.Look(), Outcome::kUnchanged);
  Write("half a file");
  EXPECT_EQ(reloader.Look(), Outcome::kRefused);
  EXPECT_EQ(reloader.Look(), Outcome::kUnchanged);
  std::filesystem::remove(path_);
  EXPECT_EQ(reloader.Look(), Outcome::kRefused);
  EXPECT_EQ(reloader.Look(), Outcome::kUnchanged);
  Write(KeysOf('Q'));
  EXPECT_EQ(reloader.Look(), Outcome::kReloaded);
}

// A pipe without a writer: whoever opened it would never come back.
TEST_F(JwtKeysReloaderTest, DoesNotWaitForWhatIsNoFile) {
  Write(KeysOf('A'));
  JwtKeysReloader reloader(path_, &verifier_, log_);
  std::filesystem::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(reloader.Look(), Outcome::kRefused);
  EXPECT_EQ(reloader.Look(), Outcome::kUnchanged);
}

}  // namespace
}  // namespace txtchat::server
