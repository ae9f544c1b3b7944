#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/identity.h"

namespace txtchat::identity {

/// Folds names by ICU's tables (docs/adr/0013-identity.md says how, and what is not found). A name
/// of 20 characters takes some 2 µs. What is not UTF-8 counts as U+FFFD.
///
/// Skeletons are of one version of Unicode, which is ICU's: keep none in a store.
class IcuNameFolder final : public NameFolder {
 public:
  /// INTERNAL if ICU's data is not there.
  static absl::StatusOr<std::unique_ptr<IcuNameFolder>> Create();

  ~IcuNameFolder() override;
  IcuNameFolder(const IcuNameFolder&) = delete;
  IcuNameFolder& operator=(const IcuNameFolder&) = delete;

  /// Beside what the port says: case makes no difference, nor does white space at the ends; runs of
  /// it are one space. The results are no names: never show it.
  std::vector<std::string> Skeletons(std::string_view name) const override;
  std::string FoldLogin(std::string_view login) const override;

 private:
  struct Tables;  // Keeps ICU's headers out of this one.
  explicit IcuNameFolder(std::unique_ptr<const Tables> tables);

  const std::unique_ptr<const Tables> tables_;
};

}  // namespace txtchat::identity
