#include "identity/strict_json.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"

namespace txtchat::identity {
namespace {

/// Looks at what nlohmann's parser finds, and stops it where it would be lenient.
class Strictness final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Strictness(std::size_t depth_max) : depth_max_(depth_max) {}

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return Enter(); }
  bool end_object() override { return Leave(); }
  bool start_array(std::size_t) override { return Enter(); }
  bool end_array() override { return Leave(); }
  bool key(string_t& name) override { return levels_.back().insert(name).second; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override {
    return false;
  }

 private:
  bool Enter() {
    levels_.emplace_back();
    return levels_.size() <= depth_max_;
  }
  bool Leave() {
    levels_.pop_back();
    return true;
  }

  const std::size_t depth_max_;
  std::vector<absl::flat_hash_set<std::string>> levels_;  ///< The keys so far.
};

}  // namespace

std::optional<nlohmann::json> ParseStrictObject(std::string_view text, std::size_t depth_max) {
  // To nlohmann's parser a NUL is the end of the text, and a byte order mark is nothing.
  if (text.empty() || text.front() == '\xEF' || text.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  Strictness strictness(depth_max);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &strictness)) return std::nullopt;
  nlohmann::json object = nlohmann::json::parse(text.begin(), text.end(), nullptr, false);
  if (!object.is_object()) return std::nullopt;
  return object;
}

const std::string* FindString(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : found->get_ptr<const std::string*>();
}

}  // namespace txtchat::identity
