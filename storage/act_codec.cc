#include "storage/act_codec.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace txtchat::storage {
namespace {

constexpr int kVersion = 1;

// Takes a number and the character behind it from the front.
template <typename Number>
bool TakeNumber(std::string_view* bytes, char behind, Number* number) {
  const char* const end = bytes->data() + bytes->size();
  const auto [stop, error] = std::from_chars(bytes->data(), end, *number);
  if (error != std::errc() || stop == end || *stop != behind) return false;
  bytes->remove_prefix(static_cast<std::size_t>(stop - bytes->data()) + 1);
  return true;
}

absl::Status Unreadable() {
  return absl::DataLossError("an act of moderation is not stored in a form that can be read");
}

}  // namespace

std::string EncodeAct(const Act& act) {
  return absl::StrCat(kVersion, ",", static_cast<int>(act.role), ",", act.target_sequence, ",",
                      act.until_unix_ms, ",", act.target_id.size(), ",", act.target_name.size(),
                      ":", act.target_id, act.target_name, act.text);
}

absl::StatusOr<Act> DecodeAct(std::string_view bytes) {
  std::string_view rest = bytes;
  Act act;
  int version = 0;
  unsigned role = 0;
  std::size_t id_bytes = 0;
  std::size_t name_bytes = 0;
  if (!TakeNumber(&rest, ',', &version) || version != kVersion || !TakeNumber(&rest, ',', &role) ||
      role > static_cast<unsigned>(Role::kOwner) || !TakeNumber(&rest, ',', &act.target_sequence) ||
      !TakeNumber(&rest, ',', &act.until_unix_ms) || !TakeNumber(&rest, ',', &id_bytes) ||
      !TakeNumber(&rest, ':', &name_bytes)) {
    return Unreadable();
  }
  if (id_bytes > rest.size() || name_bytes > rest.size() - id_bytes) return Unreadable();
  act.role = static_cast<Role>(role);
  act.target_id = rest.substr(0, id_bytes);
  act.target_name = rest.substr(id_bytes, name_bytes);
  act.text = rest.substr(id_bytes + name_bytes);
  // Numbers have one form only.
  if (EncodeAct(act) != bytes) return Unreadable();
  return act;
}

}  // namespace txtchat::storage
