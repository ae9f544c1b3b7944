#include "storage/wal_checkpointer.h"

#include <utility>

#include "absl/status/statusor.h"
#include "storage/background_thread.h"
#include "storage/scrubbing_vfs.h"

namespace txtchat::storage {
namespace {

// So few pages are quickly copied by the writer itself: it takes about as long as a commit.
constexpr std::uint64_t kFewPages = 64;
// Copying again what came meanwhile converges soon or never.
constexpr int kRoundsMax = 4;
// So many pages are synced in about the time of a commit.
constexpr int kPagesInABite = 32;
// A reader may keep the log from beginning anew; the writer tries again after so many pages.
constexpr std::uint64_t kPagesBetweenFinishes = 32;

// What Copy answers when nothing was copied, or when nobody knows what.
constexpr int kNotNow = -1;
constexpr int kFailed = -2;

}  // namespace

WalCheckpointer::WalCheckpointer(const DatabaseFile& file, std::uint64_t soft_pages)
    : file_(file), soft_pages_(soft_pages), copy_at_(soft_pages), thread_([this] { Run(); }) {}

WalCheckpointer::~WalCheckpointer() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

WalCheckpointer::Advice WalCheckpointer::Follow(std::uint64_t log_pages) {
  absl::MutexLock lock(&mutex_);
  if (log_pages < log_pages_) {  // It has begun anew.
    copied_pages_ = 0;
    copy_at_ = soft_pages_;
    finish_at_ = 0;
  }
  log_pages_ = log_pages;
  if (failed_) return Advice::kCopyAgain;
  if (copying_ || copied_pages_ == 0 || Left() > kFewPages || log_pages_ < finish_at_) {
    return Advice::kNothing;
  }
  finish_at_ = log_pages_ + kPagesBetweenFinishes;
  return Advice::kFinish;
}

void WalCheckpointer::Hold() {
  absl::MutexLock lock(&mutex_);
  held_ = true;
  mutex_.Await(absl::Condition(this, &WalCheckpointer::IsIdle));
  database_.reset();
  if (!failed_) return;
  failed_ = false;
  copied_pages_ = 0;
  copy_at_ = log_pages_ + soft_pages_;
}

void WalCheckpointer::LetGo() {
  absl::MutexLock lock(&mutex_);
  held_ = false;
}

bool WalCheckpointer::has_failed() const {
  absl::MutexLock lock(&mutex_);
  return failed_;
}

void WalCheckpointer::Run() {
  RunInBackground();  // A copy of the whole log is some ms of work, many times a second.
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &WalCheckpointer::HasWork));
      if (stopping_) return;
      copying_ = true;
    }
    bool again = true;
    for (int round = 1; again; ++round) {
      const int copied = Copy();
      absl::MutexLock lock(&mutex_);
      if (copied == kFailed) failed_ = true;
      if (copied >= 0) copied_pages_ = static_cast<std::uint64_t>(copied);
      copy_at_ = (copied >= 0 ? copied_pages_ : log_pages_) + soft_pages_;
      again = copied >= 0 && Left() > kFewPages && round < kRoundsMax && !stopping_ && !held_;
      copying_ = again;
    }
  }
}

bool WalCheckpointer::IsFarBehind() const {
  absl::MutexLock lock(&mutex_);
  return Left() > 2 * soft_pages_;
}

int WalCheckpointer::Copy() {
  if (database_ == nullptr) {
    absl::StatusOr<std::unique_ptr<Database>> database =
        Database::Open(file_, Database::Mode::kReadWrite);
    if (!database.ok()) return kNotNow;
    sqlite3_db_config((*database)->get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    // Only a connection that has read once has opened the log.
    if (!(*database)->QueryNumber("PRAGMA page_count").ok()) return kNotNow;
    database_ = *std::move(database);
  }
  ScrubbingVfs::PauseEach(IsFarBehind() ? 0 : kPagesInABite);
  int log_pages = 0;
  int copied_pages = 0;
  const int code = sqlite3_wal_checkpoint_v2(database_->get(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                             &log_pages, &copied_pages);
  if (code == SQLITE_OK) return copied_pages;
  return (code & 0xff) == SQLITE_BUSY ? kNotNow : kFailed;
}

}  // namespace txtchat::storage
