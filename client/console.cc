#include "client/console.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "client/input_watcher.h"
#include "client/signals.h"
#include "client/terminal_text.h"

namespace txtchat::client {
namespace {

constexpr std::size_t kReadSize = 4096;

bool TerminalCanMove() {
  const char* term = std::getenv("TERM");
  return term != nullptr && *term != '\0' && std::strcmp(term, "dumb") != 0;
}

int Columns(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

bool WantsColour(int fd) {
  const char* no_color = std::getenv("NO_COLOR");
  return isatty(fd) == 1 && TerminalCanMove() && (no_color == nullptr || *no_color == '\0');
}

Console::Console(boost::asio::io_context& io, Options options)
    : options_(options),
      input_is_terminal_(isatty(options.in_fd) == 1),
      output_is_terminal_(isatty(options.out_fd) == 1),
      interactive_(input_is_terminal_ && output_is_terminal_ && TerminalCanMove()),
      errors_share_screen_(isatty(options.err_fd) == 1),
      watcher_(std::make_unique<InputWatcher>(io, options.in_fd, [this] { OnReadable(); })) {}

Console::~Console() { Stop(); }

void Console::Start(Handlers handlers) {
  handlers_ = std::move(handlers);
  started_ = true;
  armed_ = true;
  if (interactive_) TakeTerminal(options_.in_fd);
  Redraw();
  watcher_->Arm();
}

void Console::Stop() {
  if (!started_) return;
  started_ = false;
  watcher_.reset();
  if (drawn_) WriteRaw(options_.out_fd, LineEditor::Erase());
  drawn_ = false;
  if (interactive_) RestoreTerminal();
}

void Console::Resumed() {
  if (!started_ || !interactive_) return;
  TakeTerminal(options_.in_fd);
  Redraw();
}

void Console::SetPrompt(std::string prompt) {
  if (prompt == editor_.prompt()) return;
  editor_.SetPrompt(std::move(prompt));
  Redraw();
}

void Console::SetInputWanted(bool wanted) {
  if (wanted_ == wanted) return;
  wanted_ = wanted;
  Deliver();
}

void Console::OnReadable() {
  armed_ = false;
  char bytes[kReadSize];
  ssize_t got;
  do {
    got = read(options_.in_fd, bytes, sizeof(bytes));
  } while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN) {
    // Somebody else took it.
  } else if (got <= 0) {
    TakeEnd();
  } else if (interactive_) {
    TakeKeys({bytes, static_cast<std::size_t>(got)});
  } else {
    TakeBytes({bytes, static_cast<std::size_t>(got)});
  }
  Deliver();
}

void Console::TakeKeys(std::string_view bytes) {
  for (const char byte : bytes) {
    const auto outcome = editor_.Feed(byte);
    if (!outcome) continue;
    if (outcome->kind == LineEditor::Outcome::Kind::kClearScreen) {
      WriteRaw(options_.out_fd, "\x1b[H\x1b[2J");
    } else if (outcome->kind == LineEditor::Outcome::Kind::kEnd) {
      ended_ = true;
      return;
    } else {
      if (options_.keep_typed) Print(editor_.prompt() + SanitizeLine(outcome->line));
      lines_.push_back(outcome->line);
    }
  }
  Redraw();
}

void Console::TakeBytes(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    if (!skipping_) partial_.append(bytes.substr(0, end));
    if (partial_.size() > kInputLineMax) {
      Note("a line of the input has more than " + std::to_string(kInputLineMax) +
           " bytes: it was not sent");
      partial_.clear();
      skipping_ = true;
    }
    if (end == std::string_view::npos) return;
    if (!skipping_) {
      if (!partial_.empty() && partial_.back() == '\r') partial_.pop_back();
      lines_.push_back(std::exchange(partial_, ""));
    }
    skipping_ = false;
    bytes.remove_prefix(end + 1);
  }
}

void Console::TakeEnd() {
  ended_ = true;
  if (!partial_.empty()) lines_.push_back(std::exchange(partial_, ""));
}

void Console::Deliver() {
  if (std::exchange(delivering_, true))
    return;  // a handler asked for more: the loop below gives it
  while (started_ && wanted_ && !lines_.empty()) {
    std::string line = std::move(lines_.front());
    lines_.pop_front();
    handlers_.on_line(std::move(line));
  }
  delivering_ = false;
  if (!started_ || !wanted_ || !lines_.empty()) return;
  if (ended_) {
    if (!std::exchange(end_told_, true)) handlers_.on_end();
  } else if (!std::exchange(armed_, true)) {
    watcher_->Arm();
  }
}

std::string Console::Drawing() const {
  if (!interactive_ || !started_ || ended_) return "";
  return editor_.Draw(Columns(options_.out_fd));
}

void Console::Redraw() {
  const std::string drawing = Drawing();
  if (drawing.empty()) return;
  drawn_ = true;
  WriteRaw(options_.out_fd, drawing);
}

void Console::Write(int fd, std::string_view text) {
  const bool over_line = drawn_ && (fd == options_.out_fd || errors_share_screen_);
  std::string line(text);
  line += '\n';
  if (!over_line) return WriteRaw(fd, line);
  if (fd == options_.out_fd) return WriteRaw(fd, LineEditor::Erase() + line + Drawing());
  WriteRaw(options_.out_fd, LineEditor::Erase());
  WriteRaw(fd, line);
  Redraw();
}

void Console::WriteRaw(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      // Another program left the descriptor non-blocking.
      pollfd ready{fd, POLLOUT, 0};
      poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return;  // nobody is there to be told; a closed pipe has ended the program by SIGPIPE
    }
  }
}

}  // namespace txtchat::client
