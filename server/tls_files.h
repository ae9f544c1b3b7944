#pragma once

#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "gateway/tls_context.h"
#include "server/file_watcher.h"
#include "server/log.h"

namespace txtchat::server {

/// Where the PEM files are.
struct TlsPaths {
  std::string certificate;
  std::string key;
  std::string client_ca;  ///< Empty: clients need no certificate.
  bool client_certificate_required = true;
};

/// What was read from them, and a context that proves that it can be used.
struct LoadedTls {
  gateway::TlsMaterial material;
  gateway::TlsContext context;
};

/// Reads and checks the files; blocking. INVALID_ARGUMENT if one cannot be read (1 MiB at the most)
/// or used, with a message that says what to do and holds nothing of what is in them.
absl::StatusOr<LoadedTls> LoadTls(const TlsPaths& paths);

/// Looks after the files. When what is in them changes, it is used from then on, or, if it cannot
/// be used (a key that is not the certificate's, as between two copies), the former is kept and the
/// log says so once for each change. Runs one thread between Start and Stop; thread-safe.
class TlsReloader {
 public:
  enum class Outcome { kUnchanged, kReloaded, kRefused };

  /// `current` is what is used now. `use` is called by Look. `log` outlives it.
  TlsReloader(TlsPaths paths, gateway::TlsMaterial current,
              std::function<void(const LoadedTls&)> use, const Log& log);
  TlsReloader(const TlsReloader&) = delete;
  TlsReloader& operator=(const TlsReloader&) = delete;

  /// Looks every FileWatcher::kInterval.
  void Start() { watcher_.Start(); }
  /// `use` is not called by the thread any more when this returns. Idempotent.
  void Stop() { watcher_.Stop(); }
  /// Looks now; blocking.
  Outcome Look();

 private:
  const TlsPaths paths_;
  const std::function<void(const LoadedTls&)> use_;
  const Log& log_;
  absl::Mutex look_mutex_;  ///< Held while files are read; nothing else waits for it.
  gateway::TlsMaterial seen_ ABSL_GUARDED_BY(look_mutex_);
  std::string unreadable_ ABSL_GUARDED_BY(look_mutex_);  ///< Why, as of the last look.
  FileWatcher watcher_{[this] { Look(); }};
};

}  // namespace txtchat::server
