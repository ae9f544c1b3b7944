#pragma once

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "client/console.h"

namespace txtchat::client {

// The other ends of a Console's descriptors: what a test types, and what it sees. Each Await reads
// until the text has come; the deadline only detects failure.
class ConsolePipes {
 public:
  ConsolePipes() {
    Open(in_);
    Open(out_);
    Open(err_);
  }
  ~ConsolePipes() {
    for (int* ends : {in_, out_, err_}) {
      for (int i = 0; i < 2; ++i) {
        if (ends[i] >= 0) close(ends[i]);
      }
    }
  }

  Console::Options options() const { return {in_[0], out_[1], err_[1], true}; }

  void Type(std::string_view text) {
    if (write(in_[1], text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::abort();
  }
  void EndInput() { close(std::exchange(in_[1], -1)); }

  // True once `text` has been printed; everything printed so far is in out() and err().
  bool AwaitOut(std::string_view text) { return Await(text, out_[0], out_text_); }
  bool AwaitErr(std::string_view text) { return Await(text, err_[0], err_text_); }
  const std::string& out() {
    Drain(out_[0], out_text_, 0);
    return out_text_;
  }
  const std::string& err() {
    Drain(err_[0], err_text_, 0);
    return err_text_;
  }

 private:
  static void Open(int (&ends)[2]) {
    if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
  }

  static void Drain(int fd, std::string& text, int wait_ms) {
    pollfd ready{fd, POLLIN, 0};
    while (poll(&ready, 1, wait_ms) > 0) {
      char bytes[4096];
      const ssize_t got = read(fd, bytes, sizeof(bytes));
      if (got <= 0) return;
      text.append(bytes, static_cast<std::size_t>(got));
      wait_ms = 0;
    }
  }

  static bool Await(std::string_view wanted, int fd, std::string& text) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (text.find(wanted) == std::string::npos) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      Drain(fd, text, 50);
    }
    return true;
  }

  int in_[2];
  int out_[2];
  int err_[2];
  std::string out_text_;
  std::string err_text_;
};

}  // namespace txtchat::client
