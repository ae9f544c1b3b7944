#include "storage/scrubbing_vfs.h"

#include <sqlite3.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/fault_vfs.h"
#include "tests/testing/scratch_directory.h"

namespace txtchat::storage {
namespace {

/// A page that begins with these bytes.
UnallocatedSpace Unallocated(std::vector<unsigned char> page, int page_bytes = 4096) {
  page.resize(65536);
  return FindUnallocated(page.data(), page_bytes);
}

void ExpectSpace(const UnallocatedSpace& space, int begin, int size) {
  EXPECT_EQ(space.begin, begin);
  EXPECT_EQ(space.size, size);
}

TEST(ScrubbingVfs, FindsTheUnallocatedSpaceOfEveryKindOfBTreePage) {
  // Kind, first free block (2), cells (2), where their content begins (2).
  ExpectSpace(Unallocated({10, 0, 0, 0, 3, 0x0f, 0x00}), 8 + 6, 0xf00 - 14);
  ExpectSpace(Unallocated({13, 1, 2, 1, 0, 0x0f, 0x00}), 8 + 512, 0xf00 - 520);
  ExpectSpace(Unallocated({2, 0, 0, 0, 3, 0x0f, 0x00}), 12 + 6, 0xf00 - 18);
  ExpectSpace(Unallocated({5, 0, 0, 0, 0, 0x10, 0x00}), 12, 4096 - 12);
  ExpectSpace(Unallocated({10, 0, 0, 0, 0, 0, 0}, 65536), 8, 65536 - 8);
}

TEST(ScrubbingVfs, LeavesAloneWhatIsNoBTreePage) {
  EXPECT_EQ(Unallocated({0, 0, 0, 7, 'a', 'b', 'c'}).size, 0) << "an overflow page";
  EXPECT_EQ(Unallocated({}).size, 0) << "a free page";
  EXPECT_EQ(Unallocated({10, 0, 0, 0, 3, 0x10, 0x01}).size, 0) << "content beyond its end";
  EXPECT_EQ(Unallocated({10, 0, 0, 0xff, 0xff, 0x0f, 0x00}).size, 0) << "cells over content";
  EXPECT_EQ(Unallocated({10, 0, 0, 0, 4, 0, 16}).size, 0) << "a full page";
}

TEST(ScrubbingVfs, StandsOverAnyVfsUnderANameOfItsOwn) {
  const auto one = ScrubbingVfs::Register("");
  const auto other = ScrubbingVfs::Register("unix");
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_NE((*one)->name(), (*other)->name());
  const std::string name = (*one)->name();
  EXPECT_NE(sqlite3_vfs_find(name.c_str()), nullptr);
  EXPECT_EQ(ScrubbingVfs::Register("no such VFS").status().code(), absl::StatusCode::kNotFound);
}

TEST(ScrubbingVfs, IsGoneWhenItIsNoLongerHeld) {
  std::string name;
  {
    const auto vfs = ScrubbingVfs::Register("");
    ASSERT_TRUE(vfs.ok());
    name = (*vfs)->name();
  }
  EXPECT_EQ(sqlite3_vfs_find(name.c_str()), nullptr);
}

TEST(ScrubbingVfs, PausesToSyncWhatAThreadHasWritten) {
  const testing::ScratchDirectory directory;
  const auto disk = testing::RegisterFaultVfs("scrubbing_vfs_test", false);
  ASSERT_TRUE(disk.ok());
  const auto vfs = ScrubbingVfs::Register((*disk)->name());
  ASSERT_TRUE(vfs.ok());
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open_v2(directory.File("pauses.db").c_str(), &database,
                            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, (*vfs)->name().c_str()),
            SQLITE_OK);
  const auto run = [database](const char* sql) {
    return sqlite3_exec(database, sql, nullptr, nullptr, nullptr);
  };
  // Nothing is synced by SQLite itself.
  ASSERT_EQ(run("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; CREATE TABLE t (x)"),
            SQLITE_OK);
  EXPECT_EQ((*disk)->syncs().database, 0u);
  const char* const fill = "INSERT INTO t VALUES (zeroblob(40 * 4096))";
  ScrubbingVfs::PauseEach(10);
  ASSERT_EQ(run(fill), SQLITE_OK);
  EXPECT_EQ((*disk)->syncs().database, 4u) << "some 40 pages";
  std::thread([&] { EXPECT_EQ(run(fill), SQLITE_OK); }).join();
  EXPECT_EQ((*disk)->syncs().database, 4u) << "another thread does not pause";
  (*disk)->SetFault(
      {testing::FaultKind::kSyncError, testing::FaultTarget::kDatabase, /*once=*/true});
  EXPECT_EQ(run(fill), SQLITE_IOERR) << "what cannot be synced is told";
  ScrubbingVfs::PauseEach(0);
  EXPECT_EQ(run(fill), SQLITE_OK);
  EXPECT_EQ((*disk)->syncs().database, 4u);
  EXPECT_EQ(sqlite3_close(database), SQLITE_OK);
}

}  // namespace
}  // namespace txtchat::storage
