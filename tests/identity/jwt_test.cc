// Tokens, as far as their form, their header and their signature go.
#include "identity/jwt.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "identity/base64url.h"
#include "identity/jwt_keys.h"
#include "tests/identity/jwt_signer.h"

namespace txtchat::identity {
namespace {

using testing::JwkSet;
using testing::JwtSigner;

constexpr std::int64_t kNow = 1'700'000'000'000;
constexpr char kClaims[] = R"({"sub":"u1","exp":1700000060})";

/// "" if the token counts, else why it does not.
std::string Refusal(JwtVerifier& verifier, std::string_view token) {
  const auto vouched = verifier.Verify(token, kNow);
  if (vouched.ok()) return "";
  EXPECT_EQ(vouched.status().code(), absl::StatusCode::kUnauthenticated);
  return std::string(vouched.status().message());
}

std::string RefusalOfHeader(const std::string& header) {
  static const JwtSigner signer = JwtSigner::Hs256();
  JwtVerifier verifier({}, signer.Keys());
  return Refusal(verifier, signer.SignAs(header, kClaims));
}

std::vector<JwtSigner> OneOfEach() {
  return {JwtSigner::Hs256(), JwtSigner::Rs256(), JwtSigner::Es256(), JwtSigner::EdDsa()};
}

struct Vector {
  const char* name;
  const char* jwk;
  const char* token;
};

// RFC 7515, A.1 to A.3, and RFC 8037, A.4. Their payloads are no passes (no "sub"; no JSON), so the
// signatures are checked alone.
constexpr Vector kVectors[] = {
    {"HS256",
     R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUu)"
     R"(TwjAzZr1Z9CAow"})",
     "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0"
     "dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
    {"RS256",
     R"({"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qP)"
     R"(CJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL)"
     R"(-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh)"
     R"(9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",)"
     R"("e":"AQAB"})",
     "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNv"
     "bS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm"
     "4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6"
     "xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv"
     "hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"},
    {"ES256",
     R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
     R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})",
     "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNv"
     "bS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxf"
     "KTUJqPP3-Kg6NU1Q"},
    {"EdDSA", R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})",
     "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg"
     "3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
};

TEST(Jwt, TakesTheSignaturesOfTheRfcs) {
  for (const Vector& vector : kVectors) {
    const auto keys = ParseJwtKeys(vector.jwk);
    ASSERT_TRUE(keys.ok()) << vector.name << ": " << keys.status();
    const std::string token = vector.token;
    const std::size_t dot = token.rfind('.');
    const std::string signed_bytes = token.substr(0, dot);
    std::string signature = *DecodeBase64url(std::string_view(token).substr(dot + 1));
    const JwtAlgorithm algorithm = *JwtAlgorithmOf(vector.name);
    EXPECT_TRUE(keys->Verify(algorithm, "", signed_bytes, signature)) << vector.name;
    EXPECT_FALSE(keys->Verify(algorithm, "", signed_bytes + "x", signature)) << vector.name;
    for (char& byte : signature) {
      byte ^= 1;
      EXPECT_FALSE(keys->Verify(algorithm, "", signed_bytes, signature)) << vector.name;
      byte ^= 1;
    }
    EXPECT_FALSE(keys->Verify(algorithm, "", signed_bytes, signature + '\0')) << vector.name;
    signature.pop_back();
    EXPECT_FALSE(keys->Verify(algorithm, "", signed_bytes, signature)) << vector.name;
  }
}

TEST(Jwt, TheTokensOfTheRfcsAreNoPasses) {
  for (const Vector& vector : kVectors) {
    JwtVerifier verifier({}, *ParseJwtKeys(vector.jwk));
    const auto vouched = verifier.Verify(vector.token, 1'300'819'000'000);
    const std::string said(vouched.status().message());
    const bool is_json = vector.name != std::string("EdDSA");
    EXPECT_NE(said.find(is_json ? "no \"sub\"" : "not strict JSON"), std::string::npos) << said;
  }
}

TEST(Jwt, TakesEachAlgorithm) {
  for (const JwtSigner& signer : OneOfEach()) {
    JwtVerifier verifier({}, signer.Keys());
    EXPECT_EQ(Refusal(verifier, signer.Sign(kClaims)), "") << signer.algorithm();
  }
}

TEST(Jwt, ASignatureIsOfOneKeyAndOneText) {
  const std::vector<JwtSigner> signers = OneOfEach();
  const std::vector<JwtSigner> others = {JwtSigner::Hs256("another secret of 32 bytes at least"),
                                         JwtSigner::Rs256(), JwtSigner::Es256(),
                                         JwtSigner::EdDsa()};
  for (std::size_t i = 0; i < signers.size(); ++i) {
    JwtVerifier verifier({}, signers[i].Keys());
    EXPECT_NE(Refusal(verifier, others[i].Sign(kClaims)), "") << signers[i].algorithm();
    const std::string token = signers[i].Sign(kClaims);
    const std::string other = signers[i].Sign(R"({"sub":"root","exp":1700000060})");
    const std::string mixed = other.substr(0, other.rfind('.')) + token.substr(token.rfind('.'));
    EXPECT_NE(Refusal(verifier, mixed), "") << signers[i].algorithm();
  }
}

