#include "client/signals.h"

#include <fcntl.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstdlib>

namespace txtchat::client {
namespace {

// What signal handlers reach; they have no other way than globals. The pipe is never closed: on
// another thread a handler may still be about to write into it.
std::atomic<int> g_signal_pipe{-1};
std::atomic<int> g_endings{0};
std::atomic<int> g_terminal{-1};
termios g_terminal_before{};

extern "C" void OnSignal(int signal) {
  const int saved_errno = errno;
  if (signal == SIGTSTP) {
    RestoreTerminal();
    raise(SIGSTOP);
  } else {
    if (signal != SIGCONT && g_endings.fetch_add(1) > 0) {
      RestoreTerminal();
      _exit(128 + signal);
    }
    const char byte = static_cast<char>(signal);
    [[maybe_unused]] const ssize_t written = write(g_signal_pipe.load(), &byte, 1);
  }
  errno = saved_errno;
}

extern "C" void OnFatalSignal(int signal) {
  RestoreTerminal();
  _exit(128 + signal);
}

void Install(int signal, void (*handler)(int), int flags, struct sigaction* before) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, before);
}

bool ChangeTerminal(int fd, void (*change)(termios&)) {
  static const int registered = std::atexit(&RestoreTerminal);
  if (registered != 0) return false;
  termios mode{};
  if (tcgetattr(fd, &mode) != 0) return false;
  if (g_terminal.load() < 0) g_terminal_before = mode;
  change(mode);
  // Before the mode changes, so that a signal in between gives it back, too.
  g_terminal = fd;
  if (tcsetattr(fd, TCSADRAIN, &mode) == 0) return true;
  g_terminal = -1;
  return false;
}

// Where the process's signals come out, without what came too late for a source before; -1 if there
// is no pipe.
int SignalPipe() {
  static const int read_end = [] {
    int ends[2] = {-1, -1};
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) g_signal_pipe = ends[1];
    return ends[0];
  }();
  char byte = 0;
  while (read(read_end, &byte, 1) == 1) {
  }
  return read_end;
}

constexpr std::array<int, 5> kSignals = {SIGINT, SIGTERM, SIGHUP, SIGCONT, SIGTSTP};

}  // namespace

struct SignalSource::Impl {
  Impl(boost::asio::io_context& io, std::function<void(int)> signal_handler)
      : reader(io),
        handler(std::make_shared<std::function<void(int)>>(std::move(signal_handler))) {}

  void Read() {
    reader.async_read_some(
        boost::asio::buffer(&byte, 1),
        [this, weak = std::weak_ptr(handler)](boost::system::error_code error, std::size_t) {
          const auto alive = weak.lock();  // else *this is gone
          if (error || alive == nullptr) return;
          const int signal = static_cast<unsigned char>(byte);
          Read();
          (*alive)(signal);
        });
  }

  boost::asio::posix::stream_descriptor reader;
  std::shared_ptr<std::function<void(int)>> handler;
  char byte = 0;
  std::array<struct sigaction, kSignals.size()> before{};
};

SignalSource::SignalSource(boost::asio::io_context& io, std::function<void(int)> handler)
    : impl_(std::make_unique<Impl>(io, std::move(handler))) {
  const int read_end = fcntl(SignalPipe(), F_DUPFD_CLOEXEC, 0);
  if (read_end < 0) return;  // then the default dispositions stay
  impl_->reader.assign(read_end);
  g_endings = 0;
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    Install(kSignals[i], &OnSignal, SA_RESTART, &impl_->before[i]);
  }
  impl_->Read();
}

SignalSource::~SignalSource() {
  if (!impl_->reader.is_open()) return;
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    sigaction(kSignals[i], &impl_->before[i], nullptr);
  }
}

void ExitOnSignals() {
  // Not SA_RESTART: ThreadSanitizer runs a handler only after the system call that the signal met,
  // and a restarted read of standard input might never return.
  Install(SIGINT, &OnFatalSignal, 0, nullptr);
  Install(SIGTERM, &OnFatalSignal, 0, nullptr);
}

bool TakeTerminal(int fd) {
  return ChangeTerminal(fd, [](termios& mode) {
    mode.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | IEXTEN);
    mode.c_iflag &= ~static_cast<tcflag_t>(IXON);
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;
  });
}

bool HideTyping(int fd) {
  return ChangeTerminal(fd, [](termios& mode) { mode.c_lflag &= ~static_cast<tcflag_t>(ECHO); });
}

void RestoreTerminal() {
  const int fd = g_terminal.exchange(-1);
  if (fd >= 0) tcsetattr(fd, TCSADRAIN, &g_terminal_before);
}

}  // namespace txtchat::client
