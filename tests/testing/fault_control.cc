#include "tests/testing/fault_control.h"

#include <sqlite3.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace txtchat::testing {
namespace {

bool Concerns(FaultTarget target, FileKind kind) {
  switch (target) {
    case FaultTarget::kAll:
      return true;
    case FaultTarget::kDatabase:
      return kind == FileKind::kDatabase;
    case FaultTarget::kWal:
      return kind == FileKind::kWal;
  }
  return false;
}

// What the operation answers under the fault; SQLITE_OK if the fault is none of its business.
int CodeOf(FaultKind kind, FileOperation operation) {
  switch (kind) {
    case FaultKind::kNone:
      return SQLITE_OK;
    case FaultKind::kDiskFull:
      return operation == FileOperation::kWrite ? SQLITE_FULL : SQLITE_OK;
    case FaultKind::kWriteError:
      if (operation == FileOperation::kTruncate) return SQLITE_IOERR_TRUNCATE;
      return operation == FileOperation::kWrite ? SQLITE_IOERR_WRITE : SQLITE_OK;
    case FaultKind::kSyncError:
      return operation == FileOperation::kSync ? SQLITE_IOERR_FSYNC : SQLITE_OK;
    case FaultKind::kReadError:
      return operation == FileOperation::kRead ? SQLITE_IOERR_READ : SQLITE_OK;
  }
  return SQLITE_OK;
}

bool ParseKind(absl::string_view word, FaultKind& kind) {
  if (word == "none") {
    kind = FaultKind::kNone;
  } else if (word == "full") {
    kind = FaultKind::kDiskFull;
  } else if (word == "write-error") {
    kind = FaultKind::kWriteError;
  } else if (word == "sync-error") {
    kind = FaultKind::kSyncError;
  } else if (word == "read-error") {
    kind = FaultKind::kReadError;
  } else {
    return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<Fault> ParseFault(absl::string_view text) {
  Fault fault;
  bool has_kind = false;
  for (absl::string_view word :
       absl::StrSplit(text, absl::ByAnyChar(" \t\r\n"), absl::SkipEmpty())) {
    if (!has_kind) {
      if (!ParseKind(word, fault.kind)) {
        return absl::InvalidArgumentError(absl::StrCat("there is no fault '", word, "'"));
      }
      has_kind = true;
    } else if (word == "db") {
      fault.target = FaultTarget::kDatabase;
    } else if (word == "wal") {
      fault.target = FaultTarget::kWal;
    } else if (word == "once") {
      fault.once = true;
    } else if (absl::string_view number = word;
               !absl::ConsumePrefix(&number, "skip=") || !absl::SimpleAtoi(number, &fault.skip)) {
      return absl::InvalidArgumentError(absl::StrCat("'", word, "' says nothing of a fault"));
    }
  }
  return fault;
}

void FaultControl::Set(const Fault& fault) {
  absl::MutexLock lock(&mutex_);
  SetLocked(fault);
}

void FaultControl::SetLocked(const Fault& fault) {
  fault_ = fault;
  armed_ = fault.kind != FaultKind::kNone;
}

int FaultControl::Take(FileOperation operation, FileKind kind) {
  if (file_.empty() && !armed_.load(std::memory_order_acquire)) return SQLITE_OK;
  absl::MutexLock lock(&mutex_);
  PollLocked();
  const int code = CodeOf(fault_.kind, operation);
  if (code == SQLITE_OK || !Concerns(fault_.target, kind)) return SQLITE_OK;
  if (fault_.skip > 0) {
    --fault_.skip;
    return SQLITE_OK;
  }
  if (fault_.once) SetLocked(Fault{});
  ++raised_;
  return code;
}

void FaultControl::PollLocked() {
  if (file_.empty()) return;
  struct stat now {};
  Stamp stamp;
  if (::stat(file_.c_str(), &now) == 0) {
    stamp = {now.st_ino, now.st_size, now.st_mtim.tv_sec * 1'000'000'000 + now.st_mtim.tv_nsec};
  }
  if (stamp == seen_) return;
  seen_ = stamp;
  std::ifstream in(file_);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const absl::StatusOr<Fault> fault = ParseFault(text);
  if (!fault.ok()) {
    std::fprintf(stderr, "fault VFS: %s: %s\n", file_.c_str(),
                 std::string(fault.status().message()).c_str());
    std::abort();
  }
  SetLocked(*fault);
}

}  // namespace txtchat::testing
