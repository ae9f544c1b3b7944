#include "identity/jwt_keys.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "identity/base64url.h"
#include "tests/identity/jwt_signer.h"

namespace txtchat::identity {
namespace {

using testing::JwkSet;
using testing::JwtSigner;

/// "" if the keys can be used, else why they cannot.
std::string Refusal(std::string_view text) {
  const auto keys = ParseJwtKeys(text);
  if (keys.ok()) return "";
  EXPECT_EQ(keys.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(keys.status().message());
}

std::size_t Count(std::string_view text) {
  const auto keys = ParseJwtKeys(text);
  EXPECT_TRUE(keys.ok()) << keys.status();
  return keys.ok() ? keys->size() : 0;
}

TEST(JwtKeys, ComeInPem) {
  const std::string rsa = JwtSigner::Rs256().Pem();
  const std::string ec = JwtSigner::Es256().Pem();
  const std::string ed = JwtSigner::EdDsa().Pem();
  EXPECT_EQ(Count(rsa), 1u);
  EXPECT_EQ(Count(ec), 1u);
  EXPECT_EQ(Count(ed), 1u);
  EXPECT_EQ(Count(absl::StrCat("some words before\n", rsa, ec, "\n", ed)), 3u);
}

TEST(JwtKeys, ComeInAJwkSetOrAJwk) {
  const std::string rsa = JwtSigner::Rs256().Jwk(R"(,"alg":"RS256","use":"sig","kid":"r")");
  const std::string ec = JwtSigner::Es256().Jwk(R"(,"alg":"ES256","key_ops":["verify"])");
  const std::string ed = JwtSigner::EdDsa().Jwk();
  const std::string oct = JwtSigner::Hs256().Jwk(R"(,"alg":"HS256")");
  EXPECT_EQ(Count(JwkSet({rsa, ec, ed, oct})), 4u);
  EXPECT_EQ(Count(ec), 1u);
  EXPECT_EQ(Count(absl::StrCat("\n ", oct)), 1u);
}

TEST(JwtKeys, PassOverWhatIsNotForThem) {
  const std::string usable = JwtSigner::Es256().Jwk();
  const JwtSigner rsa = JwtSigner::Rs256();
  EXPECT_EQ(Count(JwkSet({usable, rsa.Jwk(R"(,"use":"enc")"), rsa.Jwk(R"(,"alg":"RS512")"),
                          rsa.Jwk(R"(,"key_ops":["encrypt"])"), R"({"kty":"new"})", "{}",
                          R"({"kty":"EC","crv":"P-521","x":"AA","y":"AA"})",
                          R"({"kty":"OKP","crv":"X25519","x":"AA"})"})),
            1u);
  EXPECT_NE(Refusal(JwkSet({rsa.Jwk(R"(,"use":"enc")")})), "") << "none is left";
}

TEST(JwtKeys, RefuseWeakOnes) {
  EXPECT_NE(Refusal(JwtSigner::Rs256(1024).Pem()), "");
  EXPECT_NE(Refusal(JwtSigner::Rs256(1024).Jwk()), "");
  EXPECT_NE(Refusal(JwkSet({JwtSigner::Es256().Jwk(), JwtSigner::Rs256(1024).Jwk()})), "");
  EXPECT_NE(Refusal(JwtSigner::Hs256(std::string(31, 's')).Jwk()), "");
  EXPECT_EQ(Refusal(JwtSigner::Hs256(std::string(32, 's')).Jwk()), "");
  EXPECT_NE(Refusal(JwtSigner::Hs256("").Jwk()), "");
  // With the exponent 1 everything is its own signature.
  const std::string modulus = EncodeBase64url(std::string(256, '\xFF'));
  EXPECT_NE(Refusal(absl::StrCat(R"({"kty":"RSA","n":")", modulus, R"(","e":"AQ"})")), "");
  EXPECT_NE(Refusal(absl::StrCat(R"({"kty":"RSA","n":")", modulus, R"(","e":"Ag"})")), "");
  const std::string huge = EncodeBase64url(std::string(2'000, '\xFF'));
  EXPECT_NE(Refusal(absl::StrCat(R"({"kty":"RSA","n":")", huge, R"(","e":"AQAB"})")), "");
}

TEST(JwtKeys, RefuseOtherCurves) {
  EXPECT_NE(Refusal(JwtSigner::Es256("P-384").Pem()), "");
  EXPECT_NE(Refusal(JwtSigner::Es256("secp256k1").Pem()), "");
}

TEST(JwtKeys, RefuseMalformedOnes) {
  const std::string zeros = EncodeBase64url(std::string(32, '\0'));
  for (const std::string& jwk :
       {std::string(R"({"kty":"RSA"})"), std::string(R"({"kty":"RSA","n":"AA","e":"AQAB"})"),
        std::string(R"({"kty":"RSA","n":"!","e":"AQAB"})"),
        std::string(R"({"kty":"EC","crv":"P-256"})"), std::string(R"({"kty":"oct","k":1})"),
        std::string(R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})"),
        absl::StrCat(R"({"kty":"EC","crv":"P-256","x":")", zeros, R"(","y":")", zeros, "\"}")}) {
    EXPECT_NE(Refusal(jwk), "") << jwk;
  }
  EXPECT_NE(Refusal(JwtSigner::Rs256().Jwk(R"(,"alg":"HS256")")), "") << "alg of another kind";
  EXPECT_NE(Refusal(JwtSigner::Hs256().Jwk(R"(,"alg":"RS256")")), "") << "alg of another kind";
  EXPECT_NE(Refusal(JwtSigner::Hs256().Jwk(R"(,"kid":1)")), "");
  std::string pem = JwtSigner::Es256().Pem();
  pem[60] = '!';
  EXPECT_NE(Refusal(pem), "");
}

TEST(JwtKeys, RefuseWhatHasMoreBehindTheKey) {
  std::string pem = JwtSigner::EdDsa().Pem();  // 44 bytes, and so one character of padding.
  pem[pem.find("=\n-----END")] = 'A';
  EXPECT_EQ(Refusal(pem), "cannot be used: its key no. 1 is malformed");
}

TEST(JwtKeys, RefuseWhatIsNoKeyFile) {
  for (const char* text : {"", " \n", "a plain secret of more than 32 bytes, in a file", "{", "{}",
                           R"({"keys":1})", R"({"keys":[]})", R"({"keys":[1]})",
                           R"({"keys":[],"keys":[]})", "-----BEGIN PUBLIC KEY-----\n"}) {
    EXPECT_NE(Refusal(text), "") << text;
  }
}

TEST(JwtKeys, SayWhatToDoWithAPrivateKey) {
  EXPECT_NE(Refusal(JwtSigner::EdDsa().PrivatePem()).find("openssl pkey"), std::string::npos);
  EXPECT_NE(Refusal(JwtSigner::EdDsa().Jwk(R"(,"d":"AA")")).find("private key"), std::string::npos);
  EXPECT_NE(Refusal("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
                .find("openssl x509"),
            std::string::npos);
}

TEST(JwtKeys, AreNotMoreThanCanBeTried) {
  const JwtSigner signer = JwtSigner::EdDsa();
  const std::string pem = signer.Pem();
  EXPECT_EQ(Count(pem + pem + pem), 3u);
  EXPECT_NE(Refusal(pem + pem + pem + pem), "");
  std::string jwks;
  for (int i = 0; i < 64; ++i) {
    absl::StrAppend(&jwks, i == 0 ? "" : ",", signer.Jwk(absl::StrCat(R"(,"kid":"k)", i, "\"")));
  }
  EXPECT_EQ(Count(absl::StrCat("{\"keys\":[", jwks, "]}")), 64u);
  EXPECT_NE(Refusal(absl::StrCat("{\"keys\":[", jwks, ",", signer.Jwk(), "]}")), "");
}

class JwtKeyFile : public ::testing::Test {
 protected:
  JwtKeyFile() {
    const auto* const test = ::testing::UnitTest::GetInstance()->current_test_info();
    path_ = absl::StrCat(::testing::TempDir(), "jwt_keys_test_", test->name());
  }
  ~JwtKeyFile() override { std::filesystem::remove(path_); }

  void Write(std::string_view content) { std::ofstream(path_, std::ios::binary) << content; }

  std::string path_;
};

TEST_F(JwtKeyFile, IsRead) {
  Write(JwtSigner::Es256().Pem());
  EXPECT_EQ(LoadJwtKeys(path_)->size(), 1u);
}

TEST_F(JwtKeyFile, IsNamedWhereItCannotBeUsed) {
  const auto said = [&] { return std::string(LoadJwtKeys(path_).status().message()); };
  EXPECT_NE(said().find(path_), std::string::npos);
  EXPECT_NE(said().find("cannot be read"), std::string::npos);
  Write("shibboleth");
  EXPECT_NE(said().find(path_), std::string::npos);
  EXPECT_EQ(said().find("shibboleth"), std::string::npos);
  Write(std::string((1 << 20) + 1, ' '));
  EXPECT_NE(said().find("larger than 1 MiB"), std::string::npos);
  EXPECT_NE(LoadJwtKeys("/").status().message().find("it is no file"), absl::string_view::npos);
}

}  // namespace
}  // namespace txtchat::identity
