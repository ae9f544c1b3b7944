#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>

namespace txtchat::client {

// One editable line at the bottom of a terminal: key bytes in, a drawing out. Pure: it neither
// reads nor writes, so the caller can erase it, print what arrived, and draw it again.
//
// Keys: UTF-8 text, Left/Right/Home/End, Ctrl-A/B/E/F, Backspace, Delete, Ctrl-U/K/W, Up/Down for
// history, Ctrl-L, Enter, and Ctrl-D on an empty line. Anything else is ignored. A line longer than
// the terminal is shown through a window around the cursor, so it always takes one row.
//
// Not thread-safe. A line holds at most kLineRunesMax code points, the history kHistoryMax lines.
class LineEditor {
 public:
  static constexpr std::size_t kLineRunesMax = 64 * 1024;
  static constexpr std::size_t kHistoryMax = 200;

  struct Outcome {
    enum class Kind { kLine, kEnd, kClearScreen };
    Kind kind;
    std::string line;  // of kLine, without its end
  };

  // One byte from the terminal. Answers what the user completed with it, if anything.
  std::optional<Outcome> Feed(char byte);

  // Shown before the line; must be sanitised.
  void SetPrompt(std::string prompt) { prompt_ = std::move(prompt); }
  const std::string& prompt() const { return prompt_; }

  // What to write to draw the line on the current row of a terminal with that many columns.
  std::string Draw(int columns) const;

  // What to write to take the line off the screen, cursor at the start of the row.
  static std::string Erase() { return "\r\x1b[K"; }

  // The line as it stands.
  std::string text() const;

 private:
  enum class Escape { kNone, kStarted, kSequence };

  std::optional<Outcome> FeedKey(unsigned char byte);
  void FeedEscape(unsigned char byte);
  void Control(char final);
  void FeedText(char byte);
  std::optional<Outcome> Enter();
  void Recall(int direction);
  void EraseWord();

  std::string prompt_;
  std::u32string line_;
  std::size_t cursor_ = 0;
  std::string partial_;  // bytes of a code point that is not complete yet
  Escape escape_ = Escape::kNone;
  std::string parameters_;
  std::deque<std::u32string> history_;
  std::size_t recalled_ = 0;  // index into history_; its size means the line being written
  std::u32string draft_;
};

}  // namespace txtchat::client
