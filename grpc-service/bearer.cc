#include "grpc-service/bearer.h"

#include <cstddef>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace txtchat::rpc {
namespace {

/// Longer than any token is.
constexpr std::size_t kTokenCharactersMax = 8'192;

}  // namespace

absl::StatusOr<std::string_view> ParseBearer(std::string_view header) {
  constexpr std::string_view kScheme = "bearer ";
  const auto malformed = [] {
    return absl::UnauthenticatedError(
        "the authorization metadata is not \"Bearer TOKEN\"; send the token that Register "
        "answered");
  };
  if (header.size() < kScheme.size() ||
      !absl::EqualsIgnoreCase(absl::string_view(header.data(), kScheme.size()),
                              absl::string_view(kScheme.data(), kScheme.size()))) {
    return malformed();
  }
  std::string_view token = header.substr(kScheme.size());
  while (!token.empty() && token.front() == ' ') token.remove_prefix(1);
  while (!token.empty() && token.back() == ' ') token.remove_suffix(1);
  if (token.empty() || token.size() > kTokenCharactersMax ||
      token.find(' ') != std::string_view::npos) {
    return malformed();
  }
  return token;
}

}  // namespace txtchat::rpc
