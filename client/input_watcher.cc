#include "client/input_watcher.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

namespace txtchat::client {

InputWatcher::InputWatcher(boost::asio::io_context& io, int fd, std::function<void()> on_readable)
    : io_(io),
      fd_(fd),
      on_readable_(std::make_shared<std::function<void()>>(std::move(on_readable))) {
  if (pipe2(wake_, O_CLOEXEC) != 0) return;  // out of descriptors: there will be no input
  // Signals are for the other threads.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { Run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

InputWatcher::~InputWatcher() {
  if (!thread_.joinable()) return;
  close(wake_[1]);  // the thread's sign to end
  thread_.join();
  close(wake_[0]);
}

void InputWatcher::Arm() {
  const char byte = 'a';
  if (thread_.joinable()) [[maybe_unused]]
    const ssize_t written = write(wake_[1], &byte, 1);
}

void InputWatcher::Run() {
  for (;;) {
    char byte;
    const ssize_t got = read(wake_[0], &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    pollfd fds[2] = {{fd_, POLLIN, 0}, {wake_[0], POLLIN, 0}};
    for (;;) {
      const int ready = poll(fds, 2, -1);
      if (ready < 0 && errno == EINTR) continue;
      if (ready < 0 || fds[1].revents != 0) return;
      if (fds[0].revents != 0) break;
    }
    boost::asio::post(io_, [weak = std::weak_ptr(on_readable_)] {
      if (const auto alive = weak.lock()) (*alive)();
    });
  }
}

}  // namespace txtchat::client
