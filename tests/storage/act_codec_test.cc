#include "storage/act_codec.h"

#include <limits>
#include <random>
#include <string>

#include "gtest/gtest.h"

namespace txtchat::storage {
namespace {

void ExpectRoundTrip(const Act& act) {
  const std::string bytes = EncodeAct(act);
  const absl::StatusOr<Act> decoded = DecodeAct(bytes);
  ASSERT_TRUE(decoded.ok()) << bytes << ": " << decoded.status();
  EXPECT_EQ(*decoded, act) << bytes;
}

TEST(ActCodec, GivesBackWhateverAnActHolds) {
  ExpectRoundTrip({});
  for (const std::string& hostile :
       {std::string(":"), std::string("1,0,0,0,0,0:"), std::string("a,b:c\n'\"\\%"),
        std::string("\0\xff\x80", 3), std::string("J\xc3\xbcrgen \xf0\x9f\x8e\x89"),
        std::string(70'000, '9'), std::string("-1")}) {
    ExpectRoundTrip({.target_id = hostile});
    ExpectRoundTrip({.target_name = hostile});
    ExpectRoundTrip({.text = hostile});
    ExpectRoundTrip({.target_id = hostile,
                     .target_name = hostile,
                     .text = hostile,
                     .target_sequence = std::numeric_limits<std::uint64_t>::max(),
                     .until_unix_ms = std::numeric_limits<std::int64_t>::min(),
                     .role = Role::kOwner});
  }
}

TEST(ActCodec, AnswersDataLossForEverythingElse) {
  for (const char* garbage :
       {"", "hello", ":", "1,0,0,0,0,0", "2,0,0,0,0,0:", "1,0,0,0,0:", "1,0,0,0,0,0,0:",
        "1,3,0,0,0,0:", "1,-1,0,0,0,0:", "1,0,-1,0,0,0:", "1,0,0,x,0,0:", "1,0,0,0,1,0:",
        "1,0,0,0,1,1:a", "1,0,0,0,18446744073709551615,2:ab", "1,0,0,0,-1,0:", "1,00,0,0,0,0:",
        "1, 0,0,0,0,0:", "1,0,0,+1,0,0:", "1,0,18446744073709551616,0,0,0:"}) {
    EXPECT_EQ(DecodeAct(garbage).status().code(), absl::StatusCode::kDataLoss) << garbage;
  }
}

TEST(ActCodec, SurvivesAnyBytes) {
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = EncodeAct({.target_id = "alice", .target_name = "Alice", .text = "spam"});
    for (int k = random() % 3; k >= 0; --k)
      bytes[random() % bytes.size()] = "0123,:x"[random() % 7];
    const absl::StatusOr<Act> act = DecodeAct(bytes);
    if (act.ok()) {
      EXPECT_EQ(EncodeAct(*act), bytes);
    }
  }
}

}  // namespace
}  // namespace txtchat::storage
