#include "identity/password_hasher.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace txtchat::identity {
namespace {

constexpr std::string_view kHashPrefix = "$argon2id$";

absl::Status Stopping() { return absl::UnavailableError("the server is stopping"); }

absl::Status NoMemory() {
  return absl::UnavailableError("the server has no memory to check a password; try again later");
}

std::string RandomBase64(std::size_t bytes_count) {
  std::array<unsigned char, 32> bytes{};
  randombytes_buf(bytes.data(), bytes_count);
  constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
  std::string text(sodium_base64_encoded_len(bytes_count, kVariant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes_count, kVariant);
  text.pop_back();  // The terminating NUL is counted above.
  return text;
}

// In the form of crypto_pwhash_str: a salt, and 32 bytes that no password will be found to make.
std::string MakeNobodysHash(const PasswordHasherOptions& options) {
  return absl::StrCat("$argon2id$v=19$m=", options.memory_bytes / 1024, ",t=", options.passes,
                      ",p=1$", RandomBase64(crypto_pwhash_SALTBYTES), "$", RandomBase64(32));
}

bool IsHash(std::string_view hash) {
  return hash.size() < crypto_pwhash_STRBYTES &&
         hash.substr(0, kHashPrefix.size()) == kHashPrefix &&
         hash.find('\0') == std::string_view::npos;
}

}  // namespace

WipedPassword::WipedPassword(std::string password)
    : bytes_(std::make_unique<char[]>(password.size())), size_(password.size()) {
  std::copy(password.begin(), password.end(), bytes_.get());
  sodium_memzero(password.data(), password.size());
}

WipedPassword::WipedPassword(WipedPassword&& other) noexcept
    : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}

WipedPassword::~WipedPassword() {
  if (bytes_ != nullptr) sodium_memzero(bytes_.get(), size_);
}

ArgonPasswordHasher::ArgonPasswordHasher(const PasswordHasherOptions& options)
    : options_(options), nobodys_hash_(MakeNobodysHash(options)) {
  for (std::size_t i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { Run(); });
}

ArgonPasswordHasher::~ArgonPasswordHasher() { Stop(); }

void ArgonPasswordHasher::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

absl::Status ArgonPasswordHasher::Hash(std::string password,
                                       absl::AnyInvocable<void(absl::StatusOr<std::string>)> done) {
  return Add(HashJob{WipedPassword(std::move(password)), std::move(done)});
}

absl::Status ArgonPasswordHasher::Verify(std::string hash, std::string password,
                                         absl::AnyInvocable<void(absl::StatusOr<bool>)> done) {
  return Add(VerifyJob{std::move(hash), WipedPassword(std::move(password)), std::move(done)});
}

absl::Status ArgonPasswordHasher::Add(Job job) {
  const std::size_t size =
      std::visit([](const auto& specific) { return specific.password.view().size(); }, job);
  if (size > options_.password_bytes_max) {
    return absl::InvalidArgumentError(absl::StrCat("the password has ", size, " bytes; at most ",
                                                   options_.password_bytes_max, " are allowed"));
  }
  absl::MutexLock lock(&mutex_);
  if (stopping_) return Stopping();
  if (jobs_.size() >= options_.waiting_max) {
    return absl::ResourceExhaustedError(
        "the server is busy: too many passwords wait already; retry with backoff");
  }
  jobs_.push_back(std::move(job));
  return absl::OkStatus();
}

void ArgonPasswordHasher::Run() {
  for (;;) {
    absl::Status refused;
    std::optional<Job> taken;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &ArgonPasswordHasher::HasWork));
      if (jobs_.empty()) return;  // And stopping.
      if (stopping_) refused = Stopping();
      taken.emplace(std::move(jobs_.front()));
      jobs_.pop_front();
    }
    std::visit(
        [&](auto& job) {
          if (refused.ok()) {
            job.done(Do(job));
          } else {
            job.done(refused);
          }
        },
        *taken);
  }
}

absl::StatusOr<std::string> ArgonPasswordHasher::Do(const HashJob& job) const {
  std::array<char, crypto_pwhash_STRBYTES> hash{};
  const std::string_view password = job.password.view();
  if (crypto_pwhash_str_alg(hash.data(), password.data(), password.size(), options_.passes,
                            options_.memory_bytes, crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return NoMemory();
  }
  return std::string(hash.data());
}

absl::StatusOr<bool> ArgonPasswordHasher::Do(const VerifyJob& job) const {
  const std::string& hash = job.hash.empty() ? nobodys_hash_ : job.hash;
  if (!IsHash(hash)) return absl::InternalError("what is kept of the password is no hash of it");
  const std::string_view password = job.password.view();
  errno = 0;
  if (crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0) {
    return !job.hash.empty();
  }
  // libsodium says so where the password is another one, and nothing of the kind where it could not
  // tell. Without memory nobody's password is wrong.
  if (errno == EINVAL) return false;
  if (errno == ENOMEM) return NoMemory();
  return absl::InternalError("what is kept of the password is no hash of it");
}

bool ArgonPasswordHasher::NeedsRehash(const std::string& hash) const {
  return !IsHash(hash) ||
         crypto_pwhash_str_needs_rehash(hash.c_str(), options_.passes, options_.memory_bytes) != 0;
}

}  // namespace txtchat::identity
