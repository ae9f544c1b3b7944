// What a verifier remembers of tokens.
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "identity/jwt.h"
#include "tests/identity/jwt_signer.h"

namespace txtchat::identity {
namespace {

using testing::JwtSigner;

constexpr std::int64_t kNow = 1'700'000'000'000;
constexpr char kClaims[] = R"({"sub":"u1","exp":1700000060,"nbf":1700000000})";

TEST(JwtCache, ATokenCountsAgain) {
  const JwtSigner signer = JwtSigner::EdDsa();
  JwtVerifier verifier({}, signer.Keys());
  const std::string token = signer.Sign(kClaims);
  const auto first = verifier.Verify(token, kNow);
  const auto second = verifier.Verify(token, kNow + 1);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->subject, second->subject);
  EXPECT_EQ(first->expire_time_unix_ms, second->expire_time_unix_ms);
}

TEST(JwtCache, ARememberedTokenExpires) {
  const JwtSigner signer = JwtSigner::EdDsa();
  JwtVerifier verifier({}, signer.Keys());
  const std::string token = signer.Sign(kClaims);
  EXPECT_TRUE(verifier.Verify(token, kNow).ok());
  EXPECT_TRUE(verifier.Verify(token, kNow + 89'999).ok());
  EXPECT_EQ(verifier.Verify(token, kNow + 90'000).status().message(), "the token has expired");
  EXPECT_TRUE(verifier.Verify(token, kNow).ok()) << "the clock was put back";
  EXPECT_FALSE(verifier.Verify(token, kNow - 30'001).ok()) << "before its time";
}

TEST(JwtCache, OtherKeysForgetWhatWasSignedByTheFormer) {
  const JwtSigner former = JwtSigner::EdDsa();
  const JwtSigner next = JwtSigner::Es256();
  JwtVerifier verifier({}, former.Keys());
  const std::string token = former.Sign(kClaims);
  EXPECT_TRUE(verifier.Verify(token, kNow).ok());
  EXPECT_FALSE(verifier.Verify(next.Sign(kClaims), kNow).ok());
  verifier.UseKeys(next.Keys());
  EXPECT_FALSE(verifier.Verify(token, kNow).ok());
  EXPECT_TRUE(verifier.Verify(next.Sign(kClaims), kNow).ok());
  verifier.UseKeys(former.Keys());
  EXPECT_TRUE(verifier.Verify(token, kNow).ok());
}

TEST(JwtCache, ARefusedTokenIsRefusedAgain) {
  const JwtSigner signer = JwtSigner::Hs256();
  JwtVerifier verifier({}, signer.Keys());
  std::string token = signer.Sign(kClaims);
  token[token.size() - 5] ^= 1;
  EXPECT_FALSE(verifier.Verify(token, kNow).ok());
  EXPECT_FALSE(verifier.Verify(token, kNow).ok());
}

TEST(JwtCache, MoreTokensThanItRemembersCountAllTheSame) {
  const JwtSigner signer = JwtSigner::Hs256();
  JwtVerifier verifier({}, signer.Keys());
  const std::size_t count = JwtVerifier::kCachedTokensMax + 1'000;
  std::vector<std::string> tokens;
  for (std::size_t i = 0; i < count; ++i) {
    tokens.push_back(signer.Sign(absl::StrCat(R"({"sub":"u)", i, R"(","exp":1700000060})")));
  }
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto vouched = verifier.Verify(tokens[i], kNow);
      ASSERT_TRUE(vouched.ok());
      ASSERT_EQ(vouched->subject, absl::StrCat("jwt::u", i));
    }
  }
}

// For ThreadSanitizer, and: whichever keys are used, a token counts only while they are.
TEST(JwtCache, ManyThreadsVerifyWhileKeysChange) {
  const JwtSigner signers[] = {JwtSigner::Hs256("one secret of 32 bytes at the least"),
                               JwtSigner::Hs256("two secrets of 32 bytes at the least")};
  const std::string tokens[] = {signers[0].Sign(kClaims), signers[1].Sign(kClaims)};
  JwtVerifier verifier({}, signers[0].Keys());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) (void)verifier.Verify(tokens[(t + i) % 2], kNow);
    });
  }
  for (int i = 0; i < 100; ++i) {
    verifier.UseKeys(signers[i % 2].Keys());
    EXPECT_TRUE(verifier.Verify(tokens[i % 2], kNow).ok());
    EXPECT_FALSE(verifier.Verify(tokens[1 - i % 2], kNow).ok());
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace txtchat::identity
