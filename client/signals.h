#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

namespace txtchat::client {

// Turns SIGINT, SIGTERM, SIGHUP and SIGCONT into calls of `handler(signal)` on the thread that runs
// `io`. A second one but SIGCONT ends the process at once, even when that thread is stuck in a
// write to a full pipe. SIGTSTP gives the terminal back before it stops.
//
// Signals belong to the process: have one at a time. The handler is not called after destruction;
// the previous dispositions are restored.
class SignalSource {
 public:
  SignalSource(boost::asio::io_context& io, std::function<void(int)> handler);
  ~SignalSource();
  SignalSource(const SignalSource&) = delete;
  SignalSource& operator=(const SignalSource&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// For verbs that block in a call: SIGINT and SIGTERM end the process at once with the documented
// exit code, 128 + the signal.
void ExitOnSignals();

// Puts the terminal `fd` into the mode that LineEditor needs: no echo, byte by byte, signals kept.
// False if it is no terminal. The mode before is remembered, and given back by RestoreTerminal, by
// the signals above and at the process's end.
bool TakeTerminal(int fd);
void RestoreTerminal();

// Hides what is typed on the terminal `fd` until RestoreTerminal; otherwise like TakeTerminal.
bool HideTyping(int fd);

}  // namespace txtchat::client
