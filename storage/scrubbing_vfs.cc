#include "storage/scrubbing_vfs.h"

#include <sched.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

namespace txtchat::storage {
namespace {

// Pages that are none of a b-tree begin with the number of another page, of which the first byte
// looks like a b-tree's only from page 0x02000000 on. A file of half as many is left alone: the log
// may hold more pages than the file has yet.
constexpr sqlite3_int64 kPagesMax = 0x01000000;

// The methods of a file below, but for writing.
struct ScrubbingMethods {
  sqlite3_io_methods methods{};  // First: this is what SQLite sees.
  const sqlite3_io_methods* below = nullptr;
};

bool HasBytes(const unsigned char* bytes, int size) {
  return std::any_of(bytes, bytes + size, [](unsigned char byte) { return byte != 0; });
}

const sqlite3_io_methods& BelowOf(sqlite3_file* file) {
  return *reinterpret_cast<const ScrubbingMethods*>(file->pMethods)->below;
}

int ScrubAndWrite(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  const sqlite3_io_methods& below = BelowOf(file);
  const auto* const page = static_cast<const unsigned char*>(data);
  // The first page begins with the file's header, and holds no text.
  const bool is_page = offset > 0 && size >= 512 && offset % size == 0;
  const UnallocatedSpace space = is_page ? FindUnallocated(page, size) : UnallocatedSpace{};
  sqlite3_int64 file_bytes = 0;
  if (space.size == 0 || !HasBytes(page + space.begin, space.size) ||
      below.xFileSize(file, &file_bytes) != SQLITE_OK ||
      std::max(file_bytes, offset) / size >= kPagesMax) {
    return below.xWrite(file, data, size, offset);
  }
  static thread_local std::vector<unsigned char> clean;  // Its memory serves again.
  clean.assign(page, page + size);
  std::memset(clean.data() + space.begin, 0, static_cast<std::size_t>(space.size));
  return below.xWrite(file, clean.data(), size, offset);
}

/// How the thread pauses. See PauseEach.
struct Pauses {
  int each = 0;
  int written = 0;  ///< Pages since the last one.
};
thread_local Pauses pauses;

// As often as it takes some tens of µs to write these. More often, and a thread of the background
// would have nothing of a busy processor: who offers it gives away a whole turn.
constexpr int kPagesBetweenOffers = 16;

int Write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  const int code = ScrubAndWrite(file, data, size, offset);
  if (code != SQLITE_OK || pauses.each == 0) return code;
  ++pauses.written;
  if (pauses.written % kPagesBetweenOffers == 0) sched_yield();
  if (pauses.written < pauses.each) return code;
  pauses.written = 0;
  return BelowOf(file).xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
}

int BigEndian16(const unsigned char* bytes) { return bytes[0] << 8 | bytes[1]; }

}  // namespace

// https://www.sqlite.org/fileformat.html#b_tree_pages
UnallocatedSpace FindUnallocated(const unsigned char* page, int page_bytes) {
  const bool interior = page[0] == 2 || page[0] == 5;
  if (!interior && page[0] != 10 && page[0] != 13) return {};
  const int begin = (interior ? 12 : 8) + 2 * BigEndian16(page + 3);
  const int content = BigEndian16(page + 5) == 0 ? 65536 : BigEndian16(page + 5);
  if (content > page_bytes || begin >= content) return {};
  return {begin, content - begin};
}

namespace internal {

struct ScrubbingVfsState {
  sqlite3_vfs* below = nullptr;
  std::string name;
  sqlite3_vfs shim{};
  absl::Mutex mutex;
  /// By the methods below: a VFS has a few kinds of files.
  std::map<const sqlite3_io_methods*, ScrubbingMethods> methods ABSL_GUARDED_BY(mutex);
};

}  // namespace internal

namespace {

using internal::ScrubbingVfsState;

ScrubbingVfsState& StateOf(sqlite3_vfs* vfs) {
  return *static_cast<ScrubbingVfsState*>(vfs->pAppData);
}
sqlite3_vfs* Below(sqlite3_vfs* vfs) { return StateOf(vfs).below; }

// The file is the one that the VFS below has opened, with one method exchanged: nothing else has to
// be passed on.
int Open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  const int code = Below(vfs)->xOpen(Below(vfs), path, file, flags, out_flags);
  if (code != SQLITE_OK || (flags & SQLITE_OPEN_MAIN_DB) == 0) return code;
  ScrubbingVfsState& state = StateOf(vfs);
  absl::MutexLock lock(&state.mutex);
  ScrubbingMethods& methods = state.methods[file->pMethods];
  if (methods.below == nullptr) {
    methods.below = file->pMethods;
    methods.methods = *file->pMethods;
    methods.methods.xWrite = Write;
  }
  file->pMethods = &methods.methods;
  return SQLITE_OK;
}

