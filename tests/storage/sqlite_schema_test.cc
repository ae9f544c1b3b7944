#include "storage/sqlite_schema.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/storage/store_world.h"

namespace txtchat::storage {
namespace {

using ::testing::HasSubstr;

// A made-up history of versions.
constexpr const char* kSteps[] = {
    "CREATE TABLE notes(key INTEGER PRIMARY KEY, text TEXT)",
    "ALTER TABLE notes ADD COLUMN author TEXT NOT NULL DEFAULT 'nobody'",
    "CREATE TABLE authors(name TEXT PRIMARY KEY); INSERT INTO authors SELECT DISTINCT author FROM "
    "notes",
};

class MigrationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Database::Open({directory_ / "some.db", ""}, Database::Mode::kCreate);
    ASSERT_TRUE(opened.ok()) << opened.status();
    database_ = *std::move(opened);
  }
  std::int64_t Number(const std::string& sql) { return database_->QueryNumber(sql).value_or(-1); }
  std::string Text(const std::string& sql) { return database_->QueryText(sql).value_or("?"); }
  absl::Status MigrateTo(std::size_t version) {
    return Migrate(*database_, MigrationSteps(kSteps, version));
  }

  TempDirectory directory_;
  std::unique_ptr<Database> database_;
};

TEST_F(MigrationTest, MakesANewFileOfTheNewestVersion) {
  ASSERT_TRUE(MigrateTo(3).ok());
  EXPECT_EQ(Number("PRAGMA user_version"), 3);
  EXPECT_EQ(Number("PRAGMA application_id"), kApplicationId);
  EXPECT_FALSE(CheckIntegrity(*database_, MigrationSteps(kSteps, 3)).ok()) << "it is no chat";
}

TEST_F(MigrationTest, BringsAnOlderFileUpStepByStepWithWhatIsInIt) {
  ASSERT_TRUE(MigrateTo(1).ok());
  ASSERT_TRUE(database_->Execute("INSERT INTO notes(text) VALUES('kept')").ok());
  ASSERT_TRUE(MigrateTo(2).ok());
  EXPECT_EQ(Text("SELECT text || ' by ' || author FROM notes"), "kept by nobody");
  ASSERT_TRUE(MigrateTo(3).ok());
  EXPECT_EQ(Text("SELECT name FROM authors"), "nobody");
  ASSERT_TRUE(MigrateTo(3).ok()) << "again: nothing to do";
  EXPECT_EQ(Number("PRAGMA user_version"), 3);
}

TEST_F(MigrationTest, LeavesTheFileAtTheLastStepThatWentWell) {
  constexpr const char* kBroken[] = {kSteps[0], kSteps[1],
                                     "CREATE TABLE half(x); INSERT INTO no_such_table VALUES(1)"};
  EXPECT_FALSE(Migrate(*database_, kBroken).ok());
  EXPECT_EQ(Number("PRAGMA user_version"), 2);
  EXPECT_EQ(Number("SELECT count(*) FROM sqlite_schema WHERE name='half'"), 0);
  ASSERT_TRUE(MigrateTo(3).ok());
  EXPECT_EQ(Number("PRAGMA user_version"), 3);
}

TEST_F(MigrationTest, RefusesANewerFileAndAnotherApplications) {
  ASSERT_TRUE(MigrateTo(3).ok());
  const absl::Status newer = MigrateTo(2);
  EXPECT_EQ(newer.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(newer.message()), HasSubstr("its version is 3"));
  ASSERT_TRUE(database_->Execute("PRAGMA application_id=0").ok());
  EXPECT_EQ(MigrateTo(3).code(), absl::StatusCode::kFailedPrecondition);
}

// --- Files of every released version, as SQL.

/// Makes the database of a store from a stored file.
void MakeFromStoredFile(const std::string& name, const StoreWorld& world) {
  std::filesystem::create_directories(world.options.data_dir);
  std::stringstream sql;
  sql << std::ifstream(std::string(TXTCHAT_TEST_DATA_DIR) + "/" + name).rdbuf();
  ASSERT_FALSE(sql.str().empty()) << name;
  auto database = Database::Open({world.database(), ""}, Database::Mode::kCreate);
  ASSERT_TRUE(database.ok()) << database.status();
  const absl::Status status = (*database)->Execute(sql.str());
  ASSERT_TRUE(status.ok()) << status;
}

TEST(StoredFile, OfVersion1OpensAndReadsBackExactly) {
  StoreWorld world;
  MakeFromStoredFile("version_1.sql", world);
  world.Open();
  EXPECT_EQ(world.loaded.epoch, "0123456789abcdef");
  EXPECT_EQ(Describe(world.loaded),
            "user 1 alice (Alice) hash of alice\n"
            "user 2 [::1]:50412 (J\xc3\xbcrgen) \n"
            "channel 7 3f2a9c01de (news) made 1700000000007 head 6\n"
            "personal 8 [::1]:50412 (J\xc3\xbcrgen) made 1700000000008 head 2\n"
            "channel 9 77aa00bb11 (emptied) made 1700000000009 head 4\n"
            "member 7/1\nmember 7/2\nmember 8/2\n");
  EXPECT_EQ(world.loaded.last_user_key, 4u);
  EXPECT_EQ(world.loaded.last_channel_key, 12u);
  EXPECT_EQ(world.Log(7), "4.hello 5.it's \xf0\x9f\x8e\x89 6-[::1]:50412");
  EXPECT_EQ(world.Log(8), "1+[::1]:50412 2.");
  EXPECT_EQ(world.Log(9), "");
  EXPECT_EQ(world.store->FirstKept(7), 4u);
  EXPECT_EQ(world.store->FirstKept(9), 5u);
  const std::string client_message_id("\0id\xff", 4);
  const auto sent = world.store->FindSent(1, client_message_id);
  ASSERT_TRUE(sent.ok() && *sent != nullptr);
  EXPECT_EQ(DescribeWhole(**sent), "3f2a9c01de#4 at 1700000001004 kind 0 by alice (Alice) [" +
                                       client_message_id + "]: hello");
  EXPECT_EQ(world.store->FindSurplus({.bytes_max = 14}, 0, 9, 9)->size(), 0u);
  EXPECT_EQ(world.store->FindSurplus({.bytes_max = 13}, 0, 9, 9)->size(), 1u);
  EXPECT_TRUE(world.store->NeedsPurge());
  EXPECT_EQ(world.Purge(), 2);
  EXPECT_EQ(world.Count("SELECT count(*) FROM events"), 5);
  EXPECT_EQ(world.Count("SELECT count(*) FROM sends"), 1);
  ASSERT_TRUE(Ok(world.Commit({world.Posts(7, 1, "seven")})));
  EXPECT_EQ(world.Page({7, 6, 9, 9, 99}), "7.seven");
  EXPECT_EQ(world.loaded.memberships[0].role, Role::kMember);
  ASSERT_TRUE(Ok(world.Commit({PutMembership{{7, 1, Role::kOwner}}, PutUser{Account(1, "alice")},
                               PutToken{TokenOf(1, "t")}, world.Erases(7, 5)})));
  world.Open();
  EXPECT_EQ(world.loaded.memberships[0].role, Role::kOwner);
  EXPECT_EQ(world.loaded.users[0].login, "login of alice");
  EXPECT_EQ(world.Log(7), "4.hello 5~[::1]:50412 6-[::1]:50412 7.seven");
}

}  // namespace
}  // namespace txtchat::storage
