// Ports: secrets, passwords, and users for whom somebody vouches. `identity/` implements them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace txtchat {

/// Makes secrets, and what is kept of them. Thread-safe; never blocks, never logs.
class SecretSource {
 public:
  virtual ~SecretSource() = default;

  /// A new secret: 256 random bits, base64url without padding (43 characters). None begins with a
  /// dash, since people give invite codes to programs, which would take that for an option.
  virtual std::string NewSecret() = 0;
  /// What is kept of a secret: its BLAKE2b-256 hash, 32 raw bytes.
  virtual std::string HashOf(std::string_view secret) const = 0;
  /// A new id, no secret: 16 lower-case hexadecimal digits.
  virtual std::string NewId() = 0;
  /// 64 unpredictable bits.
  virtual std::uint64_t RandomBits() = 0;
};

/// A user of the operator's own backend, as that says it in a signed token.
struct Vouched {
  std::string subject;       ///< Who it is to who vouches: `jwt:ISSUER:SUB`, or `cert:NAME`.
  std::string display_name;  ///< Empty: not said.
  std::int64_t expire_time_unix_ms = 0;  ///< From then on nobody vouches any more.
  std::vector<std::string> channel_ids;  ///< It may join these, private ones too.
  /// What its bans and mutes are kept by when it has been erased: bytes that are the same whenever
  /// the subject is, and from which it cannot be read. Never empty.
  std::string subject_hash;
};

/// Reads signed tokens (JWT, RFC 7519). Thread-safe.
class TokenVerifier {
 public:
  virtual ~TokenVerifier() = default;

  /// Whether the token has the form of a signed one: then Verify decides, and nothing else.
  virtual bool IsSigned(std::string_view token) const = 0;
  /// Blocking for the check of a few signatures, some 0.1 ms each; what was good lately is
  /// remembered.
  /// UNAUTHENTICATED  it is not valid, not for here, not yet or no longer; the words say why and
  ///                  never repeat the token
  virtual absl::StatusOr<Vouched> Verify(std::string_view token, std::int64_t now_unix_ms) = 0;
};

/// Reads who a client's certificate is about. It was checked already that it is good. Thread-safe;
/// never blocks.
class CertificateReader {
 public:
  virtual ~CertificateReader() = default;

  /// Of the certificate in PEM: its common name, until it expires. UNAUTHENTICATED: it names nobody
  /// whose name could be a user's.
  virtual absl::StatusOr<Vouched> Read(const std::string& certificate_pem) const = 0;
};

/// What a look at a password came to.
struct PasswordVerdict {
  bool right = false;
  /// If it is right, but what is kept was made at other costs than a new hash is: what to keep
  /// instead. Otherwise empty.
  std::string renewed_hash;
};

/// Hashes passwords (Argon2id, RFC 9106), which takes some 0.1 s and 64 MiB for each: on threads of
/// its own, few at a time. Thread-safe.
class PasswordHasher {
 public:
  virtual ~PasswordHasher() = default;

  /// `done` is called once, on a thread of the hasher, unless this answers an error.
  /// RESOURCE_EXHAUSTED  too many passwords wait already
  virtual absl::Status Hash(std::string password,
                            absl::AnyInvocable<void(absl::StatusOr<std::string>)> done) = 0;
  /// Whether the password is the one of which `hash` was made. Takes as long for an empty `hash`,
  /// which is no password's: so that nobody learns which accounts there are. Otherwise as Hash.
  virtual absl::Status Verify(std::string hash, std::string password,
                              absl::AnyInvocable<void(absl::StatusOr<PasswordVerdict>)> done) = 0;
};

/// Folds names, so that those which look alike become the same. Thread-safe; never blocks.
class NameFolder {
 public:
  virtual ~NameFolder() = default;

  /// The skeletons of a name, after Unicode Technical Standard 39, 4: in either case, and as it is
  /// written where that says more; one or two. Two names that have one in common look alike.
  virtual std::vector<std::string> Skeletons(std::string_view name) const = 0;
  /// A login name in its one form: NFKC, case-folded.
  virtual std::string FoldLogin(std::string_view login) const = 0;
};

}  // namespace txtchat
