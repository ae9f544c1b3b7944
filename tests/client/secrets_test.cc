#include "client/secrets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/testing/scratch_directory.h"

namespace txtchat::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class SecretsTest : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const { return directory_.File(name); }
  std::string FileOf(const std::string& content) const {
    std::ofstream(Path("file"), std::ios::binary) << content;
    return Path("file");
  }
  static std::string Content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::size_t Files() const {
    const std::filesystem::directory_iterator files(directory_.path());
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
  }

  const testing::ScratchDirectory directory_;
};

TEST_F(SecretsTest, ATokenIsWhatTheFileHoldsWithoutTheSpaceAroundIt) {
  EXPECT_EQ(*ReadTokenFile(FileOf("abc-_~+/=\r\n")), "abc-_~+/=");
  const std::string long_token(20'000, 'j');  // a signed one
  EXPECT_EQ(*ReadTokenFile(FileOf(long_token)), long_token);
}

TEST_F(SecretsTest, WhatCanBeNoTokenIsRefusedAndNotRepeated) {
  for (const std::string& content :
       {std::string(), std::string(" \n"), std::string("secret secret"), std::string("secret\nx"),
        std::string("secret\x1b"), std::string("secret\xff"), std::string(70'000, 's')}) {
    const auto token = ReadTokenFile(FileOf(content));
    EXPECT_EQ(token.status().code(), absl::StatusCode::kInvalidArgument) << content.size();
    EXPECT_THAT(std::string(token.status().message()), Not(HasSubstr("secret ")));
    EXPECT_THAT(std::string(token.status().message()), HasSubstr(Path("file")));
  }
  EXPECT_FALSE(ReadTokenFile(Path("none")).ok());
  EXPECT_FALSE(ReadTokenFile(directory_.path()).ok());
}

TEST_F(SecretsTest, ATokenIsWrittenForItsOwnerAlone) {
  const std::string path = FileOf("a former token, and a long one");
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  NewTokenFile file;
  ASSERT_TRUE(file.Open(path).ok());
  ASSERT_TRUE(file.Write("token").ok());
  EXPECT_EQ(Content(path), "token\n");
  struct stat now {};
  ASSERT_EQ(stat(path.c_str(), &now), 0);
  EXPECT_EQ(now.st_mode & 0777, 0600u);
  EXPECT_EQ(Files(), 1u);
}

TEST_F(SecretsTest, WithoutATokenTheFileStaysAsItWas) {
  const std::string path = FileOf("former");
  {
    NewTokenFile file;
    ASSERT_TRUE(file.Open(path).ok());
  }
  EXPECT_EQ(Content(path), "former");
  EXPECT_EQ(Files(), 1u);
}

TEST_F(SecretsTest, ATokenGoesOnlyIntoARegularFile) {
  NewTokenFile file;
  EXPECT_FALSE(file.Open(directory_.path()).ok());
  EXPECT_FALSE(NewTokenFile().Open(Path("none/token")).ok());
  EXPECT_FALSE(NewTokenFile().Open("/dev/null").ok());
}

TEST_F(SecretsTest, APasswordIsTheFirstLineOfItsFile) {
  EXPECT_EQ(*ReadPassword("Password", FileOf("a b\tc \r\nmore"), true), "a b\tc ");
  for (const char* content : {"", "\nlater"}) {
    EXPECT_EQ(ReadPassword("Password", FileOf(content), false).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_FALSE(ReadPassword("Password", Path("none"), false).ok());
}

}  // namespace
}  // namespace txtchat::client
