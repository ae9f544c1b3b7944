#include "server/option_table.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace txtchat::server {
namespace {

std::optional<HostPort> ParseListen(const std::string& text) {
  if (text == "off") return HostPort();
  return ParseHostPort(text);
}

std::optional<std::vector<IpRange>> ParseRanges(std::string_view text) {
  std::vector<IpRange> ranges;
  if (text == "none") return ranges;
  for (;;) {
    const std::size_t comma = text.find(',');
    const std::optional<IpRange> range = IpRange::Parse(text.substr(0, comma));
    if (!range.has_value()) return std::nullopt;
    ranges.push_back(*range);
    if (comma == std::string_view::npos) return ranges;
    text.remove_prefix(comma + 1);
  }
}

std::string RangesText(const std::vector<IpRange>& ranges) {
  std::string text;
  for (const IpRange& range : ranges) text += (text.empty() ? "" : ",") + range.ToString();
  return text.empty() ? "none" : text;
}

}  // namespace

void OptionTable::AddSeconds(const std::string& name, std::int64_t& value, const std::string& help,
                             std::int64_t least, std::int64_t most) {
  Add(name, value, help)->check(CLI::Range(least, most).description(""))->type_name("SECONDS");
}

void OptionTable::AddMilliseconds(const std::string& name, std::int64_t& value,
                                  const std::string& help) {
  Add(name, value, help)
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{3650} * 86'400'000).description(""))
      ->type_name("MS");
}

void OptionTable::AddListen(const std::string& name, HostPort& value, const std::string& help) {
  auto* option = app_.add_option_function<std::string>(
      "--" + name, [&value](const std::string& text) { value = *ParseListen(text); }, help);
  option->check(CLI::Validator(
      [](std::string& text) {
        return ParseListen(text).has_value()
                   ? std::string()
                   : "\"" + text + "\" is not HOST:PORT, as in 0.0.0.0:9090 or [::1]:0, nor off";
      },
      ""));
  Finish(name, option->type_name("HOST:PORT")->default_str(value.ToString()));
}

void OptionTable::AddRanges(const std::string& name, std::vector<IpRange>& value,
                            const std::string& help) {
  auto* option = app_.add_option_function<std::string>(
      "--" + name, [&value](const std::string& text) { value = *ParseRanges(text); }, help);
  option->check(CLI::Validator(
      [](std::string& text) {
        return ParseRanges(text).has_value()
                   ? std::string()
                   : "\"" + text +
                         "\" is no list of address ranges, as in 10.0.0.0/8,fd00::/8, "
                         "nor none";
      },
      ""));
  Finish(name, option->type_name("RANGES")->default_str(RangesText(value)));
}

std::vector<std::string> OptionTable::ArgumentsOf(int argc, char** argv) const {
  std::vector<std::string> arguments;
  for (const auto& [name, variable] : variables_) {
    const char* const value = std::getenv(variable.c_str());
    // An empty one means unset: that is what `VARIABLE: ${VARIABLE}` of compose files makes.
    if (value != nullptr && *value != '\0') arguments.push_back("--" + name + "=" + value);
  }
  for (int i = 1; i < argc; ++i) {
    // CLI11 takes nothing behind the = for the default: of all things, a listener.
    const std::string argument(argv[i]);
    arguments.push_back(argument.ends_with("-listen=") ? argument + "off" : argument);
  }
  std::reverse(arguments.begin(), arguments.end());
  return arguments;
}

CLI::Option* OptionTable::Finish(const std::string& name, CLI::Option* option) {
  std::string variable = "TXTCHAT_" + name;
  std::replace(variable.begin(), variable.end(), '-', '_');
  std::transform(variable.begin(), variable.end(), variable.begin(),
                 [](unsigned char c) { return std::toupper(c); });
  variables_.emplace_back(name, variable);
  // The last one counts: the environment's come first (ArgumentsOf).
  return option->envname(variable)->group(group_)->multi_option_policy(
      CLI::MultiOptionPolicy::TakeLast);
}

}  // namespace txtchat::server
