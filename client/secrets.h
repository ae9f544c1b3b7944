#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace txtchat::client {

// Tokens and passwords: where they come from and where they go. Never from a command line, which
// others can see. Errors are for people and never repeat a secret; all of them block.

// Why this cannot be a token, as the end of a sentence; empty if it can.
std::string TokenProblem(std::string_view token);

// The token that the file holds, without space around it. INVALID_ARGUMENT if there is none.
absl::StatusOr<std::string> ReadTokenFile(const std::string& path);

// A file that only its owner can read, which replaces what has its name once it is complete. Made
// before the token is asked for, so that no token is lost because it cannot be written.
class NewTokenFile {
 public:
  NewTokenFile() = default;
  ~NewTokenFile();
  NewTokenFile(const NewTokenFile&) = delete;
  NewTokenFile& operator=(const NewTokenFile&) = delete;

  // INVALID_ARGUMENT if there can be no such file.
  absl::Status Open(const std::string& path);
  // Once, after Open. INTERNAL if it could not be written.
  absl::Status Write(const std::string& token);

 private:
  std::string path_;
  std::string draft_;
  int fd_ = -1;
};

// A password: the first line of `file`, or if that is empty, typed on the terminal without echo
// (twice to be sure, if `is_new`), or if the input is no terminal, its next line.
// INVALID_ARGUMENT if none came, or two different ones.
absl::StatusOr<std::string> ReadPassword(const std::string& what, const std::string& file,
                                         bool is_new);

}  // namespace txtchat::client
