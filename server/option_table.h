#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "core/ip_address.h"
#include "server/config.h"

namespace txtchat::server {

/// Adds options so that each has its flag, its environment variable and its configuration key.
class OptionTable {
 public:
  explicit OptionTable(CLI::App& app) : app_(app) {}

  void Group(const std::string& group) { group_ = group; }

  template <typename T>
  CLI::Option* Add(const std::string& name, T& value, const std::string& help) {
    return Finish(name, app_.add_option("--" + name, value, help)->capture_default_str());
  }
  template <typename T>
  void AddChoice(const std::string& name, T& value, const std::map<std::string, T>& choices,
                 const std::string& default_choice, const std::string& help) {
    std::string names;
    for (const auto& [choice, meaning] : choices) names += (names.empty() ? "" : "|") + choice;
    auto* option = app_.add_option_function<std::string>(
        "--" + name, [&value, &choices](const std::string& text) { value = choices.at(text); },
        help);
    option->check(CLI::Validator(
        [&choices, names](std::string& text) {
          return choices.contains(text) ? std::string() : "\"" + text + "\" is not one of " + names;
        },
        ""));
    Finish(name, option->type_name(names)->default_str(default_choice));
  }
  /// A count or a number of bytes, `64KiB` included; from `least` to `most`.
  void AddSize(const std::string& name, std::size_t& value, const std::string& help,
               std::size_t least = 1, std::size_t most = std::size_t{1} << 40) {
    AddNumber(name, value, help, least, most);
  }
  /// The same, of what is counted by time.
  void AddRate(const std::string& name, std::int64_t& value, const std::string& help,
               std::int64_t least) {
    AddNumber(name, value, help, least, std::int64_t{1} << 40);
  }
  void AddSeconds(const std::string& name, std::int64_t& value, const std::string& help,
                  std::int64_t least = 1, std::int64_t most = 365 * 86'400);
  void AddMilliseconds(const std::string& name, std::int64_t& value, const std::string& help);
  void AddListen(const std::string& name, HostPort& value, const std::string& help);
  /// Address ranges, separated by commas, or `none`.
  void AddRanges(const std::string& name, std::vector<IpRange>& value, const std::string& help);

  /// The arguments to parse, in the order that CLI11 wants them (last first). The library would let
  /// a configuration file win over the environment; put in front of the command line, the
  /// environment wins over the file and loses to flags.
  std::vector<std::string> ArgumentsOf(int argc, char** argv) const;

 private:
  template <typename Integer>
  void AddNumber(const std::string& name, Integer& value, const std::string& help, Integer least,
                 Integer most) {
    Add(name, value, help)
        ->transform(CLI::AsSizeValue(/*kb_is_1000=*/false).description(""))
        ->check(CLI::Range(least, most).description(""))
        ->type_name("SIZE");
  }
  CLI::Option* Finish(const std::string& name, CLI::Option* option);

  CLI::App& app_;
  std::string group_ = "Options";
  std::vector<std::pair<std::string, std::string>> variables_;
};

}  // namespace txtchat::server
