#pragma once

#include <boost/asio/io_context.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "client/line_editor.h"

namespace txtchat::client {

class InputWatcher;

// The person's or the script's side: lines in, lines out. On a terminal the typed line stays whole
// at the bottom while messages arrive above it; otherwise plain lines are read and written.
//
// Everything happens on the thread that runs `io`. Printing blocks while the reader of the output
// is slow, which in turn slows the server's deliveries: nothing is queued here. Input is read only
// while wanted, so a slow connection slows the typist's pipe. Input lines over kInputLineMax bytes
// are skipped with a note.
class Console {
 public:
  static constexpr std::size_t kInputLineMax = 1 << 20;

  struct Options {
    int in_fd = 0;
    int out_fd = 1;
    int err_fd = 2;
    // On a terminal, whether a line that was typed stays on the screen.
    bool keep_typed = true;
  };
  struct Handlers {
    std::function<void(std::string)> on_line;  // without its line end
    std::function<void()> on_end;              // end of input; once, nothing comes after it
  };

  Console(boost::asio::io_context& io, Options options);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  // Begins to read. Call once.
  void Start(Handlers handlers);

  // Whether lines are wanted now. Lines that are already read wait until they are.
  void SetInputWanted(bool wanted);

  // Stops reading and gives the terminal back. Printing still works.
  void Stop();

  // A line, or several, for standard output or standard error. A line end is added.
  void Print(std::string_view text) { Write(options_.out_fd, text); }
  void Note(std::string_view text) { Write(options_.err_fd, text); }

  // Shown before the typed line on a terminal. Must be sanitised.
  void SetPrompt(std::string prompt);

  // Back from a stop (SIGCONT): takes the terminal again and redraws.
  void Resumed();

  bool interactive() const { return interactive_; }  // with an editable line
  bool input_is_terminal() const { return input_is_terminal_; }
  bool output_is_terminal() const { return output_is_terminal_; }

 private:
  void OnReadable();
  void TakeKeys(std::string_view bytes);
  void TakeBytes(std::string_view bytes);
  void TakeEnd();
  void Deliver();
  std::string Drawing() const;
  void Redraw();
  void Write(int fd, std::string_view text);
  void WriteRaw(int fd, std::string_view bytes);

  const Options options_;
  const bool input_is_terminal_;
  const bool output_is_terminal_;
  const bool interactive_;
  const bool errors_share_screen_;
  LineEditor editor_;
  bool drawn_ = false;
  bool started_ = false;
  bool wanted_ = true;
  bool ended_ = false;
  bool end_told_ = false;
  bool armed_ = false;
  bool delivering_ = false;
  bool skipping_ = false;
  std::string partial_;
  std::deque<std::string> lines_;  // read, not yet delivered; at most what one read brings
  Handlers handlers_;
  std::unique_ptr<InputWatcher> watcher_;
};

// Whether to colour what goes to `fd`: a terminal, TERM not dumb, and NO_COLOR unset or empty.
bool WantsColour(int fd);

}  // namespace txtchat::client
