#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "core/identity.h"

namespace txtchat::identity {

/// Bounds of the hasher. Memory in use: `threads` times `memory_bytes`.
struct PasswordHasherOptions {
  std::size_t threads = 1;
  std::size_t waiting_max = 64;           ///< Beyond: RESOURCE_EXHAUSTED.
  std::size_t password_bytes_max = 1024;  ///< Beyond: INVALID_ARGUMENT.
  /// Of a new hash; a kept one says its own. The defaults are libsodium's for logging in online
  /// (`crypto_pwhash_*LIMIT_INTERACTIVE`); the least that it takes are 1 and 8 KiB.
  unsigned long long passes = 2;
  std::size_t memory_bytes = 64 << 20;
};

/// A password on the heap, in one place, wiped when it ends.
class WipedPassword {
 public:
  /// Wipes what it is given: what was moved from leaves a short string where it was.
  explicit WipedPassword(std::string&& password);
  ~WipedPassword();
  WipedPassword(WipedPassword&& other) noexcept;
  WipedPassword& operator=(WipedPassword&&) = delete;

  std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
};

/// Argon2id by libsodium, on threads of its own from construction until Stop. What it was given to
/// do is done in the order of asking. Needs InitSodium. Thread-safe.
///
/// Beside what the port says, Hash and Verify answer INVALID_ARGUMENT (the password is too long)
/// and UNAVAILABLE (it was stopped). `done` gets UNAVAILABLE when it is stopped before its turn, or
/// when there is no memory; INTERNAL if the kept hash is none.
class ArgonPasswordHasher final : public PasswordHasher {
 public:
  explicit ArgonPasswordHasher(const PasswordHasherOptions& options);
  ~ArgonPasswordHasher() override;
  ArgonPasswordHasher(const ArgonPasswordHasher&) = delete;
  ArgonPasswordHasher& operator=(const ArgonPasswordHasher&) = delete;

  absl::Status Hash(std::string password,
                    absl::AnyInvocable<void(absl::StatusOr<std::string>)> done) override;
  absl::Status Verify(std::string hash, std::string password,
                      absl::AnyInvocable<void(absl::StatusOr<PasswordVerdict>)> done) override;

  /// Ends the threads: what is being hashed is finished, what waits gets UNAVAILABLE. No `done` is
  /// called any more when this returns. Idempotent; for one thread, and none of the hasher's.
  void Stop();

 private:
  struct HashJob {
    WipedPassword password;
    absl::AnyInvocable<void(absl::StatusOr<std::string>)> done;
  };
  struct VerifyJob {
    std::string hash;
    WipedPassword password;
    absl::AnyInvocable<void(absl::StatusOr<PasswordVerdict>)> done;
  };
  using Job = std::variant<HashJob, VerifyJob>;

  absl::Status Add(Job job);
  void Run();
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopping_ || !jobs_.empty(); }
  absl::StatusOr<std::string> HashOf(std::string_view password) const;
  absl::StatusOr<std::string> Do(const HashJob& job) const { return HashOf(job.password.view()); }
  absl::StatusOr<PasswordVerdict> Do(const VerifyJob& job) const;

  const PasswordHasherOptions options_;
  const std::string nobodys_salt_;
  absl::Mutex mutex_;
  std::deque<Job> jobs_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace txtchat::identity
