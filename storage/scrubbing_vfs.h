#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace txtchat::storage {

namespace internal {
struct ScrubbingVfsState;
}

/// A virtual file system of SQLite (https://www.sqlite.org/vfs.html) that is the one below it but
/// for this: of each page that is written to a database file, the unallocated space is written as
/// zeros.
///
/// `PRAGMA secure_delete` overwrites what is deleted, but not what is moved: when SQLite makes room
/// in a page or between two, copies of rows stay behind in unallocated space, and outlive the row
/// (of 1 or 2 of 100 texts, as texts come in). Nobody reads that space, so it can be cleared on the
/// way to the file.
///
/// Registered as long as it lives; no file may be open by then. The write-ahead log is left alone:
/// its frames have checksums, and it is emptied as a whole.
class ScrubbingVfs {
 public:
  /// Over the VFS `below`; empty: SQLite's default. NOT_FOUND if there is none.
  static absl::StatusOr<std::unique_ptr<ScrubbingVfs>> Register(const std::string& below);
  ~ScrubbingVfs();
  ScrubbingVfs(const ScrubbingVfs&) = delete;
  ScrubbingVfs& operator=(const ScrubbingVfs&) = delete;

  const std::string& name() const;

  /// Of the calling thread, from now on: whenever it has written so many pages to database files
  /// it waits until they are synced, and offers the processor to others some times meanwhile. So
  /// the syncs of others wait for little, and nobody waits for all that is written. 0, as at first:
  /// never. Where they cannot be synced, the last write fails.
  static void PauseEach(int pages);

 private:
  explicit ScrubbingVfs(std::unique_ptr<internal::ScrubbingVfsState> state);

  const std::unique_ptr<internal::ScrubbingVfsState> state_;
};

/// The unallocated space of a page: `size` bytes from `begin`. None if it is no page of a b-tree.
struct UnallocatedSpace {
  int begin = 0;
  int size = 0;
};
UnallocatedSpace FindUnallocated(const unsigned char* page, int page_bytes);

}  // namespace txtchat::storage