// The rest is the business of the VFS below, which has to be given itself.
void FillIn(ScrubbingVfsState& state) {
  sqlite3_vfs& shim = state.shim;
  shim.iVersion = 2;
  shim.szOsFile = state.below->szOsFile;
  shim.mxPathname = state.below->mxPathname;
  shim.zName = state.name.c_str();
  shim.pAppData = &state;
  shim.xOpen = Open;
  shim.xDelete = [](sqlite3_vfs* vfs, const char* path, int sync_directory) {
    return Below(vfs)->xDelete(Below(vfs), path, sync_directory);
  };
  shim.xAccess = [](sqlite3_vfs* vfs, const char* path, int flags, int* result) {
    return Below(vfs)->xAccess(Below(vfs), path, flags, result);
  };
  shim.xFullPathname = [](sqlite3_vfs* vfs, const char* path, int size, char* out) {
    return Below(vfs)->xFullPathname(Below(vfs), path, size, out);
  };
  shim.xDlOpen = [](sqlite3_vfs* vfs, const char* path) {
    return Below(vfs)->xDlOpen(Below(vfs), path);
  };
  shim.xDlError = [](sqlite3_vfs* vfs, int size, char* out) {
    Below(vfs)->xDlError(Below(vfs), size, out);
  };
  shim.xDlSym = [](sqlite3_vfs* vfs, void* library, const char* symbol) {
    return Below(vfs)->xDlSym(Below(vfs), library, symbol);
  };
  shim.xDlClose = [](sqlite3_vfs* vfs, void* library) {
    Below(vfs)->xDlClose(Below(vfs), library);
  };
  shim.xRandomness = [](sqlite3_vfs* vfs, int size, char* out) {
    return Below(vfs)->xRandomness(Below(vfs), size, out);
  };
  shim.xSleep = [](sqlite3_vfs* vfs, int microseconds) {
    return Below(vfs)->xSleep(Below(vfs), microseconds);
  };
  shim.xCurrentTime = [](sqlite3_vfs* vfs, double* now) {
    return Below(vfs)->xCurrentTime(Below(vfs), now);
  };
  shim.xGetLastError = [](sqlite3_vfs* vfs, int size, char* out) {
    return Below(vfs)->xGetLastError(Below(vfs), size, out);
  };
  shim.xCurrentTimeInt64 = [](sqlite3_vfs* vfs, sqlite3_int64* now) {
    return Below(vfs)->xCurrentTimeInt64(Below(vfs), now);
  };
}

}  // namespace

ScrubbingVfs::ScrubbingVfs(std::unique_ptr<ScrubbingVfsState> state) : state_(std::move(state)) {}

ScrubbingVfs::~ScrubbingVfs() { sqlite3_vfs_unregister(&state_->shim); }

void ScrubbingVfs::PauseEach(int pages) { pauses = {.each = pages}; }

const std::string& ScrubbingVfs::name() const { return state_->name; }

absl::StatusOr<std::unique_ptr<ScrubbingVfs>> ScrubbingVfs::Register(const std::string& below) {
  auto state = std::make_unique<ScrubbingVfsState>();
  state->below = sqlite3_vfs_find(below.empty() ? nullptr : below.c_str());
  if (state->below == nullptr || state->below->iVersion < 2) {
    return absl::NotFoundError(absl::StrCat("SQLite has no VFS '", below, "'"));
  }
  // Each store has one of its own.
  state->name = absl::StrCat("txtchat-", reinterpret_cast<std::uintptr_t>(state.get()));
  FillIn(*state);
  if (sqlite3_vfs_register(&state->shim, /*makeDflt=*/0) != SQLITE_OK) {
    return absl::ResourceExhaustedError("SQLite does not take another VFS");
  }
  return std::unique_ptr<ScrubbingVfs>(new ScrubbingVfs(std::move(state)));
}

}  // namespace txtchat::storage
