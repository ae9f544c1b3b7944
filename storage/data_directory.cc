#include "storage/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace txtchat::storage {
namespace {

namespace fs = std::filesystem;

absl::Status CannotUse(const std::string& path, int error) {
  return absl::FailedPreconditionError(absl::StrCat(
      path, " cannot be written: ", std::strerror(error),
      "; give the server's user the rights to it, or choose another directory for the data"));
}

// The entry of a new file or directory is durable only when its directory was synced.
void SyncDirectory(const fs::path& path) {
  const int fd = open(path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  (void)fsync(fd);
  close(fd);
}

absl::Status MakeDirectory(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return absl::OkStatus();
  const fs::path parent = path.parent_path();
  if (!parent.empty() && parent != path && !fs::exists(parent, error)) {
    if (absl::Status s = MakeDirectory(parent); !s.ok()) return s;
  }
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return CannotUse(path, errno);
  SyncDirectory(parent);
  return absl::OkStatus();
}

}  // namespace

DataDirectory::DataDirectory(const std::string& path)
    : path_(path), database_path_((fs::path(path) / "txtchat.db").string()) {}

DataDirectory::~DataDirectory() {
  if (lock_fd_ >= 0) close(lock_fd_);
}

absl::StatusOr<std::unique_ptr<DataDirectory>> DataDirectory::Take(const std::string& path) {
  if (path.empty()) return absl::FailedPreconditionError("no directory for the data was given");
  // "data/" is "data": its parent is "." and not itself.
  const fs::path normal = fs::path(path).lexically_normal();
  const fs::path directory = normal.has_filename() ? normal : normal.parent_path();
  if (absl::Status s = MakeDirectory(directory); !s.ok()) return s;

  std::unique_ptr<DataDirectory> taken(new DataDirectory(directory.string()));
  const std::string lock = (directory / "txtchat.lock").string();
  taken->lock_fd_ = open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (taken->lock_fd_ < 0) return CannotUse(lock, errno);
  if (flock(taken->lock_fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return CannotUse(lock, errno);
    return absl::FailedPreconditionError(
        absl::StrCat(directory.string(), " is in use by another txtchatd, which has locked ", lock,
                     "; stop that one first, or choose another directory for the data"));
  }
  return taken;
}

absl::Status DataDirectory::MakeDatabaseFile() const {
  const int fd = open(database_path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 && errno == EEXIST) return absl::OkStatus();
  if (fd < 0) return CannotUse(database_path_, errno);
  close(fd);
  SyncDirectory(path_);
  return absl::OkStatus();
}

}  // namespace txtchat::storage
