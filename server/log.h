#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace spdlog {
class logger;
}

namespace txtchat::server {

enum class LogFormat { kText, kJson };
enum class LogLevel { kDebug, kInfo, kWarning, kError };

/// A named value of a log line.
struct LogField {
  std::string_view key;
  std::variant<std::string, std::int64_t, bool> value;
};

/// Structured log lines on standard error: an event's name and its fields, as
/// `TIME level event key=value …` or as one JSON object. Times are UTC. Nothing that users wrote
/// and no secret belongs here at info level or above.
///
/// Thread-safe. One for a process, made by main and handed to whoever logs.
class Log {
 public:
  Log(LogFormat format, LogLevel level);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void Debug(std::string_view event, std::initializer_list<LogField> fields = {}) const {
    Write(LogLevel::kDebug, event, fields);
  }
  void Info(std::string_view event, std::initializer_list<LogField> fields = {}) const {
    Write(LogLevel::kInfo, event, fields);
  }
  void Warning(std::string_view event, std::initializer_list<LogField> fields = {}) const {
    Write(LogLevel::kWarning, event, fields);
  }
  void Error(std::string_view event, std::initializer_list<LogField> fields = {}) const {
    Write(LogLevel::kError, event, fields);
  }

  void Write(LogLevel level, std::string_view event, const std::vector<LogField>& fields) const;

  /// The line as it would be written, without time and level in the text format.
  static std::string FormatText(std::string_view event, const std::vector<LogField>& fields);
  static std::string FormatJson(std::string_view time, std::string_view level,
                                std::string_view event, const std::vector<LogField>& fields);

 private:
  const LogFormat format_;
  const std::unique_ptr<spdlog::logger> logger_;
};

}  // namespace txtchat::server
