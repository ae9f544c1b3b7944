#include "identity/certificates.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdint>
#include <ctime>
#include <limits>
#include <memory>

#include "core/text.h"
#include "identity/subject_hash.h"

namespace txtchat::identity {
namespace {

template <auto kFree>
struct Freer {
  template <typename T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};
using BioPtr = std::unique_ptr<BIO, Freer<BIO_free>>;
using CertificatePtr = std::unique_ptr<X509, Freer<X509_free>>;

absl::Status NamesNobody() {
  ERR_clear_error();
  return absl::UnauthenticatedError(
      "the certificate must have exactly one common name, which a user can have");
}

/// Empty unless there is exactly one.
std::string CommonNameOf(const X509& certificate) {
  X509_NAME* const subject = X509_get_subject_name(&certificate);
  const int place = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (place < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, place) >= 0) return "";
  unsigned char* utf8 = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place)));
  if (size < 0) return "";
  std::string name(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  return name;
}

}  // namespace

absl::StatusOr<Vouched> OpensslCertificateReader::Read(const std::string& certificate_pem) const {
  if (certificate_pem.size() > std::numeric_limits<int>::max()) return NamesNobody();
  const BioPtr reader(
      BIO_new_mem_buf(certificate_pem.data(), static_cast<int>(certificate_pem.size())));
  const CertificatePtr certificate(PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) return NamesNobody();
  std::string name = CommonNameOf(*certificate);
  Limits limits;
  limits.name_bytes_max = kNameBytesMax;
  if (!ValidateName("common name", name, limits).ok()) return NamesNobody();
  std::tm ends{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &ends) != 1) return NamesNobody();
  Vouched vouched{.subject = "cert:" + name,
                  .display_name = name,
                  .expire_time_unix_ms = std::int64_t{timegm(&ends)} * 1'000};
  vouched.subject_hash = HashOfSubject(vouched.subject);
  return vouched;
}

}  // namespace txtchat::identity
