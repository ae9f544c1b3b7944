#include "server/log.h"

#include <chrono>
#include <ctime>

#include "nlohmann/json.hpp"
#include "spdlog/fmt/fmt.h"
#include "spdlog/logger.h"
#include "spdlog/pattern_formatter.h"
#include "spdlog/sinks/ansicolor_sink.h"

namespace txtchat::server {
namespace {

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      break;
  }
  return spdlog::level::err;
}

std::string_view NameOf(LogLevel level) {
  const auto name = spdlog::level::to_string_view(ToSpdlog(level));
  return {name.data(), name.size()};
}

std::string UtcNow() {
  using std::chrono::duration_cast, std::chrono::milliseconds, std::chrono::system_clock;
  const auto since_epoch = system_clock::now().time_since_epoch();
  const std::int64_t ms = duration_cast<milliseconds>(since_epoch).count();
  const std::time_t seconds = ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     ms % 1000);
}

bool NeedsQuotes(std::string_view value) {
  if (value.empty()) return true;
  for (const char c : value) {
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f) return true;
  }
  return false;
}

nlohmann::ordered_json JsonOf(const LogField& field) {
  return std::visit([](const auto& value) { return nlohmann::ordered_json(value); }, field.value);
}

std::string Dump(const nlohmann::ordered_json& json, bool ascii) {
  return json.dump(-1, ' ', ascii, nlohmann::json::error_handler_t::replace);
}

}  // namespace

Log::Log(LogFormat format, LogLevel level)
    : format_(format),
      logger_(std::make_unique<spdlog::logger>(
          "txtchatd", std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>())) {
  logger_->set_level(ToSpdlog(level));
  logger_->flush_on(spdlog::level::trace);
  const char* const pattern = format == LogFormat::kText ? "%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v" : "%v";
  logger_->set_formatter(
      std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
}

Log::~Log() = default;

std::string Log::FormatText(std::string_view event, const std::vector<LogField>& fields) {
  std::string line(event);
  for (const LogField& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    const auto* const text = std::get_if<std::string>(&field.value);
    // JSON's escapes also serve here: no value can forge a field or a line.
    line += text != nullptr && !NeedsQuotes(*text) ? *text : Dump(JsonOf(field), true);
  }
  return line;
}

std::string Log::FormatJson(std::string_view time, std::string_view level, std::string_view event,
                            const std::vector<LogField>& fields) {
  nlohmann::ordered_json line{{"time", time}, {"level", level}, {"event", event}};
  for (const LogField& field : fields) line[std::string(field.key)] = JsonOf(field);
  return Dump(line, false);
}

void Log::Write(LogLevel level, std::string_view event, const std::vector<LogField>& fields) const {
  if (!logger_->should_log(ToSpdlog(level))) return;
  logger_->log(ToSpdlog(level), "{}",
               format_ == LogFormat::kText ? FormatText(event, fields)
                                           : FormatJson(UtcNow(), NameOf(level), event, fields));
}

}  // namespace txtchat::server
