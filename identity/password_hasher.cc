#include "identity/password_hasher.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace txtchat::identity {
namespace {

constexpr std::size_t kDigestBytes = 32;

/// What libsodium writes as `$argon2id$v=19$m=KIB,t=PASSES,p=1$SALT$DIGEST`.
struct KeptHash {
  unsigned kibibytes = 0;
  unsigned passes = 0;
  std::string salt;
  std::string digest;
};

absl::Status Stopping() { return absl::UnavailableError("the server is stopping"); }

absl::Status NoMemory() {
  return absl::UnavailableError("the server has no memory to check a password; try again later");
}

/// Empty if these are not that many bytes in base64.
std::string BytesOf(const std::string& base64, std::size_t count) {
  std::string bytes(count, '\0');
  std::size_t size = 0;
  const int status = sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(),
                                       base64.data(), base64.size(), nullptr, &size, nullptr,
                                       sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
  return status == 0 && size == count ? bytes : "";
}

std::optional<KeptHash> ParseHash(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, '$');
  if (parts.size() != 6 || !parts[0].empty() || parts[1] != "argon2id" || parts[2] != "v=19") {
    return std::nullopt;
  }
  KeptHash hash;
  int end = 0;
  if (std::sscanf(parts[3].c_str(), "m=%u,t=%u,p=1%n", &hash.kibibytes, &hash.passes, &end) != 2 ||
      static_cast<std::size_t>(end) != parts[3].size()) {
    return std::nullopt;
  }
  hash.salt = BytesOf(parts[4], crypto_pwhash_SALTBYTES);
  hash.digest = BytesOf(parts[5], kDigestBytes);
  const bool is_one = hash.kibibytes >= crypto_pwhash_MEMLIMIT_MIN / 1024 &&
                      hash.passes >= crypto_pwhash_OPSLIMIT_MIN && !hash.salt.empty() &&
                      !hash.digest.empty();
  return is_one ? std::optional<KeptHash>(std::move(hash)) : std::nullopt;
}

std::string RandomSalt() {
  std::string salt(crypto_pwhash_SALTBYTES, '\0');
  randombytes_buf(salt.data(), salt.size());
  return salt;
}

}  // namespace

WipedPassword::WipedPassword(std::string&& password)
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
    : options_(options), nobodys_salt_(RandomSalt()) {
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

absl::Status ArgonPasswordHasher::Verify(
    std::string hash, std::string password,
    absl::AnyInvocable<void(absl::StatusOr<PasswordVerdict>)> done) {
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

absl::StatusOr<std::string> ArgonPasswordHasher::HashOf(std::string_view password) const {
  std::array<char, crypto_pwhash_STRBYTES> hash{};
  if (crypto_pwhash_str_alg(hash.data(), password.data(), password.size(), options_.passes,
                            options_.memory_bytes, crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return NoMemory();
  }
  return std::string(hash.data());
}

// Not by libsodium's own crypto_pwhash_str_verify: to that, a password is wrong when there is no
// memory to hash it.
absl::StatusOr<PasswordVerdict> ArgonPasswordHasher::Do(const VerifyJob& job) const {
  const bool is_nobodys = job.hash.empty();
  std::optional<KeptHash> kept = ParseHash(job.hash);
  if (is_nobodys) {
    kept.emplace(KeptHash{static_cast<unsigned>(options_.memory_bytes / 1024),
                          static_cast<unsigned>(options_.passes), nobodys_salt_, ""});
  }
  if (!kept.has_value()) {
    return absl::InternalError("what is kept of the password is no hash of it");
  }
  const std::string_view password = job.password.view();
  std::array<unsigned char, kDigestBytes> digest{};
  if (crypto_pwhash(digest.data(), digest.size(), password.data(), password.size(),
                    reinterpret_cast<const unsigned char*>(kept->salt.data()), kept->passes,
                    std::size_t{kept->kibibytes} * 1024, crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return NoMemory();
  }
  PasswordVerdict verdict;
  verdict.right =
      !is_nobodys && sodium_memcmp(digest.data(), kept->digest.data(), digest.size()) == 0;
  const bool outdated =
      kept->kibibytes != options_.memory_bytes / 1024 || kept->passes != options_.passes;
  // Without memory for it, it stays as it is until the next time.
  if (verdict.right && outdated) verdict.renewed_hash = HashOf(password).value_or("");
  return verdict;
}

}  // namespace txtchat::identity
