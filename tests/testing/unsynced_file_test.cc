#include "tests/testing/unsynced_file.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/scratch_directory.h"
#include "tests/testing/sqlite_connection.h"

namespace txtchat::testing {
namespace {

using Bytes = std::vector<unsigned char>;

// A file of the unix VFS.
class RealFile {
 public:
  explicit RealFile(std::string path)
      : path_(std::move(path)), name_(sqlite3_create_filename(path_.c_str(), "", "", 0, nullptr)) {
    sqlite3_vfs* const vfs = sqlite3_vfs_find("unix");
    memory_.resize(static_cast<std::size_t>(vfs->szOsFile) / sizeof(std::max_align_t) + 1);
    EXPECT_EQ(vfs->xOpen(vfs, name_, get(),
                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_DB, nullptr),
              SQLITE_OK);
  }
  RealFile(const RealFile&) = delete;
  RealFile& operator=(const RealFile&) = delete;
  ~RealFile() {
    get()->pMethods->xClose(get());
    sqlite3_free_filename(name_);
  }

  sqlite3_file* get() { return reinterpret_cast<sqlite3_file*>(memory_.data()); }
  Bytes Content() const {
    std::ifstream in(path_, std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }

 private:
  const std::string path_;
  const sqlite3_filename name_;
  std::vector<std::max_align_t> memory_;
};

// Random operations on a file and on its model, which is two byte strings: what is seen, and what
// was there at the last sync.
class UnsyncedFileModel {
 public:
  UnsyncedFileModel(double survive_probability, std::uint64_t seed)
      : survives_(survive_probability > 0),
        file_(std::make_shared<std::atomic<bool>>(true), {survive_probability, seed}),
        random_(seed) {}

  void Step() {
    switch (Below(12)) {
      case 0:
        return Truncate(Below(kSizeMax));
      case 1:
        return Sync();
      case 2:
        return Below(3) == 0 ? Forget() : Sync();
      case 3:
        return Read(0, kSizeMax + 10);
      case 4:
      case 5:
        return Read(Below(kSizeMax), 1 + Below(9000));
      case 6:  // A page, aligned.
        return Write(4096 * Below(kSizeMax / 4096), 4096);
      default:
        return Write(Below(kSizeMax), 1 + Below(Below(2) == 0 ? 40 : 9000));
    }
  }

 private:
  static constexpr std::size_t kSizeMax = 60'000;
  struct Written {
    std::size_t offset;
    Bytes data;
  };

  std::size_t Below(std::size_t bound) { return random_() % bound; }

  void Write(std::size_t offset, std::size_t size) {
    Bytes data(size);
    for (unsigned char& byte : data) byte = static_cast<unsigned char>(random_());
    ASSERT_EQ(file_.Write(real_.get(), data.data(), static_cast<int>(size),
                          static_cast<sqlite3_int64>(offset)),
              SQLITE_OK);
    if (seen_.size() < offset + size) seen_.resize(offset + size);
    std::copy(data.begin(), data.end(), seen_.begin() + static_cast<std::ptrdiff_t>(offset));
    written_.push_back({offset, std::move(data)});
  }

  void Truncate(std::size_t size) {
    ASSERT_EQ(file_.Truncate(real_.get(), static_cast<sqlite3_int64>(size)), SQLITE_OK);
    seen_.resize(size);
    least_size_ = std::min(least_size_, size);
  }

  void Read(std::size_t offset, std::size_t size) {
    Bytes got(size, 0xee);
    const int code = file_.Read(real_.get(), got.data(), static_cast<int>(size),
                                static_cast<sqlite3_int64>(offset));
    EXPECT_EQ(code, offset + size <= seen_.size() ? SQLITE_OK : SQLITE_IOERR_SHORT_READ);
    Bytes wanted(size, 0);
    for (std::size_t i = 0; i < size && offset + i < seen_.size(); ++i)
      wanted[i] = seen_[offset + i];
    ASSERT_TRUE(got == wanted) << "read of " << size << " bytes at " << offset;
    sqlite3_int64 file_size = 0;
    ASSERT_EQ(file_.Size(real_.get(), &file_size), SQLITE_OK);
    ASSERT_EQ(file_size, static_cast<sqlite3_int64>(seen_.size()));
  }

  void Sync() {
    if (!survives_) {
      ASSERT_TRUE(real_.Content() == synced_) << "something came through unsynced";
    }
    ASSERT_EQ(file_.Sync(real_.get()), SQLITE_OK);
    ASSERT_TRUE(real_.Content() == seen_);
    Settle();
  }

  void Forget() {
    file_.Forget();
    seen_ = real_.Content();
    if (survives_) {
      for (std::size_t i = 0; i < seen_.size(); ++i) {
        ASSERT_TRUE(MayBe(i, seen_[i])) << "byte " << i << " comes from nowhere";
      }
    } else {
      ASSERT_TRUE(seen_ == synced_);
    }
    Settle();
  }

  void Settle() {
    synced_ = seen_;
    least_size_ = seen_.size();
    written_.clear();
  }

