#include "identity/secrets.h"

#include <set>
#include <string>

#include "gtest/gtest.h"
#include "identity/base64url.h"

namespace txtchat::identity {
namespace {

TEST(Secrets, Are43CharactersOfBase64url) {
  ASSERT_TRUE(InitSodium().ok());
  SodiumSecrets source;
  std::set<std::string> secrets;
  for (int i = 0; i < 100; ++i) {
    const std::string secret = source.NewSecret();
    EXPECT_EQ(secret.size(), 43u);
    EXPECT_EQ(DecodeBase64url(secret).value_or("").size(), 32u);
    secrets.insert(secret);
  }
  EXPECT_EQ(secrets.size(), 100u);
}

// By chance every 64th would.
TEST(Secrets, NoneBeginsWithADash) {
  SodiumSecrets source;
  for (int i = 0; i < 2000; ++i) ASSERT_NE(source.NewSecret().front(), '-');
}

TEST(Secrets, IdsAre16LowerCaseHexDigits) {
  SodiumSecrets source;
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) {
    const std::string id = source.NewId();
    EXPECT_EQ(id.size(), 16u);
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos) << id;
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 100u);
}

TEST(Secrets, RandomBitsDiffer) {
  SodiumSecrets source;
  EXPECT_NE(source.RandomBits(), source.RandomBits());
}

TEST(Secrets, AHashIsThe32BytesOfBlake2b) {
  const SodiumSecrets source;
  const std::string hash = source.HashOf("abc");
  ASSERT_EQ(hash.size(), 32u);
  // BLAKE2b-256("abc").
  EXPECT_EQ(static_cast<unsigned char>(hash[0]), 0xbd);
  EXPECT_EQ(static_cast<unsigned char>(hash[1]), 0xdd);
  EXPECT_EQ(static_cast<unsigned char>(hash[31]), 0x19);
  EXPECT_NE(source.HashOf("abd"), hash);
}

TEST(Base64url, ReturnsWhatItWasGiven) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(DecodeBase64url(EncodeBase64url(bytes)), bytes);
    bytes.push_back(static_cast<char>(i * 7));
  }
  EXPECT_EQ(EncodeBase64url("\xFB\xFF"), "-_8");
}

TEST(Base64url, RefusesWhatIsNotStrict) {
  for (const char* text : {"A", "AAAAA", "AA=", "AA==", "A A", "AA\n", "+_8", "/_8", "AB", "-_9",
                           "AAA=", "A.", "=", "\xC3\xA9"}) {
    EXPECT_EQ(DecodeBase64url(text), std::nullopt) << text;
  }
  EXPECT_EQ(DecodeBase64url(std::string_view("AA\0", 3)), std::nullopt);
}

}  // namespace
}  // namespace txtchat::identity
