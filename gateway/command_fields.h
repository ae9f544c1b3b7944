// What the tables of commands share: from fields to the parts of a command. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gateway/commands.h"
#include "gateway/line_text.h"

namespace txtchat::gateway {

// Lists answer this many lines at once; the answer says how to go on.
inline constexpr std::size_t kListLines = 100;
inline constexpr std::uint8_t kListWeight = 32;

/// A command of the core, made in its place: moving one costs more than making it.
template <typename Specific>
Specific& Emplace(Action& action) {
  return action.emplace<Command>().emplace<Specific>();
}

/// Reads a number; an empty field is `otherwise`.
inline absl::StatusOr<std::uint64_t> Number(std::string_view field, std::string_view name,
                                            std::uint64_t otherwise) {
  if (field.empty()) return otherwise;
  std::uint64_t number = 0;
  const bool digits = field.find_first_not_of("0123456789") == std::string_view::npos;
  if (!digits || !absl::SimpleAtoi(std::string(field), &number)) {
    return absl::InvalidArgumentError(
        absl::StrCat(std::string(name), " must be a number, not ", OneLine(field, 32)));
  }
  return number;
}
}  // namespace txtchat::gateway
