#include "grpc-service/credentials.h"

#include <regex>
#include <set>
#include <string>

#include "gtest/gtest.h"

namespace txtchat::rpc {
namespace {

std::string TokenOf(std::string_view header) {
  const auto token = ParseBearer(header);
  return token.ok() ? std::string(*token) : "(" + std::string(token.status().message()) + ")";
}

TEST(Credentials, TakesTheSchemeInAnyCase) {
  EXPECT_EQ(TokenOf("Bearer abc"), "abc");
  EXPECT_EQ(TokenOf("bearer abc"), "abc");
  EXPECT_EQ(TokenOf("BEARER abc"), "abc");
}

TEST(Credentials, IgnoresSpacesAroundTheToken) { EXPECT_EQ(TokenOf("Bearer   abc "), "abc"); }

TEST(Credentials, RefusesWhatIsNotABearerToken) {
  for (const std::string& header :
       {std::string(), std::string("Bearer"), std::string("Bearer "), std::string("Bearer    "),
        std::string("abc"), std::string("Basic abc"), std::string("Bearerabc"),
        std::string("Bearer a b"), "Bearer " + std::string(300, 'a')}) {
    EXPECT_EQ(ParseBearer(header).status().code(), absl::StatusCode::kUnauthenticated) << header;
  }
}

TEST(Credentials, NeverRepeatsASecretInAnError) {
  const auto refused = ParseBearer("Basic c2VjcmV0");
  EXPECT_EQ(std::string(refused.status().message()).find("c2VjcmV0"), std::string::npos);
}

TEST(Credentials, TokensAre43CharactersOfBase64url) {
  ASSERT_TRUE(InitCredentials().ok());
  std::set<std::string> tokens;
  for (int i = 0; i < 100; ++i) {
    const std::string token = MakeToken();
    EXPECT_TRUE(std::regex_match(token, std::regex("[A-Za-z0-9_-]{43}"))) << token.size();
    EXPECT_EQ(TokenOf("Bearer " + token), token);
    tokens.insert(token);
  }
  EXPECT_EQ(tokens.size(), 100u);
}

TEST(Credentials, GuestIdsAre16LowerCaseHexDigits) {
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) {
    const std::string id = MakeGuestId();
    EXPECT_TRUE(std::regex_match(id, std::regex("[0-9a-f]{16}"))) << id;
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 100u);
}

TEST(Credentials, AHashIsThe32BytesOfBlake2b) {
  const std::string hash = HashToken("abc");
  ASSERT_EQ(hash.size(), 32u);
  // BLAKE2b-256("abc").
  EXPECT_EQ(static_cast<unsigned char>(hash[0]), 0xbd);
  EXPECT_EQ(static_cast<unsigned char>(hash[1]), 0xdd);
  EXPECT_EQ(static_cast<unsigned char>(hash[31]), 0x19);
  EXPECT_NE(HashToken("abd"), hash);
}

}  // namespace
}  // namespace txtchat::rpc
