#include "client/health.h"

#include <gtest/gtest.h>

namespace txtchat::client {
namespace {

TEST(DecodeHealthStatus, ReadsTheStatus) {
  EXPECT_EQ(*DecodeHealthStatus("\x08\x01"), 1);
  EXPECT_EQ(*DecodeHealthStatus("\x08\x02"), 2);
}

TEST(DecodeHealthStatus, AnAbsentFieldIsUnknown) { EXPECT_EQ(*DecodeHealthStatus(""), 0); }

TEST(DecodeHealthStatus, SkipsFieldsOfTheFuture) {
  EXPECT_EQ(*DecodeHealthStatus("\x12\x03xyz\x08\x01"), 1);
}

TEST(DecodeHealthStatus, RefusesWhatIsNoMessage) {
  EXPECT_FALSE(DecodeHealthStatus("\x08").ok());
  EXPECT_FALSE(DecodeHealthStatus("\x12\x7fshort").ok());
  EXPECT_FALSE(DecodeHealthStatus(std::string_view("\x00\x01", 2)).ok());
}

TEST(HealthStatusName, NamesTheStatuses) {
  EXPECT_EQ(HealthStatusName(1), "SERVING");
  EXPECT_EQ(HealthStatusName(2), "NOT_SERVING");
  EXPECT_EQ(HealthStatusName(9), "STATUS_9");
}

}  // namespace
}  // namespace txtchat::client
