#include "client/signals.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "gtest/gtest.h"

namespace txtchat::client {
namespace {

TEST(SignalSource, TellsOfASignalOnTheThreadThatRuns) {
  boost::asio::io_context io;
  int told = 0;
  SignalSource source(io, [&](int signal) {
    told = signal;
    io.stop();
  });
  raise(SIGCONT);
  EXPECT_EQ(told, 0);
  io.run();
  EXPECT_EQ(told, SIGCONT);
}

TEST(SignalSource, TellsNothingOfWhatCameBeforeIt) {
  boost::asio::io_context io;
  {
    SignalSource former(io, [](int) {});
    raise(SIGCONT);
  }
  int told = 0;
  SignalSource source(io, [&](int) { ++told; });
  io.poll();
  EXPECT_EQ(told, 0);
}

// A handler may run on another thread while its source ends, and must not write into whatever has
// got the descriptors of the source meanwhile.
TEST(SignalSource, EndsWhileASignalIsHandledElsewhere) {
  std::atomic<bool> done{false};
  std::thread signalled([&] {
    while (!done) pthread_kill(pthread_self(), SIGCONT);
  });
  int strays = 0;
  for (int i = 0; i < 2'000; ++i) {
    {
      boost::asio::io_context io;
      SignalSource source(io, [](int) {});
    }
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
    std::this_thread::yield();
    char byte = 0;
    if (read(ends[0], &byte, 1) == 1) ++strays;
    close(ends[0]);
    close(ends[1]);
  }
  done = true;
  signalled.join();
  EXPECT_EQ(strays, 0);
}

}  // namespace
}  // namespace txtchat::client
