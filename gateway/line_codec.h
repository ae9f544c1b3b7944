// Bytes to lines, lines to fields. No I/O.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace txtchat::gateway {

/// Splits a stream of bytes into lines: each ends with `\n`, one `\r` before it is dropped, and
/// what is left at the end of the stream is a line too. A line of more than the limit is reported
/// once and skipped up to its end. How the bytes were cut into pieces makes no difference.
///
///   splitter.Feed(bytes);
///   while (auto line = splitter.Next()) …          // until nullopt: all of `bytes` is taken in
///   splitter.Keep();                               // or: stop here and go on later with Next()
///   splitter.Finish(); while (…Next()) …           // at the end of the stream
///
/// Holds memory only for a line that has begun and for what Keep() kept; none when idle. Not
/// thread-safe.
class LineSplitter {
 public:
  struct Line {
    bool too_long = false;  ///< Then `text` is empty.
    /// Without its end. Valid until the next call of the splitter, and as long as the fed bytes
    /// are.
    std::string_view text;
  };

  /// `line_bytes_max`: of a line without its end.
  explicit LineSplitter(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}
  LineSplitter(const LineSplitter&) = delete;
  LineSplitter& operator=(const LineSplitter&) = delete;

  /// Takes bytes to split; they stay the caller's and must stay valid until Next() has answered
  /// nullopt or Keep() was called. Everything fed before must be used up.
  void Feed(std::string_view bytes) { input_ = bytes; }
  /// The next line, or nullopt if more bytes are needed for one.
  std::optional<Line> Next();
  /// Keeps a copy of the bytes that were fed and not yet taken, so that the caller's buffer is
  /// free.
  void Keep();
  /// The stream has ended: what is left is a line.
  void Finish() { finished_ = true; }
  /// Forgets everything.
  void Clear();

  /// Whether fed bytes wait to be taken by Next().
  bool has_input() const { return !input_.empty(); }
  /// Bytes of memory held for the line that has begun and for kept input.
  std::size_t BytesHeld() const { return partial_.size() + kept_.size(); }

 private:
  std::optional<Line> TakeLine(std::string_view head);
  std::optional<Line> TakeRest();
  std::optional<Line> TakeFinal();
  bool IsTooLong(std::size_t size, char last) const {
    return size > line_bytes_max_ + 1 || (size == line_bytes_max_ + 1 && last != '\r');
  }

  const std::size_t line_bytes_max_;
  std::string_view input_;  ///< What was fed and not taken, in the caller's buffer or in kept_.
  std::string kept_;
  std::string partial_;       ///< The beginning of a line.
  bool line_is_out_ = false;  ///< partial_ holds the line that Next() answered last.
  bool skipping_ = false;     ///< In a line that was reported as too long.
  bool finished_ = false;
};

/// The fields of a line, separated by `$`.
class FieldReader {
 public:
  explicit FieldReader(std::string_view line) : rest_(line) {}

  /// Whether there is another field; an empty one counts.
  bool HasNext() const { return !at_end_; }
  /// The next field. There must be one.
  std::string_view Next();
  /// Everything that is left, `$` included. There must be another field.
  std::string_view Rest();

 private:
  std::string_view rest_;
  bool at_end_ = false;
};

}  // namespace txtchat::gateway
