// Signed tokens, and the files of keys that check them.
//
// The input's first byte says what the rest is: a token; the claims of a token that is signed as it
// should be; its header and its claims, in two lines; a file of keys. Checked:
//   - whatever is accepted was signed by the one secret that is known here, whole as it is;
//   - who is vouched for is within the bounds, in UTF-8, and not for a time that is over;
//   - every refusal is UNAUTHENTICATED and one short printable line;
//   - a token that is remembered says the same again, until it expires or the keys change;
//   - a file of keys is taken within the bounds, or refused in one line.
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "core/text.h"
#include "identity/base64url.h"
#include "identity/jwt.h"
#include "identity/jwt_keys.h"

namespace txtchat::identity {
namespace {

constexpr std::int64_t kNow = 1'700'000'000'000;
constexpr std::string_view kSecret = "a secret of 32 bytes at the least";

// The public keys are those of RFC 7515, A.2 and A.3, and of RFC 8037, A.
constexpr char kPublicKeys[] =
    R"({"kty":"RSA","kid":"r","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W2)"
    R"(6mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47)"
    R"(soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTB)"
    R"(QY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9)"
    R"(gb54h4FRWyuXpoQ"},)"
    R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
    R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},)"
    R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";

void Check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

JwtKeys AllKeys() {
  auto keys = ParseJwtKeys(absl::StrCat(R"({"keys":[{"kty":"oct","kid":"h","k":")",
                                        EncodeBase64url(kSecret), "\"},", kPublicKeys, "]}"));
  Check(keys.ok(), "the fixed keys cannot be used");
  return *std::move(keys);
}

std::string SignatureOf(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> code{};
  unsigned size = 0;
  HMAC(EVP_sha256(), kSecret.data(), static_cast<int>(kSecret.size()),
       reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), code.data(), &size);
  return EncodeBase64url({reinterpret_cast<const char*>(code.data()), size});
}

std::string Signed(std::string_view header, std::string_view claims) {
  const std::string bytes = absl::StrCat(EncodeBase64url(header), ".", EncodeBase64url(claims));
  return absl::StrCat(bytes, ".", SignatureOf(bytes));
}

void CheckMessage(const absl::Status& status) {
  const std::string message(status.message());
  Check(!message.empty() && message.size() < 400, "a refusal is not short");
  Check(std::all_of(message.begin(), message.end(), [](char c) { return c >= 0x20 && c < 0x7F; }),
        "a refusal is not printable");
}

void CheckVouched(const Vouched& user) {
  Check(user.subject.rfind("jwt:", 0) == 0 && user.subject.size() <= 600, "a subject is malformed");
  Check(IsValidUtf8(user.subject) && IsValidUtf8(user.display_name), "a name is not UTF-8");
  Check(user.display_name.size() <= 256, "a name is too long");
  Check(user.expire_time_unix_ms > kNow, "somebody is vouched for in the past");
  Check(user.channel_ids.size() <= 100, "there are too many channels");
  for (const std::string& id : user.channel_ids) {
    Check(!id.empty() && id.size() <= 128 && IsValidUtf8(id), "a channel's id is malformed");
  }
}

bool IsSame(const Vouched& a, const Vouched& b) {
  return a.subject == b.subject && a.display_name == b.display_name &&
         a.expire_time_unix_ms == b.expire_time_unix_ms && a.channel_ids == b.channel_ids;
}

void CheckToken(JwtVerifier& verifier, std::string_view token) {
  static const JwtKeys keys = AllKeys();
  verifier.UseKeys(keys);
  const auto vouched = verifier.Verify(token, kNow);
  if (!vouched.ok()) {
    Check(vouched.status().code() == absl::StatusCode::kUnauthenticated, "a refusal is another");
    CheckMessage(vouched.status());
    return;
  }
  Check(verifier.IsSigned(token), "what was accepted has not the form of a token");
  const std::size_t dot = token.rfind('.');
  Check(token.substr(dot + 1) == SignatureOf(token.substr(0, dot)), "it was not signed");
  CheckVouched(*vouched);
  const auto again = verifier.Verify(token, kNow);
  Check(again.ok() && IsSame(*again, *vouched), "it is remembered otherwise");
  Check(!verifier.Verify(token, vouched->expire_time_unix_ms).ok(), "it does not expire");
  verifier.UseKeys(JwtKeys());
  Check(!verifier.Verify(token, kNow).ok(), "it outlives its key");
}

void CheckKeyFile(std::string_view text) {
  const auto keys = ParseJwtKeys(text);
  if (keys.ok()) {
    Check(keys->size() >= 1 && keys->size() <= JwtKeys::kKeysMax, "there are too many keys");
  } else {
    CheckMessage(keys.status());
  }
}

}  // namespace
}  // namespace txtchat::identity

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace txtchat::identity;
  static JwtVerifier anybody({}, JwtKeys());
  static JwtVerifier strict({.issuer = "joe", .audience = "chat"}, JwtKeys());
  if (size == 0) return 0;
  const std::string rest(reinterpret_cast<const char*>(data + 1), size - 1);
  JwtVerifier& verifier = (data[0] & 4) != 0 ? strict : anybody;
  switch (data[0] & 3) {
    case 0:
      CheckToken(verifier, rest);
      break;
    case 1:
      CheckToken(verifier, Signed(R"({"alg":"HS256","kid":"h"})", rest));
      break;
    case 2: {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      CheckToken(verifier,
                 Signed(rest.substr(0, end), rest.substr(std::min(end + 1, rest.size()))));
      break;
    }
    default:
      CheckKeyFile(rest);
  }
  return 0;
}