TEST(Jwt, NoneIsNoAlgorithm) {
  for (const char* name : {"none", "None", "NONE", "nOnE", "", "HS512", "hs256"}) {
    const std::string header = absl::StrCat(R"({"alg":")", name, "\"}");
    EXPECT_NE(RefusalOfHeader(header), "") << name;
    JwtVerifier verifier({}, JwtSigner::Hs256().Keys());
    const std::string unsigned_token =
        absl::StrCat(EncodeBase64url(header), ".", EncodeBase64url(kClaims), ".");
    EXPECT_NE(Refusal(verifier, unsigned_token), "") << name;
  }
  EXPECT_NE(RefusalOfHeader("{}"), "");
  EXPECT_NE(RefusalOfHeader(R"({"alg":["HS256"]})"), "");
}

// The classic: what is public is taken for a shared secret.
TEST(Jwt, APublicKeyIsNoSecret) {
  const JwtSigner rsa = JwtSigner::Rs256();
  for (const std::string& file : {rsa.Pem(), JwkSet({rsa.Jwk()})}) {
    JwtVerifier verifier({}, *ParseJwtKeys(file));
    EXPECT_EQ(Refusal(verifier, rsa.Sign(kClaims)), "");
    EXPECT_NE(Refusal(verifier, JwtSigner::Hs256(file).Sign(kClaims)), "");
    EXPECT_NE(Refusal(verifier, JwtSigner::Hs256(rsa.Pem()).Sign(kClaims)), "");
  }
}

TEST(Jwt, ASignatureOfOneKindIsNoneOfAnother) {
  const std::vector<JwtSigner> signers = OneOfEach();
  for (const JwtSigner& signer : signers) {
    JwtVerifier verifier({}, signer.Keys());
    for (const JwtSigner& other : signers) {
      if (other.algorithm() == signer.algorithm()) continue;
      const std::string header = absl::StrCat(R"({"alg":")", other.algorithm(), "\"}");
      EXPECT_NE(Refusal(verifier, signer.SignAs(header, kClaims)), "") << header;
      EXPECT_NE(Refusal(verifier, other.Sign(kClaims)), "") << header;
    }
  }
}

