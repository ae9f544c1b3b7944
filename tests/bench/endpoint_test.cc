#include "bench/endpoint.h"

#include <gtest/gtest.h>

namespace txtchat::bench {
namespace {

TEST(Endpoint, ReadsEveryForm) {
  const struct {
    const char* text;
    const char* whole;
  } kForms[] = {
      {"localhost", "localhost:9090"}, {"10.0.0.1:1", "10.0.0.1:1"}, {"host:65535", "host:65535"},
      {"127.0.0.1:0", "127.0.0.1:0"},  {"[::1]", "[::1]:9090"},      {"[::1]:7", "[::1]:7"},
  };
  for (const auto& form : kForms) {
    const auto endpoint = ParseEndpoint(form.text, 9090);
    ASSERT_TRUE(endpoint.has_value()) << form.text;
    EXPECT_EQ(endpoint->ToString(), form.whole);
  }
}

TEST(Endpoint, RefusesTheRest) {
  for (const char* text : {"", ":1", "host:", "host:x", "host:1x", "host:65536", "host:-1", "[::1",
                           "[]:1", "[::1]x", "::1", "a:b:c"}) {
    EXPECT_FALSE(ParseEndpoint(text, 9090).has_value()) << text;
  }
}

}  // namespace
}  // namespace txtchat::bench
