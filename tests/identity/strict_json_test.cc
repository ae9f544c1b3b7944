#include "identity/strict_json.h"

#include <string>

#include "gtest/gtest.h"

namespace txtchat::identity {
namespace {

bool IsStrict(std::string_view text, std::size_t depth_max = 3) {
  return ParseStrictObject(text, depth_max).has_value();
}

TEST(StrictJson, TakesAnObject) {
  EXPECT_TRUE(IsStrict("{}"));
  EXPECT_TRUE(IsStrict(" {\"a\": [1, -2.5e3, true, null, \"\\u00e9\"]}\r\n"));
}

TEST(StrictJson, RefusesWhatIsNoObjectOrHasMoreAround) {
  for (const char* text : {"",
                           " ",
                           "[]",
                           "1",
                           "null",
                           "\"a\"",
                           "{",
                           "}",
                           "{}{}",
                           "{} x",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{'a':1}",
                           "{\"a\":1}//",
                           "{\"a\":01}",
                           "{\"a\":+1}",
                           "{\"a\":.5}",
                           "{\"a\":1e999}",
                           "{\"a\":\"\n\"}"}) {
    EXPECT_FALSE(IsStrict(text)) << text;
  }
  EXPECT_FALSE(IsStrict("\xEF\xBB\xBF{}"));
  EXPECT_FALSE(IsStrict(std::string_view("{}\0", 3)));
  EXPECT_FALSE(IsStrict(std::string_view("{}\0{}", 5)));
}

TEST(StrictJson, RefusesAKeyTwiceWhereverItIs) {
  EXPECT_TRUE(IsStrict(R"({"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]})"));
  EXPECT_FALSE(IsStrict(R"({"a":1,"a":1})"));
  EXPECT_FALSE(IsStrict(R"({"a":1,"\u0061":1})"));
  EXPECT_FALSE(IsStrict(R"({"b":{"a":1,"a":1}})"));
  EXPECT_FALSE(IsStrict(R"({"b":[{"a":1,"c":{},"a":1}]})"));
}

TEST(StrictJson, RefusesWhatNestsTooDeeply) {
  EXPECT_TRUE(IsStrict(R"({"a":[{}]})"));
  EXPECT_FALSE(IsStrict(R"({"a":[{"b":[]}]})"));
  EXPECT_FALSE(IsStrict("{\"a\":" + std::string(1'000'000, '[')));
}

TEST(StrictJson, RefusesWhatIsNotUtf8) {
  EXPECT_FALSE(IsStrict("{\"a\":\"\xFF\"}"));
  EXPECT_FALSE(IsStrict("{\"a\":\"\xED\xA0\x80\"}"));
  EXPECT_FALSE(IsStrict(R"({"a":"\ud800"})"));
}

}  // namespace
}  // namespace txtchat::identity
