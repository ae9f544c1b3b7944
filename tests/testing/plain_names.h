#pragma once

#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "core/identity.h"

namespace txtchat::testing {

/// Names look alike in either case, with `1` for `l` and with `0` for `o`. Thread-safe.
class PlainNames final : public NameFolder {
 public:
  std::string Skeleton(std::string_view name) const override {
    std::string skeleton = absl::AsciiStrToLower(std::string(name));
    for (char& c : skeleton) {
      if (c == '1') c = 'l';
      if (c == '0') c = 'o';
    }
    return skeleton;
  }
  std::string FoldLogin(std::string_view login) const override {
    return absl::AsciiStrToLower(std::string(login));
  }
};

}  // namespace txtchat::testing
