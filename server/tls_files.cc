#include "server/tls_files.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "identity/key_file.h"

namespace txtchat::server {
namespace {

absl::StatusOr<std::string> ReadFile(const char* flag, const std::string& path) {
  absl::StatusOr<std::string> content = identity::ReadKeyFile(path);
  if (content.ok()) return content;
  return absl::InvalidArgumentError(absl::StrCat(flag, " ", path, " cannot be read (",
                                                 content.status().message(),
                                                 "): is it there, and may the server read it?"));
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
