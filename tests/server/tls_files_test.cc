#include "server/tls_files.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/certificates.h"

namespace txtchat::server {
namespace {

using testing::Authority;
using testing::Identity;
using Outcome = TlsReloader::Outcome;

class TlsFilesTest : public ::testing::Test {
 protected:
  TlsFilesTest()
      : directory_(std::filesystem::temp_directory_path() /
                   ("txtchat-tls-" + std::to_string(::getpid()))),
        paths_{directory_ / "chain.pem", directory_ / "key.pem", ""} {
    std::filesystem::create_directories(directory_);
  }
  ~TlsFilesTest() override { std::filesystem::remove_all(directory_); }

  static void Write(const std::string& path, const std::string& content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  }
  Identity WriteNew() const {
    Identity identity = authority_.Issue("server");
    Write(paths_.certificate, identity.certificate);
    Write(paths_.key, identity.key);
    return identity;
  }
  void ExpectRefused(const std::string& part) const {
    const absl::Status status = LoadTls(paths_).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find(part), absl::string_view::npos) << status;
  }

  const Authority authority_{"authority"};
  const std::filesystem::path directory_;
  TlsPaths paths_;
  const Log log_{LogFormat::kText, LogLevel::kError};
};

TEST_F(TlsFilesTest, AreReadAndChecked) {
  const Identity own = WriteNew();
  paths_.client_ca = directory_ / "ca.pem";
  Write(paths_.client_ca, authority_.certificate());
  const absl::StatusOr<LoadedTls> loaded = LoadTls(paths_);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->material.certificate, own.certificate);
  EXPECT_EQ(loaded->material.private_key, own.key);
  EXPECT_EQ(loaded->material.client_ca, authority_.certificate());
  EXPECT_NE(loaded->context, nullptr);
}

TEST_F(TlsFilesTest, SayWhatIsWrongWithThem) {
  ExpectRefused("--tls-cert " + paths_.certificate + " cannot be read");
  WriteNew();
  Write(paths_.key, authority_.Issue("other").key);
  ExpectRefused("the key does not belong to the certificate");
  Write(paths_.certificate, "nonsense");
  ExpectRefused("the certificate is not one in PEM");
  Write(paths_.certificate, std::string(2 << 20, 'x'));
  ExpectRefused("larger than 1 MiB");
  WriteNew();
  paths_.client_ca = directory_ / "ca.pem";
  ExpectRefused("--tls-client-ca");
  Write(paths_.client_ca, "");  // It must not mean that no certificate is demanded.
  ExpectRefused("is empty");
  paths_.client_ca.clear();
  paths_.key = directory_;
  ExpectRefused("it is no file");
}

TEST_F(TlsFilesTest, AreUsedWhenTheyChange) {
  WriteNew();
  absl::StatusOr<LoadedTls> first = LoadTls(paths_);
  ASSERT_TRUE(first.ok()) << first.status();
  std::vector<std::string> used;
  TlsReloader reloader(
      paths_, first->material,
      [&](const LoadedTls& tls) { used.push_back(tls.material.certificate); }, log_);
  EXPECT_EQ(reloader.Look(), Outcome::kUnchanged);

  const Identity second = WriteNew();
  EXPECT_EQ(reloader.Look(), Outcome::kReloaded);
  EXPECT_EQ(reloader.Look(), Outcome::kUnchanged);
  EXPECT_EQ(used, std::vector<std::string>{second.certificate});

  // The certificate is there, its key is not yet: told once.
  const Identity third = authority_.Issue("server");
  Write(paths_.certificate, third.certificate);
  EXPECT_EQ(reloader.Look(), Outcome::kRefused);
  EXPECT_EQ(reloader.Look(), Outcome::kUnchanged);
  Write(paths_.key, third.key);
  EXPECT_EQ(reloader.Look(), Outcome::kReloaded);
  EXPECT_EQ(used, (std::vector<std::string>{second.certificate, third.certificate}));

  std::filesystem::remove(paths_.key);
  EXPECT_EQ(reloader.Look(), Outcome::kRefused);
  EXPECT_EQ(reloader.Look(), Outcome::kUnchanged);
  Write(paths_.key, third.key);
  EXPECT_EQ(reloader.Look(), Outcome::kReloaded);  // As it was.
  EXPECT_EQ(reloader.Look(), Outcome::kUnchanged);
}

TEST_F(TlsFilesTest, TheThreadThatLooksAfterThemStops) {
  WriteNew();
  const absl::StatusOr<LoadedTls> loaded = LoadTls(paths_);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  int used = 0;
  TlsReloader reloader(
      paths_, loaded->material, [&](const LoadedTls&) { ++used; }, log_);
  reloader.Start();
  reloader.Stop();
  reloader.Stop();
  EXPECT_EQ(used, 0);
}

}  // namespace
}  // namespace txtchat::server
