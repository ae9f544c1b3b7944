#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "core/identity.h"

namespace txtchat::identity {

/// Certificates by OpenSSL.
class OpensslCertificateReader final : public CertificateReader {
 public:
  static constexpr std::size_t kNameBytesMax = 128;

  absl::StatusOr<Vouched> Read(const std::string& certificate_pem) const override;
};

}  // namespace txtchat::identity
