#include "server/log.h"

#include <string>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace txtchat::server {
namespace {

TEST(TextLog, QuotesWhatWouldBreakTheLine) {
  EXPECT_EQ(Log::FormatText("listening", {{"address", "127.0.0.1:9090"}}),
            "listening address=127.0.0.1:9090");
  EXPECT_EQ(Log::FormatText("odd", {{"a", "two words"}, {"b", ""}, {"c", "x\ny=\"z\""}}),
            R"(odd a="two words" b="" c="x\ny=\"z\"")");
  EXPECT_EQ(Log::FormatText("done", {{"count", std::int64_t{3}}, {"all", true}}),
            "done count=3 all=true");
}

TEST(JsonLog, IsOneObjectThatParsesBack) {
  const std::string line =
      Log::FormatJson("2026-01-01T00:00:00.000Z", "info", "listening",
                      {{"address", "[::1]:9090"}, {"bad", "\xFF\n"}, {"n", std::int64_t{3}}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const nlohmann::json parsed = nlohmann::json::parse(line);
  EXPECT_EQ(parsed["event"], "listening");
  EXPECT_EQ(parsed["level"], "info");
  EXPECT_EQ(parsed["n"], 3);
  EXPECT_EQ(parsed["address"], "[::1]:9090");
  EXPECT_EQ(parsed["bad"], "\xEF\xBF\xBD\n");
}

}  // namespace
}  // namespace txtchat::server
