#include "client/line_editor.h"

#include <algorithm>
#include <utility>

#include "client/terminal_text.h"
#include "client/utf8.h"

namespace txtchat::client {
namespace {

constexpr char CtrlKey(char letter) { return static_cast<char>(letter & 0x1F); }

constexpr int kTabWidth = 4;  // as SanitizeLine draws it

int WidthOf(char32_t rune) { return rune == '\t' ? kTabWidth : RuneWidth(rune); }

std::string Encode(std::u32string_view runes) {
  std::string out;
  for (const char32_t rune : runes) AppendRune(rune, out);
  return out;
}

}  // namespace

std::string LineEditor::text() const { return Encode(line_); }

std::optional<LineEditor::Outcome> LineEditor::Feed(char byte) {
  if (escape_ != Escape::kNone) {
    FeedEscape(static_cast<unsigned char>(byte));
    return std::nullopt;
  }
  return FeedKey(static_cast<unsigned char>(byte));
}

std::optional<LineEditor::Outcome> LineEditor::FeedKey(unsigned char byte) {
  switch (byte) {
    case '\r':
    case '\n':
      return Enter();
    case CtrlKey('D'):
      if (line_.empty()) return Outcome{Outcome::Kind::kEnd, ""};
      if (cursor_ < line_.size()) line_.erase(cursor_, 1);
      return std::nullopt;
    case CtrlKey('L'):
      return Outcome{Outcome::Kind::kClearScreen, ""};
    case CtrlKey('H'):
    case 0x7F:
      if (cursor_ > 0) line_.erase(--cursor_, 1);
      return std::nullopt;
    case CtrlKey('U'):
      line_.erase(0, cursor_);
      cursor_ = 0;
      return std::nullopt;
    case CtrlKey('K'):
      line_.erase(cursor_);
      return std::nullopt;
    case CtrlKey('W'):
      EraseWord();
      return std::nullopt;
    case CtrlKey('A'):
      Control('H');
      return std::nullopt;
    case CtrlKey('E'):
      Control('F');
      return std::nullopt;
    case CtrlKey('B'):
      Control('D');
      return std::nullopt;
    case CtrlKey('F'):
      Control('C');
      return std::nullopt;
    case CtrlKey('P'):
      Control('A');
      return std::nullopt;
    case CtrlKey('N'):
      Control('B');
      return std::nullopt;
    case 0x1B:
      escape_ = Escape::kStarted;
      return std::nullopt;
    default:
      if (byte >= 0x20 || byte == '\t') FeedText(static_cast<char>(byte));
      return std::nullopt;
  }
}

void LineEditor::FeedEscape(unsigned char byte) {
  if (escape_ == Escape::kStarted) {
    // `ESC [` and `ESC O` start a sequence; Alt and a letter is ignored.
    escape_ = byte == '[' || byte == 'O' ? Escape::kSequence : Escape::kNone;
    parameters_.clear();
    return;
  }
  if (byte >= 0x40 && byte <= 0x7E) {
    escape_ = Escape::kNone;
    Control(static_cast<char>(byte));
  } else if (byte >= 0x20 && parameters_.size() < 16) {
    parameters_ += static_cast<char>(byte);
  } else {
    escape_ = Escape::kNone;
  }
}

void LineEditor::Control(char final) {
  if (final == '~') {
    if (parameters_ == "3" && cursor_ < line_.size()) line_.erase(cursor_, 1);
    if (parameters_ == "1" || parameters_ == "7") cursor_ = 0;
    if (parameters_ == "4" || parameters_ == "8") cursor_ = line_.size();
    return;
  }
  if (final == 'A') Recall(-1);
  if (final == 'B') Recall(+1);
  if (final == 'C' && cursor_ < line_.size()) ++cursor_;
  if (final == 'D' && cursor_ > 0) --cursor_;
  if (final == 'H') cursor_ = 0;
  if (final == 'F') cursor_ = line_.size();
}

void LineEditor::FeedText(char byte) {
  partial_ += byte;
  const auto lead = static_cast<unsigned char>(partial_[0]);
  const bool continues = partial_.size() == 1 || (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
  if (continues && partial_.size() < RuneLength(lead)) return;
  const DecodedRune decoded = DecodeRune(partial_);
  partial_.clear();
  if (line_.size() >= kLineRunesMax) return;
  line_.insert(cursor_++, 1, decoded.rune);
}

std::optional<LineEditor::Outcome> LineEditor::Enter() {
  Outcome outcome{Outcome::Kind::kLine, text()};
  if (!line_.empty() && (history_.empty() || history_.back() != line_)) {
    if (history_.size() == kHistoryMax) history_.pop_front();
    history_.push_back(line_);
  }
  line_.clear();
  draft_.clear();
  cursor_ = 0;
  recalled_ = history_.size();
  return outcome;
}

void LineEditor::Recall(int direction) {
  if (direction < 0 ? recalled_ == 0 : recalled_ >= history_.size()) return;
  if (recalled_ == history_.size()) draft_ = line_;
  recalled_ = direction < 0 ? recalled_ - 1 : recalled_ + 1;
  line_ = recalled_ == history_.size() ? draft_ : history_[recalled_];
  cursor_ = line_.size();
}

void LineEditor::EraseWord() {
  std::size_t start = cursor_;
  while (start > 0 && line_[start - 1] == ' ') --start;
  while (start > 0 && line_[start - 1] != ' ') --start;
  line_.erase(start, cursor_ - start);
  cursor_ = start;
}

std::string LineEditor::Draw(int columns) const {
  // The last column stays free: writing it makes some terminals wrap.
  const int room = std::max(columns - 1 - DisplayWidth(prompt_), 8);
  int before = 0;
  std::size_t first = cursor_;
  while (first > 0 && before + WidthOf(line_[first - 1]) <= room) before += WidthOf(line_[--first]);
  int width = before;
  std::size_t last = cursor_;
  while (last < line_.size() && width + WidthOf(line_[last]) <= room) {
    width += WidthOf(line_[last++]);
  }
  const auto shown = std::u32string_view(line_).substr(first, last - first);
  std::string out = Erase() + prompt_ + SanitizeLine(Encode(shown));
  if (width > before) out += "\x1b[" + std::to_string(width - before) + "D";
  return out;
}

}  // namespace txtchat::client