  // Whether a disk could hold this byte: the synced one, one written since, or a hole's zero.
  bool MayBe(std::size_t at, unsigned char byte) const {
    if (at < synced_.size() && synced_[at] == byte) return true;
    if (at >= least_size_ && byte == 0) return true;
    return std::any_of(written_.begin(), written_.end(), [&](const Written& write) {
      return at >= write.offset && at < write.offset + write.data.size() &&
             write.data[at - write.offset] == byte;
    });
  }

  const bool survives_;
  ScratchDirectory directory_;
  RealFile real_{directory_.File("file")};
  UnsyncedFile file_;
  std::mt19937_64 random_;
  Bytes seen_;
  Bytes synced_;
  std::size_t least_size_ = 0;  // Since the last sync.
  std::vector<Written> written_;
};

void RunModel(double survive_probability) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    UnsyncedFileModel model(survive_probability, seed);
    for (int i = 0; i < 300 && !::testing::Test::HasFatalFailure(); ++i) model.Step();
  }
}

TEST(UnsyncedFile, IsAFileWhoseWritesComeThroughAtASync) { RunModel(0); }
TEST(UnsyncedFile, LetsSomeWritesSurviveAndShowsThatToNobody) { RunModel(0.4); }
TEST(UnsyncedFile, LetsEveryWriteSurvive) { RunModel(1); }

TEST(UnsyncedFile, TearsAWriteThatSurvivesAtSectors) {
  ScratchDirectory directory;
  RealFile real(directory.File("file"));
  UnsyncedFile file(std::make_shared<std::atomic<bool>>(true), {0.5, 1});
  const Bytes ones(4096, 1);
  int whole = 0;
  int torn = 0;
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(file.Write(real.get(), ones.data(), 4096, 4096 * i), SQLITE_OK);
    Bytes kept = real.Content();
    kept.resize(static_cast<std::size_t>(4096 * (i + 1)));
    int sectors = 0;
    for (std::size_t at = 4096 * static_cast<std::size_t>(i); at < kept.size(); at += 512) {
      const auto count = std::count(kept.begin() + static_cast<std::ptrdiff_t>(at),
                                    kept.begin() + static_cast<std::ptrdiff_t>(at) + 512, 1);
      ASSERT_TRUE(count == 0 || count == 512);
      sectors += count == 512 ? 1 : 0;
    }
    whole += sectors == 8 ? 1 : 0;
    torn += sectors > 0 && sectors < 8 ? 1 : 0;
  }
  EXPECT_GT(whole, 40);  // 75 are to be expected.
  EXPECT_GT(torn, 8);    // 25
}

TEST(UnsyncedFile, AFailedSyncIsToldOnceToEverybodyWhoHasTheFileOpen) {
  ScratchDirectory directory;
  RealFile real(directory.File("file"));
  UnsyncedFile file(std::make_shared<std::atomic<bool>>(true), {});
  std::uint64_t seen_by_one = file.failed_syncs();
  std::uint64_t seen_by_other = file.failed_syncs();
  file.FailSync(&seen_by_one);
  EXPECT_EQ(file.Sync(real.get(), &seen_by_other), SQLITE_OK) << "nothing was lost";
  ASSERT_EQ(file.Write(real.get(), "abc", 3, 0), SQLITE_OK);
  file.FailSync(&seen_by_one);
  EXPECT_EQ(file.Sync(real.get(), &seen_by_other), SQLITE_IOERR_FSYNC);
  EXPECT_EQ(file.Sync(real.get(), &seen_by_other), SQLITE_OK);
  EXPECT_EQ(file.Sync(real.get(), &seen_by_one), SQLITE_OK);
  std::uint64_t seen_by_third = file.failed_syncs();
  EXPECT_EQ(file.Sync(real.get(), &seen_by_third), SQLITE_OK) << "it came later";
  EXPECT_TRUE(real.Content().empty());
}

TEST(UnsyncedFile, WithoutPowerFailsAndTouchesNothing) {
  ScratchDirectory directory;
  RealFile real(directory.File("file"));
  const auto power = std::make_shared<std::atomic<bool>>(true);
  UnsyncedFile file(power, {});
  ASSERT_EQ(file.Write(real.get(), "abc", 3, 0), SQLITE_OK);
  power->store(false);
  char byte = 0;
  sqlite3_int64 size = 0;
  EXPECT_EQ(file.Write(real.get(), "abc", 3, 0), SQLITE_IOERR_WRITE);
  EXPECT_EQ(file.Read(real.get(), &byte, 1, 0), SQLITE_IOERR_READ);
  EXPECT_EQ(file.Truncate(real.get(), 0), SQLITE_IOERR_TRUNCATE);
  EXPECT_EQ(file.Size(real.get(), &size), SQLITE_IOERR_FSTAT);
  EXPECT_EQ(file.Sync(real.get()), SQLITE_IOERR_FSYNC);
  EXPECT_TRUE(real.Content().empty());
}

}  // namespace
}  // namespace txtchat::testing
