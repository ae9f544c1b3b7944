#include "tests/testing/fault_vfs.h"

#include <sqlite3.h>

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/testing/unsynced_file.h"

namespace txtchat::testing {
namespace internal {

struct FaultVfsState {
  FaultVfsState(std::string name_in, const FaultVfsOptions& options)
      : name(std::move(name_in)),
        control(options.fault_file),
        files({options.survive_probability, options.seed}) {}

  std::atomic<std::uint64_t>& syncs_of(FileKind kind) {
    return syncs[static_cast<std::size_t>(kind)];
  }

  const std::string name;
  sqlite3_vfs* real = nullptr;
  sqlite3_vfs shim{};
  FaultControl control;
  UnsyncedFiles files;
  std::atomic<std::uint64_t> syncs[3] = {};
};

}  // namespace internal

namespace {

using internal::FaultVfsState;

// An open file, in memory that SQLite gives; the real VFS's handle lies behind it.
struct Handle : sqlite3_file {
  FaultVfsState* vfs = nullptr;
  sqlite3_file* real = nullptr;
  FileKind kind = FileKind::kDatabase;
  std::string path;
  std::shared_ptr<UnsyncedFile> file;
  std::uint64_t failures_seen = 0;  ///< Of the file's failed syncs.
};

constexpr std::size_t kHandleBytes = (sizeof(Handle) + 7) / 8 * 8;

Handle* Of(sqlite3_file* file) { return static_cast<Handle*>(file); }
const sqlite3_io_methods& Below(sqlite3_file* file) { return *Of(file)->real->pMethods; }

int TakeFault(sqlite3_file* file, FileOperation operation) {
  return Of(file)->vfs->control.Take(operation, Of(file)->kind);
}

// --- methods of a file -------------------------------------------------------------------------

int FileClose(sqlite3_file* file) {
  Handle* const handle = Of(file);
  const int code = Below(file).xClose(handle->real);
  handle->vfs->files.Close(handle->path, handle->file);
  handle->~Handle();
  return code;
}

int FileRead(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
  if (const int code = TakeFault(file, FileOperation::kRead); code != SQLITE_OK) return code;
  return Of(file)->file->Read(Of(file)->real, out, size, offset);
}

int FileWrite(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  if (const int code = TakeFault(file, FileOperation::kWrite); code != SQLITE_OK) return code;
  return Of(file)->file->Write(Of(file)->real, data, size, offset);
}

int FileTruncate(sqlite3_file* file, sqlite3_int64 size) {
  if (const int code = TakeFault(file, FileOperation::kTruncate); code != SQLITE_OK) return code;
  return Of(file)->file->Truncate(Of(file)->real, size);
}

int FileSync(sqlite3_file* file, int) {
  Handle* const handle = Of(file);
  if (const int code = TakeFault(file, FileOperation::kSync); code != SQLITE_OK) {
    handle->file->FailSync(&handle->failures_seen);
    return code;
  }
  const int code = handle->file->Sync(handle->real, &handle->failures_seen);
  if (code == SQLITE_OK) ++handle->vfs->syncs_of(handle->kind);
  return code;
}

int FileSize(sqlite3_file* file, sqlite3_int64* size) {
  return Of(file)->file->Size(Of(file)->real, size);
}

int FileLock(sqlite3_file* file, int level) {
  // Refused when dead, so that a connection that closes does not begin to checkpoint.
  if (!Of(file)->file->has_power()) return SQLITE_IOERR_LOCK;
  return Below(file).xLock(Of(file)->real, level);
}

int FileUnlock(sqlite3_file* file, int level) { return Below(file).xUnlock(Of(file)->real, level); }

int FileCheckReservedLock(sqlite3_file* file, int* reserved) {
  return Below(file).xCheckReservedLock(Of(file)->real, reserved);
}

int FileControl(sqlite3_file* file, int operation, void* argument) {
  switch (operation) {
    case SQLITE_FCNTL_MMAP_SIZE:  // Whatever is wanted, it is 0: reads have to come by here.
      *static_cast<sqlite3_int64*>(argument) = 0;
      return SQLITE_OK;
    case SQLITE_FCNTL_CHUNK_SIZE:  // It would make the real VFS round up what it truncates to.
      return SQLITE_OK;
    default:
      return Below(file).xFileControl(Of(file)->real, operation, argument);
  }
}

int FileSectorSize(sqlite3_file* file) { return Below(file).xSectorSize(Of(file)->real); }

int FileDeviceCharacteristics(sqlite3_file* file) {
  // Nothing that promises more than this VFS keeps.
  return Below(file).xDeviceCharacteristics(Of(file)->real) & SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

int FileShmMap(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  if (Below(file).xShmMap == nullptr) return SQLITE_IOERR_SHMMAP;
  return Below(file).xShmMap(Of(file)->real, page, size, extend, out);
}

int FileShmLock(sqlite3_file* file, int offset, int count, int flags) {
  return Below(file).xShmLock(Of(file)->real, offset, count, flags);
}

void FileShmBarrier(sqlite3_file* file) { Below(file).xShmBarrier(Of(file)->real); }

int FileShmUnmap(sqlite3_file* file, int remove) {
  return Below(file).xShmUnmap(Of(file)->real, remove);
}

// Version 2: SQLite does not ask for xFetch, the memory mapping.
constexpr sqlite3_io_methods kFileMethods = {
    .iVersion = 2,
    .xClose = FileClose,
    .xRead = FileRead,
    .xWrite = FileWrite,
    .xTruncate = FileTruncate,
    .xSync = FileSync,
    .xFileSize = FileSize,
    .xLock = FileLock,
    .xUnlock = FileUnlock,
    .xCheckReservedLock = FileCheckReservedLock,
    .xFileControl = FileControl,
    .xSectorSize = FileSectorSize,
    .xDeviceCharacteristics = FileDeviceCharacteristics,
    .xShmMap = FileShmMap,
    .xShmLock = FileShmLock,
    .xShmBarrier = FileShmBarrier,
    .xShmUnmap = FileShmUnmap,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

// --- methods of the VFS ------------------------------------------------------------------------

FaultVfsState* StateOf(sqlite3_vfs* vfs) { return static_cast<FaultVfsState*>(vfs->pAppData); }
sqlite3_vfs* Real(sqlite3_vfs* vfs) { return StateOf(vfs)->real; }

// False: a temporary file, which no power cut concerns.
bool KindOf(int flags, FileKind& kind) {
  if ((flags & SQLITE_OPEN_MAIN_DB) != 0) {
    kind = FileKind::kDatabase;
  } else if ((flags & SQLITE_OPEN_WAL) != 0) {
    kind = FileKind::kWal;
  } else if ((flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL)) != 0) {
    kind = FileKind::kJournal;
  } else {
    return false;
  }
  return true;
}

int VfsOpen(sqlite3_vfs* vfs, const char* path, sqlite3_file* memory, int flags, int* out_flags) {
  FileKind kind{};
  if (path == nullptr || !KindOf(flags, kind)) {
    return Real(vfs)->xOpen(Real(vfs), path, memory, flags, out_flags);
  }
  memory->pMethods = nullptr;  // SQLite closes what has methods, opened or not.
  FaultVfsState* const state = StateOf(vfs);
  std::shared_ptr<UnsyncedFile> unsynced = state->files.Open(path);
  if (unsynced == nullptr) {
    sqlite3_log(SQLITE_CANTOPEN,
                "fault VFS: %s: a connection of before the power cut is still open", path);
    return SQLITE_CANTOPEN;
  }
  auto* const real =
      reinterpret_cast<sqlite3_file*>(reinterpret_cast<unsigned char*>(memory) + kHandleBytes);
  real->pMethods = nullptr;
  const int code = state->real->xOpen(state->real, path, real, flags, out_flags);
  if (code != SQLITE_OK) {
    if (real->pMethods != nullptr) real->pMethods->xClose(real);
    state->files.Close(path, unsynced);
    return code;
  }
  auto* const handle = new (memory) Handle;
  handle->vfs = state;
  handle->real = real;
  handle->kind = kind;
  handle->path = path;
  handle->file = std::move(unsynced);
  handle->failures_seen = handle->file->failed_syncs();
  handle->pMethods = &kFileMethods;
  return SQLITE_OK;
}

int VfsDelete(sqlite3_vfs* vfs, const char* path, int sync_directory) {
  const int code = Real(vfs)->xDelete(Real(vfs), path, sync_directory);
  if (code == SQLITE_OK || code == SQLITE_IOERR_DELETE_NOENT) StateOf(vfs)->files.Forget(path);
  return code;
}

int VfsAccess(sqlite3_vfs* vfs, const char* path, int flags, int* result) {
  const int code = Real(vfs)->xAccess(Real(vfs), path, flags, result);
  if (code != SQLITE_OK || flags != SQLITE_ACCESS_EXISTS) return code;
  // To the unix VFS an empty file is none, and this one may be empty only until it is synced.
  if (const auto size = StateOf(vfs)->files.UnsyncedSize(path); size.has_value()) {
    *result = *size > 0 ? 1 : 0;
  }
  return code;
}

// The rest is the real VFS's. It has to be given itself: the unix one keeps things in its fields.
void FillIn(FaultVfsState& state) {
  sqlite3_vfs& shim = state.shim;
  shim.iVersion = 3;
  shim.szOsFile = static_cast<int>(kHandleBytes) + state.real->szOsFile;
  shim.mxPathname = state.real->mxPathname;
  shim.zName = state.name.c_str();
  shim.pAppData = &state;
  shim.xOpen = VfsOpen;
  shim.xDelete = VfsDelete;
  shim.xAccess = VfsAccess;
  shim.xFullPathname = [](sqlite3_vfs* vfs, const char* path, int size, char* out) {
    return Real(vfs)->xFullPathname(Real(vfs), path, size, out);
  };
  shim.xDlOpen = [](sqlite3_vfs* vfs, const char* path) {
    return Real(vfs)->xDlOpen(Real(vfs), path);
  };
  shim.xDlError = [](sqlite3_vfs* vfs, int size, char* out) {
    Real(vfs)->xDlError(Real(vfs), size, out);
  };
  shim.xDlSym = [](sqlite3_vfs* vfs, void* library, const char* symbol) {
    return Real(vfs)->xDlSym(Real(vfs), library, symbol);
  };
  shim.xDlClose = [](sqlite3_vfs* vfs, void* library) { Real(vfs)->xDlClose(Real(vfs), library); };
  shim.xRandomness = [](sqlite3_vfs* vfs, int size, char* out) {
    return Real(vfs)->xRandomness(Real(vfs), size, out);
  };
  shim.xSleep = [](sqlite3_vfs* vfs, int microseconds) {
    return Real(vfs)->xSleep(Real(vfs), microseconds);
  };
  shim.xCurrentTime = [](sqlite3_vfs* vfs, double* now) {
    return Real(vfs)->xCurrentTime(Real(vfs), now);
  };
  shim.xGetLastError = [](sqlite3_vfs* vfs, int size, char* out) {
    return Real(vfs)->xGetLastError(Real(vfs), size, out);
  };
  shim.xCurrentTimeInt64 = [](sqlite3_vfs* vfs, sqlite3_int64* now) {
    return Real(vfs)->xCurrentTimeInt64(Real(vfs), now);
  };
  shim.xSetSystemCall = [](sqlite3_vfs* vfs, const char* name, sqlite3_syscall_ptr call) {
    return Real(vfs)->xSetSystemCall(Real(vfs), name, call);
  };
  shim.xGetSystemCall = [](sqlite3_vfs* vfs, const char* name) {
    return Real(vfs)->xGetSystemCall(Real(vfs), name);
  };
  shim.xNextSystemCall = [](sqlite3_vfs* vfs, const char* name) {
    return Real(vfs)->xNextSystemCall(Real(vfs), name);
  };
}

}  // namespace

FaultVfs::FaultVfs(std::unique_ptr<internal::FaultVfsState> state) : state_(std::move(state)) {}

FaultVfs::~FaultVfs() {
  if (const int open = state_->files.open_count(); open > 0) {
    std::fprintf(stderr, "fault VFS %s: unregistered with %d files open\n", state_->name.c_str(),
                 open);
    std::abort();
  }
  sqlite3_vfs_unregister(&state_->shim);
}

const std::string& FaultVfs::name() const { return state_->name; }
void FaultVfs::DropUnsynced() { state_->files.Cut(); }
void FaultVfs::SetFault(const Fault& fault) { state_->control.Set(fault); }
std::uint64_t FaultVfs::faults_raised() const { return state_->control.raised(); }

SyncCounts FaultVfs::syncs() const {
  return {.database = state_->syncs_of(FileKind::kDatabase),
          .wal = state_->syncs_of(FileKind::kWal),
          .journal = state_->syncs_of(FileKind::kJournal)};
}

absl::StatusOr<std::unique_ptr<FaultVfs>> RegisterFaultVfs(const std::string& name,
                                                           bool make_default,
                                                           const FaultVfsOptions& options) {
  auto state = std::make_unique<internal::FaultVfsState>(name, options);
  state->real = sqlite3_vfs_find("unix");
  if (state->real == nullptr) return absl::UnavailableError("SQLite has no VFS 'unix'");
  if (sqlite3_vfs_find(name.c_str()) != nullptr) {
    return absl::AlreadyExistsError(absl::StrCat("there is a VFS '", name, "' already"));
  }
  FillIn(*state);
  if (sqlite3_vfs_register(&state->shim, make_default ? 1 : 0) != SQLITE_OK) {
    return absl::UnavailableError(absl::StrCat("SQLite does not take the VFS '", name, "'"));
  }
  return std::unique_ptr<FaultVfs>(new FaultVfs(std::move(state)));
}

}  // namespace txtchat::testing
