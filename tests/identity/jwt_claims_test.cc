#include "identity/jwt_claims.h"

#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "identity/subject_hash.h"

namespace txtchat::identity {
namespace {

constexpr std::int64_t kNow = 1'700'000'000'000;

/// "" if claims count now, else why they do not.
std::string Refusal(std::string_view json, const JwtOptions& options = {}) {
  const auto claims = ParseJwtClaims(json, options);
  const absl::Status status = claims.ok() ? CheckJwtTime(*claims, kNow) : claims.status();
  if (status.ok()) return "";
  EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
  return std::string(status.message());
}

/// The same of claims that lack nothing, with these added.
std::string RefusalWith(const std::string& more, const JwtOptions& options = {}) {
  return Refusal(absl::StrCat(R"({"sub":"u1","exp":1700000060,)", more, "}"), options);
}

std::string RefusalOfExpiry(const std::string& number) {
  return Refusal(absl::StrCat(R"({"sub":"u1","exp":)", number, "}"));
}

TEST(JwtClaims, SayWhoItIs) {
  const auto claims = ParseJwtClaims(
      R"({"iss":"https://id","sub":"u1","name":"Ann \u00e9","exp":1700000060.5,"iat":1,"nbf":2,
          "channels":["c1","c2"],"more":{"is":["passed over"]}})",
      {});
  ASSERT_TRUE(claims.ok()) << claims.status();
  EXPECT_EQ(claims->vouched.subject, "jwt:https://id:u1");
  EXPECT_EQ(claims->vouched.display_name, "Ann é");
  EXPECT_EQ(claims->vouched.expire_time_unix_ms, 1'700'000'060'500 + 30'000);
  EXPECT_EQ(claims->vouched.channel_ids, (std::vector<std::string>{"c1", "c2"}));
  EXPECT_EQ(claims->valid_from_unix_ms, 2'000 - 30'000);
}

TEST(JwtClaims, HashTheSubjectAndNothingElse) {
  const auto hash_of = [](const std::string& claims) {
    return ParseJwtClaims(claims, {})->vouched.subject_hash;
  };
  const std::string hash = hash_of(R"({"sub":"u1","exp":1700000060})");
  EXPECT_EQ(hash.size(), 16u);
  EXPECT_EQ(hash, HashOfSubject("jwt::u1"));
  EXPECT_EQ(hash, hash_of(R"({"sub":"u1","exp":1800000000,"name":"Ann","channels":["c"]})"));
  EXPECT_NE(hash, hash_of(R"({"sub":"u2","exp":1700000060})"));
  EXPECT_NE(hash, hash_of(R"({"iss":"x","sub":"u1","exp":1700000060})"));
}

TEST(JwtClaims, NeedASubjectAndAnExpiry) {
  EXPECT_EQ(Refusal(R"({"sub":"u1","exp":1700000060})"), "");
  EXPECT_NE(Refusal(R"({"exp":1700000060})"), "");
  EXPECT_NE(Refusal(R"({"sub":"u1"})"), "");
  EXPECT_EQ(ParseJwtClaims(R"({"sub":"u1","exp":1700000060})", {})->vouched.subject, "jwt::u1");
}

TEST(JwtClaims, BoundTheSubject) {
  const auto refusal = [](const std::string& subject) {
    return Refusal(absl::StrCat(R"({"exp":1700000060,"sub":)", subject, "}"));
  };
  const auto quoted = [](const std::string& text) { return absl::StrCat("\"", text, "\""); };
  EXPECT_EQ(refusal(quoted(std::string(256, 'x'))), "");
  EXPECT_EQ(refusal(quoted("日本 é")), "");
  EXPECT_NE(refusal(quoted(std::string(257, 'x'))), "");
  for (const char* bad : {"\"\"", "null", "1", "[\"u1\"]", R"("a\u0000b")", R"("a\nb")",
                          R"("\u007f")", R"("\u0085")", R"("\u009f")", R"("\ud800")", "\"\xFF\""}) {
    EXPECT_NE(refusal(bad), "") << bad;
  }
  EXPECT_EQ(refusal(R"("\u00a0")"), "");
}

TEST(JwtClaims, ExpireWhenTheLeewayIsOver) {
  EXPECT_EQ(RefusalOfExpiry("1700000000"), "");
  EXPECT_EQ(RefusalOfExpiry("1699999970.001"), "");
  EXPECT_EQ(RefusalOfExpiry("1699999970"), "the token has expired");
  EXPECT_EQ(RefusalOfExpiry("0"), "the token has expired");
}

TEST(JwtClaims, AreNotValidBeforeTheirTime) {
  EXPECT_EQ(RefusalWith(R"("nbf":1700000030)"), "");
  EXPECT_EQ(RefusalWith(R"("nbf":1700000030.001)"), "the token is not valid yet");
  EXPECT_EQ(RefusalWith(R"("nbf":253402300799)"), "the token is not valid yet");
}

TEST(JwtClaims, ATimeIsANumberOfSecondsInThisAge) {
  EXPECT_EQ(RefusalOfExpiry("253402300799"), "");
  EXPECT_EQ(RefusalOfExpiry("1.7e11"), "");
  for (const char* bad :
       {"253402300800", "1700000060000", "9223372036854775807", "18446744073709551615",
        "99999999999999999999999999", "1e308", "1e400", "-1", "-0.5", "-1e308", "null", "true",
        "\"1700000060\"", "[1700000060]", "{}", "NaN", "Infinity", "0x10", "01"}) {
    EXPECT_NE(RefusalOfExpiry(bad), "") << bad;
    EXPECT_NE(RefusalWith(absl::StrCat("\"nbf\":", bad)), "") << bad;
    EXPECT_NE(RefusalWith(absl::StrCat("\"iat\":", bad)), "") << bad;
  }
}

TEST(JwtClaims, TheEndsOfTimeOverflowNothing) {
  const auto claims = ParseJwtClaims(R"({"sub":"u1","exp":253402300799,"nbf":0})", {});
  ASSERT_TRUE(claims.ok());
  EXPECT_FALSE(CheckJwtTime(*claims, std::numeric_limits<std::int64_t>::max()).ok());
  EXPECT_FALSE(CheckJwtTime(*claims, std::numeric_limits<std::int64_t>::min()).ok());
}

TEST(JwtClaims, AreForWhomTheyName) {
  const JwtOptions us{.audience = "chat"};
  EXPECT_EQ(RefusalWith(R"("aud":"chat")", us), "");
  EXPECT_EQ(RefusalWith(R"("aud":["mail","chat"])", us), "");
  for (const char* other : {"\"mail\"", "[]", "[\"mail\"]", "[[\"chat\"]]", "1", "null", "\"Chat\"",
                            "{\"chat\":\"chat\"}"}) {
    EXPECT_NE(RefusalWith(absl::StrCat("\"aud\":", other), us), "") << other;
  }
  EXPECT_NE(RefusalWith(R"("x":1)", us), "") << "names nobody";
}

// RFC 7519, 4.1.3.
TEST(JwtClaims, WhoHasNoNameIsNotMeant) {
  EXPECT_NE(RefusalWith(R"("aud":"chat")"), "");
  EXPECT_NE(RefusalWith(R"("aud":"")"), "");
  EXPECT_NE(RefusalWith(R"("aud":[])"), "");
}

TEST(JwtClaims, AreOfTheIssuer) {
  const JwtOptions options{.issuer = "joe"};
  EXPECT_EQ(RefusalWith(R"("iss":"joe")", options), "");
  EXPECT_NE(RefusalWith(R"("iss":"joe2")", options), "");
  EXPECT_NE(RefusalWith(R"("iss":["joe"])", options), "");
  EXPECT_NE(RefusalWith(R"("x":1)", options), "");
  EXPECT_NE(RefusalWith(R"("iss":1)"), "");
}

TEST(JwtClaims, BoundTheChannels) {
  const auto list = [](std::size_t count, std::size_t bytes) {
    std::string channels;
    for (std::size_t i = 0; i < count; ++i) {
      absl::StrAppend(&channels, i == 0 ? "" : ",", "\"", std::string(bytes, 'c'), "\"");
    }
    return absl::StrCat("\"channels\":[", channels, "]");
  };
  EXPECT_EQ(RefusalWith(list(0, 0)), "");
  EXPECT_EQ(RefusalWith(list(100, 128)), "");
  EXPECT_NE(RefusalWith(list(101, 1)), "");
  EXPECT_NE(RefusalWith(list(1, 129)), "");
  EXPECT_NE(RefusalWith(list(1, 0)), "");
  EXPECT_NE(RefusalWith(R"("channels":"c1")"), "");
  EXPECT_NE(RefusalWith(R"("channels":[1])"), "");
  EXPECT_NE(RefusalWith(R"("channels":{"c1":"c1"})"), "");
}

TEST(JwtClaims, BoundTheName) {
  EXPECT_EQ(RefusalWith(absl::StrCat("\"name\":\"", std::string(256, 'n'), "\"")), "");
  EXPECT_NE(RefusalWith(absl::StrCat("\"name\":\"", std::string(257, 'n'), "\"")), "");
  EXPECT_NE(RefusalWith(R"("name":1)"), "");
}

TEST(JwtClaims, AreStrictJson) {
  EXPECT_NE(RefusalWith(R"("sub":"u2")"), "") << "a key twice";
  EXPECT_NE(RefusalWith(R"("\u0073ub":"u2")"), "") << "a key twice, the other written otherwise";
  EXPECT_NE(RefusalWith(absl::StrCat("\"x\":", std::string(20, '['), std::string(20, ']'))), "");
  EXPECT_NE(RefusalWith(absl::StrCat("\"x\":", std::string(3'000, '['))), "");
  EXPECT_NE(Refusal(""), "");
  EXPECT_NE(Refusal("[]"), "");
  EXPECT_NE(Refusal("not JSON"), "");
}

}  // namespace
}  // namespace txtchat::identity