TEST(Jwt, RefusesExtensionsThatItDoesNotKnow) {
  EXPECT_EQ(RefusalOfHeader(R"({"alg":"HS256","cty":"x","jku":"http://evil"})"), "");
  EXPECT_NE(RefusalOfHeader(R"({"alg":"HS256","crit":["exp"],"exp":1})"), "");
  EXPECT_NE(RefusalOfHeader(R"({"alg":"HS256","crit":[]})"), "");
  EXPECT_NE(RefusalOfHeader(R"({"alg":"HS256","crit":null})"), "");
}

TEST(Jwt, ATokenOfAnotherTypeIsNoPass) {
  EXPECT_EQ(RefusalOfHeader(R"({"alg":"HS256","typ":"JWT"})"), "");
  EXPECT_EQ(RefusalOfHeader(R"({"alg":"HS256","typ":"jwt"})"), "");
  EXPECT_EQ(RefusalOfHeader(R"({"alg":"HS256","typ":"application/at+jwt"})"), "");
  EXPECT_NE(RefusalOfHeader(R"({"alg":"HS256","typ":"logout+jwt"})"), "");
  EXPECT_NE(RefusalOfHeader(R"({"alg":"HS256","typ":1})"), "");
}

TEST(Jwt, RefusesHeadersThatAreNotStrictJson) {
  for (const char* header :
       {"", "[]", "\"HS256\"", R"({"alg":"HS256"}x)", R"({"alg":"HS256",})",
        R"({"alg":"none","alg":"HS256"})", R"({"alg":"HS256","alg":"HS256"})",
        R"({"alg":"HS256","x":{"a":1,"a":2}})", R"({"alg":"HS256","x":[[[[1]]]]})",
        R"({"alg":"HS256"/**/})", "\xEF\xBB\xBF{\"alg\":\"HS256\"}",
        "{\"alg\":\"HS256\",\"x\":\"\xFF\"}", R"({"alg":"HS256","kid":1})"}) {
    EXPECT_NE(RefusalOfHeader(header), "") << header;
  }
  EXPECT_NE(RefusalOfHeader(std::string("{\"alg\":\"HS256\"}\0", 16)), "");
}

TEST(Jwt, TheIdOfAKeyChoosesIt) {
  const JwtSigner a = JwtSigner::Es256();
  const JwtSigner b = JwtSigner::Es256();
  JwtVerifier verifier({}, *ParseJwtKeys(JwkSet({a.Jwk(R"(,"kid":"a")"), b.Jwk(R"(,"kid":"b")")})));
  EXPECT_EQ(Refusal(verifier, a.SignAs(R"({"alg":"ES256","kid":"a"})", kClaims)), "");
  EXPECT_EQ(Refusal(verifier, b.SignAs(R"({"alg":"ES256","kid":"b"})", kClaims)), "");
  EXPECT_NE(Refusal(verifier, a.SignAs(R"({"alg":"ES256","kid":"b"})", kClaims)), "");
  EXPECT_NE(Refusal(verifier, a.SignAs(R"({"alg":"ES256","kid":"c"})", kClaims)), "");
  EXPECT_EQ(Refusal(verifier, b.Sign(kClaims)), "") << "no id: all are tried";
}

TEST(Jwt, AKeyWithoutAnIdIsTriedForEveryId) {
  const JwtSigner signer = JwtSigner::EdDsa();
  JwtVerifier verifier({}, *ParseJwtKeys(signer.Pem()));
  EXPECT_EQ(Refusal(verifier, signer.SignAs(R"({"alg":"EdDSA","kid":"any"})", kClaims)), "");
}

TEST(Jwt, RefusesEveryTokenThatIsCutOrNotStrictBase64url) {
  const JwtSigner signer = JwtSigner::Hs256();
  JwtVerifier verifier({}, signer.Keys());
  const std::string token = signer.Sign(kClaims);
  ASSERT_EQ(Refusal(verifier, token), "");
  for (std::size_t size = 0; size < token.size(); ++size) {
    EXPECT_NE(Refusal(verifier, token.substr(0, size)), "") << size;
  }
  for (const char* tail : {"=", "A", ".", ".A", " ", "\n", "+"}) {
    EXPECT_NE(Refusal(verifier, token + tail), "") << tail;
    EXPECT_NE(Refusal(verifier, tail + token), "") << tail;
  }
  // 32 bytes are 42 characters and four bits of the last: the other two must be zero.
  std::string twin = token;
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  twin.back() = alphabet[alphabet.find(twin.back()) + 1];
  EXPECT_NE(Refusal(verifier, twin), "");
}

TEST(Jwt, RefusesWhatIsTooLong) {
  const JwtSigner signer = JwtSigner::Hs256();
  JwtVerifier verifier({}, signer.Keys());
  const auto claims = [](std::size_t padding) {
    return absl::StrCat(R"({"sub":"u1","exp":1700000060,"x":")", std::string(padding, 'x'), "\"}");
  };
  EXPECT_EQ(Refusal(verifier, signer.Sign(claims(5'000))), "");
  EXPECT_EQ(Refusal(verifier, signer.Sign(claims(6'200))), "the token is longer than 8 KiB");
}

TEST(Jwt, NeverRepeatsTheToken) {
  const JwtSigner signer = JwtSigner::Hs256();
  JwtVerifier verifier({}, signer.Keys());
  for (const char* claims :
       {R"({"sub":"shibboleth"})", R"({"shibboleth":1})", R"({"sub":1,"exp":"shibboleth"})"}) {
    const std::string refusal = Refusal(verifier, signer.Sign(claims));
    EXPECT_EQ(refusal.find("shibboleth"), std::string::npos) << refusal;
  }
  const std::string refusal = Refusal(verifier, "eyJshibboleth.a.b");
  EXPECT_EQ(refusal.find("shibboleth"), std::string::npos) << refusal;
}

TEST(Jwt, KnowsASignedTokenByItsForm) {
  JwtVerifier verifier({}, JwtKeys());
  EXPECT_TRUE(verifier.IsSigned(JwtSigner::Hs256().Sign(kClaims)));
  EXPECT_TRUE(verifier.IsSigned("eyJ.."));
  EXPECT_FALSE(verifier.IsSigned(""));
  EXPECT_FALSE(verifier.IsSigned("eyJhbGciOiJIUzI1NiJ9"));
  EXPECT_FALSE(verifier.IsSigned("eyJ.a"));
  EXPECT_FALSE(verifier.IsSigned("eyJ.a.b.c"));
  // JSON may begin with a blank, so that the base64url of a header may begin with anything.
  const JwtSigner signer = JwtSigner::Hs256();
  verifier.UseKeys(signer.Keys());
  const std::string blank = signer.SignAs(R"( {"alg":"HS256"})", kClaims);
  EXPECT_TRUE(verifier.Verify(blank, kNow).ok());
  EXPECT_TRUE(verifier.IsSigned(blank));
}

TEST(Jwt, WithoutKeysNobodyVouches) {
  JwtVerifier verifier({}, JwtKeys());
  EXPECT_NE(Refusal(verifier, JwtSigner::Hs256().Sign(kClaims)), "");
}

}  // namespace
}  // namespace txtchat::identity
