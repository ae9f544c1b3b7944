#include "server/tls_files.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace txtchat::server {
namespace {

constexpr std::size_t kFileBytesMax = 1 << 20;

absl::StatusOr<std::string> ReadFile(const char* flag, const std::string& path) {
  const auto unreadable = [&](const std::string& why) {
    return absl::InvalidArgumentError(absl::StrCat(flag, " ", path, " cannot be read (", why,
                                                   "): is it there, and may the server read it?"));
  };
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (error) return unreadable(error.message());
  if (!std::filesystem::is_regular_file(status)) return unreadable("it is no file");
  std::ifstream file(path, std::ios::binary);
  if (!file) return unreadable(std::strerror(errno));
  std::string content(kFileBytesMax + 1, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (file.bad()) return unreadable(std::strerror(errno));
  content.resize(static_cast<std::size_t>(file.gcount()));
  if (content.size() > kFileBytesMax) return unreadable("it is larger than 1 MiB");
  return content;
}

absl::StatusOr<gateway::TlsMaterial> ReadAll(const TlsPaths& paths) {
  gateway::TlsMaterial material;
  absl::StatusOr<std::string> certificate = ReadFile("--tls-cert", paths.certificate);
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> key = ReadFile("--tls-key", paths.key);
  if (!key.ok()) return key.status();
  material.certificate = *std::move(certificate);
  material.private_key = *std::move(key);
  if (paths.client_ca.empty()) return material;
  absl::StatusOr<std::string> client_ca = ReadFile("--tls-client-ca", paths.client_ca);
  if (!client_ca.ok()) return client_ca.status();
  if (client_ca->empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--tls-client-ca ", paths.client_ca, " is empty: it must hold certificates"));
  }
  material.client_ca = *std::move(client_ca);
  material.client_certificate_required = paths.client_certificate_required;
  return material;
}

absl::StatusOr<LoadedTls> Check(const TlsPaths& paths, gateway::TlsMaterial material) {
  absl::StatusOr<gateway::TlsContext> context = gateway::MakeTlsContext(material);
  if (context.ok()) return LoadedTls{std::move(material), *std::move(context)};
  std::string files = absl::StrCat("--tls-cert ", paths.certificate, ", --tls-key ", paths.key);
  if (!paths.client_ca.empty()) absl::StrAppend(&files, ", --tls-client-ca ", paths.client_ca);
  return absl::InvalidArgumentError(absl::StrCat(
      "TLS cannot use these files: ", context.status().message(), "; they are ", files));
}

}  // namespace

absl::StatusOr<LoadedTls> LoadTls(const TlsPaths& paths) {
  absl::StatusOr<gateway::TlsMaterial> material = ReadAll(paths);
  if (!material.ok()) return material.status();
  return Check(paths, *std::move(material));
}

TlsReloader::TlsReloader(TlsPaths paths, gateway::TlsMaterial current,
                         std::function<void(const LoadedTls&)> use, const Log& log)
    : paths_(std::move(paths)), use_(std::move(use)), log_(log), seen_(std::move(current)) {}

void TlsReloader::Start() {
  thread_ = std::thread([this] { Run(); });
}

void TlsReloader::Stop() {
  {
    absl::MutexLock lock(&stop_mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void TlsReloader::Run() {
  for (;;) {
    {
      absl::MutexLock lock(&stop_mutex_);
      if (stop_mutex_.AwaitWithTimeout(absl::Condition(&stopping_), absl::FromChrono(kInterval))) {
        return;
      }
    }
    Look();
  }
}

TlsReloader::Outcome TlsReloader::Look() {
  absl::MutexLock lock(&look_mutex_);
  absl::StatusOr<gateway::TlsMaterial> read = ReadAll(paths_);
  const std::string unreadable(read.status().message());
  const bool changed = unreadable != unreadable_ || (read.ok() && *read != seen_);
  if (!changed) return Outcome::kUnchanged;
  unreadable_ = unreadable;
  if (read.ok()) seen_ = *read;
  const absl::StatusOr<LoadedTls> loaded =
      read.ok() ? Check(paths_, *std::move(read)) : absl::StatusOr<LoadedTls>(read.status());
  if (!loaded.ok()) {
    log_.Warning("certificate not reloaded, the former is used",
                 {{"reason", std::string(loaded.status().message())}});
    return Outcome::kRefused;
  }
  use_(*loaded);
  log_.Info("certificate reloaded", {{"file", paths_.certificate}});
  return Outcome::kReloaded;
}

}  // namespace txtchat::server
