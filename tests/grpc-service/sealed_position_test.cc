#include "grpc-service/sealed_position.h"

#include <cstddef>
#include <set>
#include <string>

#include "gtest/gtest.h"
#include "identity/secrets.h"

namespace txtchat::rpc {
namespace {

class SealedPosition : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(identity::InitSodium().ok()); }

  identity::SodiumSecrets secrets_;
  const PositionSealer sealer_{&secrets_};
};

TEST_F(SealedPosition, IsOpenedByWhoSealedIt) {
  for (const StoredPosition& position : {StoredPosition{}, StoredPosition{1, 2},
                                         StoredPosition{~0ULL, 1}, StoredPosition{7, ~0ULL}}) {
    EXPECT_EQ(sealer_.Open(sealer_.Seal(position)), position);
  }
}

TEST_F(SealedPosition, SaysNothingOfWhereItIs) {
  std::set<std::string> halves;
  for (std::uint64_t sequence = 0; sequence < 100; ++sequence) {
    const std::string token = sealer_.Seal({1, sequence});
    ASSERT_EQ(token.size(), 64u);
    halves.insert(token.substr(0, 32));
    halves.insert(token.substr(32));
  }
  EXPECT_EQ(halves.size(), 200u) << "neighbours share something";
}

TEST_F(SealedPosition, CannotBeMadeOrChangedByOthers) {
  const std::string token = sealer_.Seal({3, 4});
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == '0' ? '1' : '0';
    EXPECT_EQ(sealer_.Open(changed), std::nullopt) << i;
  }
  const PositionSealer another(&secrets_);
  EXPECT_EQ(another.Open(token), std::nullopt);
  for (const std::string& none :
       {std::string(), std::string("x"), token + "0", token.substr(1), std::string(64, '0'),
        std::string(64, 'x'), std::string(64, '\0')}) {
    EXPECT_EQ(sealer_.Open(none), std::nullopt) << none;
  }
}

}  // namespace
}  // namespace txtchat::rpc
