#include "grpc-service/bearer.h"

#include <string>

#include "gtest/gtest.h"

namespace txtchat::rpc {
namespace {

std::string TokenOf(std::string_view header) {
  const auto token = ParseBearer(header);
  return token.ok() ? std::string(*token) : "(" + std::string(token.status().message()) + ")";
}

TEST(Bearer, TakesTheSchemeInAnyCase) {
  EXPECT_EQ(TokenOf("Bearer abc"), "abc");
  EXPECT_EQ(TokenOf("bearer abc"), "abc");
  EXPECT_EQ(TokenOf("BEARER abc"), "abc");
}

TEST(Bearer, IgnoresSpacesAroundTheToken) { EXPECT_EQ(TokenOf("Bearer   abc "), "abc"); }

TEST(Bearer, RefusesWhatIsNotABearerToken) {
  for (const std::string& header :
       {std::string(), std::string("Bearer"), std::string("Bearer "), std::string("Bearer    "),
        std::string("abc"), std::string("Basic abc"), std::string("Bearerabc"),
        std::string("Bearer a b"), "Bearer " + std::string(8'193, 'a')}) {
    EXPECT_EQ(ParseBearer(header).status().code(), absl::StatusCode::kUnauthenticated) << header;
  }
}

TEST(Bearer, NeverRepeatsASecretInAnError) {
  const auto refused = ParseBearer("Basic c2VjcmV0");
  EXPECT_EQ(std::string(refused.status().message()).find("c2VjcmV0"), std::string::npos);
}

}  // namespace
}  // namespace txtchat::rpc
