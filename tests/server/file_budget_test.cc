#include "server/file_budget.h"

#include <cstddef>

#include "gtest/gtest.h"

namespace txtchat::server {
namespace {

void ExpectSplit(std::size_t files, FileBudget wanted, std::size_t line, std::size_t grpc) {
  const FileBudget split = SplitFiles(files, 256, wanted);
  EXPECT_EQ(split.line_connections, line) << files;
  EXPECT_EQ(split.grpc_connections, grpc) << files;
}

TEST(FileBudget, GivesBothWhatTheyWantWhereThereIsEnough) {
  ExpectSplit(1'048'576, {10'000, 10'000}, 10'000, 10'000);
  ExpectSplit(20'256, {10'000, 10'000}, 10'000, 10'000);
}

TEST(FileBudget, KeepsThreeQuartersForLineClientsWhereThereIsNot) {
  ExpectSplit(20'000, {10'000, 10'000}, 10'000, 9'744);
  ExpectSplit(4'096, {10'000, 10'000}, 2'880, 960);
}

TEST(FileBudget, GivesEachWhatTheOtherDoesNotWant) {
  ExpectSplit(4'096, {100, 10'000}, 100, 3'740);
  ExpectSplit(4'096, {10'000, 100}, 3'740, 100);
}

TEST(FileBudget, LeavesTheReserveAlone) {
  for (std::size_t files = 300; files < 30'000; files += 77) {
    const FileBudget split = SplitFiles(files, 256, {10'000, 10'000});
    EXPECT_LE(split.line_connections + split.grpc_connections + 256, files);
  }
}

TEST(FileBudget, LetsOneOfEachInWhateverTheLimit) {
  ExpectSplit(100, {10'000, 10'000}, 1, 1);
  ExpectSplit(0, {1, 1}, 1, 1);
}

}  // namespace
}  // namespace txtchat::server
