#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "core/identity.h"

namespace txtchat::testing {

/// Names look alike in either case, with `1` for `l` and with `0` for `o`. Those with capitals have
/// two skeletons. Thread-safe.
class PlainNames final : public NameFolder {
 public:
  std::vector<std::string> Skeletons(std::string_view name) const override {
    std::string written(name);
    for (char& c : written) {
      if (c == '1') c = 'l';
      if (c == '0') c = 'o';
    }
    std::string caseless = absl::AsciiStrToLower(written);
    if (caseless == written) return {std::move(caseless)};
    return {std::move(caseless), std::move(written)};
  }
  std::string FoldLogin(std::string_view login) const override {
    return absl::AsciiStrToLower(std::string(login));
  }
};

}  // namespace txtchat::testing
