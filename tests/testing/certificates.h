#pragma once

#include <memory>
#include <string>

namespace txtchat::testing {

/// A certificate and its key, as PEM.
struct Identity {
  std::string certificate;
  std::string key;
};

/// Signs certificates for tests: ECDSA on P-256, valid for an hour. Not thread-safe.
class Authority {
 public:
  explicit Authority(const std::string& name);
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  /// Its own certificate, as PEM.
  const std::string& certificate() const;
  /// A certificate of `name`, also as a DNS name beside `localhost` and 127.0.0.1.
  Identity Issue(const std::string& name) const;

 private:
  struct Signer;
  std::unique_ptr<Signer> signer_;
};

/// The same key, but encrypted with a passphrase.
std::string EncryptedKey(const std::string& key);

}  // namespace txtchat::testing
