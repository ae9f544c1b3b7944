#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <thread>

namespace txtchat::client {

// Tells when a descriptor can be read, without touching its flags: standard input is shared with
// the shell and with standard output, so it must not become non-blocking as Asio would make it.
//
// A thread of its own polls; `on_readable` runs on the thread that runs `io`, once for each Arm().
// Works for terminals, pipes and plain files. Destroy it on the thread that runs `io`.
class InputWatcher {
 public:
  InputWatcher(boost::asio::io_context& io, int fd, std::function<void()> on_readable);
  ~InputWatcher();
  InputWatcher(const InputWatcher&) = delete;
  InputWatcher& operator=(const InputWatcher&) = delete;

  void Arm();

 private:
  void Run();

  boost::asio::io_context& io_;
  const int fd_;
  // Shared with what is posted, which sees by it whether this object is still there.
  const std::shared_ptr<std::function<void()>> on_readable_;
  int wake_[2] = {-1, -1};
  std::thread thread_;
};

}  // namespace txtchat::client
