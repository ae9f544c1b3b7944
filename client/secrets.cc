#include "client/secrets.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>

#include "client/signals.h"
#include "client/terminal_text.h"

namespace txtchat::client {
namespace {

// More than any signed token: what is larger was named by mistake.
constexpr std::size_t kTokenBytesMax = 64 * 1024;

absl::Status Invalid(const std::string& why) { return absl::InvalidArgumentError(why); }

// The next line of `input`, without its end.
bool NextLine(std::istream& input, std::string* line) {
  if (!std::getline(input, *line)) return false;
  if (!line->empty() && line->back() == '\r') line->pop_back();
  return true;
}

// While typing is hidden.
absl::StatusOr<std::string> AnswerTo(const std::string& prompt) {
  std::fprintf(stderr, "%s: ", prompt.c_str());
  std::string line;
  const bool typed = NextLine(std::cin, &line);
  std::fputc('\n', stderr);
  if (!typed) return Invalid("no password was typed");
  return line;
}

absl::StatusOr<std::string> TypedPassword(const std::string& what, bool is_new) {
  auto typed = AnswerTo(what);
  if (!typed.ok() || !is_new) return typed;
  auto again = AnswerTo(what + ", again");
  if (!again.ok()) return again;
  if (*typed != *again) return Invalid("the two are not the same; nothing was done");
  return typed;
}

}  // namespace

std::string TokenProblem(std::string_view token) {
  if (token.empty()) return "holds no token";
  if (token.size() > kTokenBytesMax) return "is too long for a token";
  const bool printable =
      std::all_of(token.begin(), token.end(), [](unsigned char c) { return c > 0x20 && c < 0x7F; });
  return printable ? "" : "holds more than a token, or something else";
}

absl::StatusOr<std::string> ReadTokenFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Invalid("the token file " + path + " cannot be read");
  std::string content(kTokenBytesMax + 3, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<std::size_t>(file.gcount()));
  std::string token(Trim(content));
  if (std::string why = TokenProblem(token); !why.empty()) {
    return Invalid("the token file " + path + " " + why);
  }
  return token;
}

NewTokenFile::~NewTokenFile() {
  if (fd_ < 0) return;
  close(fd_);
  unlink(draft_.c_str());
}

absl::Status NewTokenFile::Open(const std::string& path) {
  struct stat now {};
  if (stat(path.c_str(), &now) == 0 && !S_ISREG(now.st_mode)) {
    return Invalid("the token file " + path + " is no regular file");
  }
  path_ = path;
  draft_ = path + ".XXXXXX";
  fd_ = mkostemp(draft_.data(), O_CLOEXEC);  // mode 0600
  if (fd_ >= 0) return absl::OkStatus();
  return Invalid("the token file " + path + " cannot be written: " + std::strerror(errno));
}

absl::Status NewTokenFile::Write(const std::string& token) {
  const std::string line = token + "\n";
  const bool done = write(fd_, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
                    fsync(fd_) == 0 && rename(draft_.c_str(), path_.c_str()) == 0;
  if (!done) {
    return absl::InternalError("the token file " + path_ +
                               " cannot be written: " + std::strerror(errno));
  }
  close(fd_);
  fd_ = -1;
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadPassword(const std::string& what, const std::string& file,
                                         bool is_new) {
  std::string password;
  if (!file.empty()) {
    std::ifstream input(file, std::ios::binary);
    if (!input || !NextLine(input, &password) || password.empty()) {
      return Invalid("the password file " + file + " cannot be read, or its first line is empty");
    }
    return password;
  }
  if (isatty(STDIN_FILENO) == 0) {
    if (NextLine(std::cin, &password) && !password.empty()) return password;
    return Invalid("no password came: the input is no terminal, and has no line for the " + what);
  }
  // First of all: whoever types at once must not be shown, either.
  if (!HideTyping(STDIN_FILENO)) return Invalid("the terminal cannot hide what is typed");
  auto typed = TypedPassword(what, is_new);
  RestoreTerminal();
  return typed;
}

}  // namespace txtchat::client
