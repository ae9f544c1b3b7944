#include "tests/testing/certificates.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <cstdlib>

namespace txtchat::testing {
namespace {

/// A test without certificates cannot go on.
template <typename T>
T Checked(T result) {
  if (!result) std::abort();
  return result;
}

template <typename Write>
std::string Pem(Write write) {
  BIO* const memory = Checked(BIO_new(BIO_s_mem()));
  Checked(write(memory) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  std::string pem(data, static_cast<std::size_t>(size));
  BIO_free(memory);
  return pem;
}

std::string PemOf(EVP_PKEY* key, const EVP_CIPHER* cipher = nullptr, char* passphrase = nullptr) {
  return Pem([=](BIO* memory) {
    return PEM_write_bio_PKCS8PrivateKey(memory, key, cipher, nullptr, 0, nullptr, passphrase);
  });
}

std::string PemOf(X509* certificate) {
  return Pem([=](BIO* memory) { return PEM_write_bio_X509(memory, certificate); });
}

void AddExtension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension =
      Checked(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  Checked(X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

X509* NewCertificate(const std::string& name, EVP_PKEY* key) {
  X509* const certificate = Checked(X509_new());
  std::uint32_t serial = 0;
  Checked(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1);
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), static_cast<long>(serial));
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3'600);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return certificate;
}

}  // namespace

struct Authority::Signer {
  explicit Signer(const std::string& name)
      : key(Checked(EVP_EC_gen("P-256"))), own(NewCertificate(name, key)) {
    X509_set_issuer_name(own, X509_get_subject_name(own));
    AddExtension(own, own, NID_basic_constraints, "critical,CA:TRUE");
    AddExtension(own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
    AddExtension(own, own, NID_subject_key_identifier, "hash");
    Checked(X509_sign(own, key, EVP_sha256()) > 0);
    pem = PemOf(own);
  }
  ~Signer() {
    X509_free(own);
    EVP_PKEY_free(key);
  }
  Signer(const Signer&) = delete;
  Signer& operator=(const Signer&) = delete;

  EVP_PKEY* const key;
  X509* const own;
  std::string pem;
};

Authority::Authority(const std::string& name) : signer_(std::make_unique<Signer>(name)) {}
Authority::~Authority() = default;

const std::string& Authority::certificate() const { return signer_->pem; }

Identity Authority::Issue(const std::string& name) const {
  EVP_PKEY* const key = Checked(EVP_EC_gen("P-256"));
  X509* const certificate = NewCertificate(name, key);
  X509_set_issuer_name(certificate, X509_get_subject_name(signer_->own));
  AddExtension(certificate, signer_->own, NID_basic_constraints, "critical,CA:FALSE");
  AddExtension(certificate, signer_->own, NID_authority_key_identifier, "keyid");
  AddExtension(certificate, signer_->own, NID_subject_alt_name,
               "DNS:" + name + ",DNS:localhost,IP:127.0.0.1");
  Checked(X509_sign(certificate, signer_->key, EVP_sha256()) > 0);
  Identity identity{PemOf(certificate), PemOf(key)};
  X509_free(certificate);
  EVP_PKEY_free(key);
  return identity;
}

std::string EncryptedKey(const std::string& key) {
  BIO* const reader = Checked(BIO_new_mem_buf(key.data(), static_cast<int>(key.size())));
  EVP_PKEY* const plain = Checked(PEM_read_bio_PrivateKey(reader, nullptr, nullptr, nullptr));
  char passphrase[] = "passphrase";
  std::string encrypted = PemOf(plain, EVP_aes_256_cbc(), passphrase);
  EVP_PKEY_free(plain);
  BIO_free(reader);
  return encrypted;
}

}  // namespace txtchat::testing
