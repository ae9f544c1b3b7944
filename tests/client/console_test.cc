#include "client/console.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <termios.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "tests/client/console_pipes.h"

namespace txtchat::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ConsoleTest : public ::testing::Test {
 protected:
  void Start(Console& console) {
    console.Start({[this](std::string line) { lines_.push_back(std::move(line)); },
                   [this] { ended_ = true; }});
  }

  template <typename Predicate>
  bool RunUntil(Predicate done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      io_.run_one_for(std::chrono::milliseconds(20));
    }
    return true;
  }

  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
  std::vector<std::string> lines_;
  bool ended_ = false;
};

TEST_F(ConsoleTest, ReadsLinesAndTheEnd) {
  ConsolePipes pipes;
  Console console(io_, pipes.options());
  Start(console);
  pipes.Type("one\r\n\ntwo\nlast without end");
  pipes.EndInput();
  ASSERT_TRUE(RunUntil([&] { return ended_; }));
  EXPECT_THAT(lines_, ElementsAre("one", "", "two", "last without end"));
}

TEST_F(ConsoleTest, ReadsAPlainFile) {
  std::FILE* file = std::tmpfile();
  std::fputs("a\nb\n", file);
  std::fflush(file);
  std::rewind(file);
  ConsolePipes pipes;
  Console::Options options = pipes.options();
  options.in_fd = fileno(file);
  Console console(io_, options);
  Start(console);
  ASSERT_TRUE(RunUntil([&] { return ended_; }));
  EXPECT_THAT(lines_, ElementsAre("a", "b"));
  std::fclose(file);
}

TEST_F(ConsoleTest, LeavesTheInputBlocking) {
  ConsolePipes pipes;
  Console console(io_, pipes.options());
  Start(console);
  pipes.Type("x\n");
  ASSERT_TRUE(RunUntil([&] { return !lines_.empty(); }));
  EXPECT_EQ(fcntl(pipes.options().in_fd, F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(ConsoleTest, KeepsLinesWhileTheyAreNotWanted) {
  ConsolePipes pipes;
  Console console(io_, pipes.options());
  console.Start({[&](std::string line) {
                   lines_.push_back(std::move(line));
                   console.SetInputWanted(false);
                 },
                 [this] { ended_ = true; }});
  pipes.Type("one\ntwo\n");
  pipes.EndInput();
  ASSERT_TRUE(RunUntil([&] { return lines_.size() == 1; }));
  console.SetInputWanted(true);
  EXPECT_THAT(lines_, ElementsAre("one", "two"));
  EXPECT_FALSE(ended_);
  console.SetInputWanted(true);
  ASSERT_TRUE(RunUntil([&] { return ended_; }));
}

TEST_F(ConsoleTest, SkipsALineThatIsTooLongAndSaysSo) {
  ConsolePipes pipes;
  Console console(io_, pipes.options());
  Start(console);
  const std::string chunk(4096, 'x');
  for (std::size_t typed = 0; typed <= Console::kInputLineMax; typed += chunk.size()) {
    pipes.Type(chunk);
    io_.run_one_for(std::chrono::seconds(20));
  }
  pipes.Type("\nnext\n");
  ASSERT_TRUE(RunUntil([&] { return !lines_.empty(); }));
  EXPECT_THAT(lines_, ElementsAre("next"));
  EXPECT_THAT(pipes.err(), HasSubstr("was not sent"));
}

TEST_F(ConsoleTest, PrintsToTheStreamAsked) {
  ConsolePipes pipes;
  Console console(io_, pipes.options());
  console.Print("out");
  console.Note("note");
  EXPECT_EQ(pipes.out(), "out\n");
  EXPECT_EQ(pipes.err(), "note\n");
}

// A terminal: what the user sees is what the master end reads.
class TerminalConsoleTest : public ConsoleTest {
 protected:
  TerminalConsoleTest() {
    setenv("TERM", "xterm", 1);
    winsize size{24, 40, 0, 0};
    if (openpty(&master_, &terminal_, nullptr, nullptr, &size) != 0) std::abort();
    options_ = {terminal_, terminal_, terminal_, true};
  }
  ~TerminalConsoleTest() override {
    close(master_);
    close(terminal_);
  }

  void Type(std::string_view keys) {
    ASSERT_EQ(write(master_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }

  bool Echoing() const {
    termios mode{};
    tcgetattr(terminal_, &mode);
    return (mode.c_lflag & ECHO) != 0;
  }

  // What was written since the last look.
  std::string Seen() {
    std::string seen;
    pollfd ready{master_, POLLIN, 0};
    while (poll(&ready, 1, 100) > 0) {
      char bytes[4096];
      const ssize_t got = read(master_, bytes, sizeof(bytes));
      if (got <= 0) break;
      seen.append(bytes, static_cast<std::size_t>(got));
    }
    return seen;
  }

  int master_ = -1;
  int terminal_ = -1;
  Console::Options options_;
};

TEST_F(TerminalConsoleTest, TakesTheTerminalAndGivesItBack) {
  {
    Console console(io_, options_);
    EXPECT_TRUE(console.interactive());
    Start(console);
    EXPECT_FALSE(Echoing());
  }
  EXPECT_TRUE(Echoing());
}

TEST_F(TerminalConsoleTest, AMessageLeavesTheTypedLineWhole) {
  Console console(io_, options_);
  console.SetPrompt("> ");
  Start(console);
  Type("half a li");
  std::string seen;
  ASSERT_TRUE(RunUntil([&] { return (seen += Seen()).find("half a li") != std::string::npos; }));
  console.Print("a message");
  EXPECT_EQ(Seen(), "\r\x1b[Ka message\r\n\r\x1b[K> half a li");
  console.Note("a note");
  EXPECT_EQ(Seen(), "\r\x1b[Ka note\r\n\r\x1b[K> half a li");
  EXPECT_THAT(lines_, IsEmpty());
  Type("ne\r");
  ASSERT_TRUE(RunUntil([&] { return !lines_.empty(); }));
  EXPECT_THAT(lines_, ElementsAre("half a line"));
}

TEST_F(TerminalConsoleTest, WhatWasTypedStaysOnTheScreenIfAsked) {
  Console console(io_, options_);
  Start(console);
  Type("hello\r");
  ASSERT_TRUE(RunUntil([&] { return !lines_.empty(); }));
  EXPECT_THAT(Seen(), HasSubstr("hello\r\n"));
}

TEST_F(TerminalConsoleTest, CtrlDIsTheEnd) {
  Console console(io_, options_);
  Start(console);
  Type("\x04");
  ASSERT_TRUE(RunUntil([&] { return ended_; }));
}

TEST_F(TerminalConsoleTest, ADumbTerminalGetsPlainLines) {
  setenv("TERM", "dumb", 1);
  Console console(io_, options_);
  EXPECT_FALSE(console.interactive());
  EXPECT_TRUE(console.input_is_terminal());
}

TEST(WantsColour, NeverOffATerminal) {
  ConsolePipes pipes;
  EXPECT_FALSE(WantsColour(pipes.options().out_fd));
}

}  // namespace
}  // namespace txtchat::client
