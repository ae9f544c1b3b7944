#include "identity/key_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/status/status.h"

namespace txtchat::identity {
namespace {

absl::Status Unreadable(const std::string& why) { return absl::InvalidArgumentError(why); }

}  // namespace

absl::StatusOr<std::string> ReadKeyFile(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (error) return Unreadable(error.message());
  if (!std::filesystem::is_regular_file(status)) return Unreadable("it is no file");
  std::ifstream file(path, std::ios::binary);
  if (!file) return Unreadable(std::strerror(errno));
  std::string content(kKeyFileBytesMax + 1, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (file.bad()) return Unreadable(std::strerror(errno));
  content.resize(static_cast<std::size_t>(file.gcount()));
  if (content.size() > kKeyFileBytesMax) return Unreadable("it is larger than 1 MiB");
  return content;
}

}  // namespace txtchat::identity
