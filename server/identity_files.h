#pragma once

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "identity/jwt.h"
#include "identity/jwt_keys.h"
#include "server/file_watcher.h"
#include "server/log.h"

namespace txtchat::server {

/// Looks after the file with the keys of signed tokens. When it changes, what is in it is used from
/// then on, or, if that cannot be used, the former keys stay and the log says so once for each
/// change. Runs one thread between Start and Stop; thread-safe. Keeps no key material of its own.
class JwtKeysReloader {
 public:
  enum class Outcome { kUnchanged, kReloaded, kRefused };

  /// `verifier` uses what is in the file now. It and `log` outlive this.
  JwtKeysReloader(std::string path, identity::JwtVerifier* verifier, const Log& log);
  JwtKeysReloader(const JwtKeysReloader&) = delete;
  JwtKeysReloader& operator=(const JwtKeysReloader&) = delete;

  /// Looks every FileWatcher::kInterval.
  void Start() { watcher_.Start(); }
  /// Idempotent.
  void Stop() { watcher_.Stop(); }
  /// Looks now; blocking.
  Outcome Look();

 private:
  /// What tells one content of the file from another: its BLAKE2b hash, or why it cannot be read.
  static std::string StateOf(const std::string& path);

  const std::string path_;
  identity::JwtVerifier* const verifier_;
  const Log& log_;
  absl::Mutex look_mutex_;  ///< Held while the file is read; nothing else waits for it.
  std::string seen_ ABSL_GUARDED_BY(look_mutex_);
  FileWatcher watcher_{[this] { Look(); }};
};

}  // namespace txtchat::server
