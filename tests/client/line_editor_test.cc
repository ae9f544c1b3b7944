#include "client/line_editor.h"

#include <gtest/gtest.h>

namespace txtchat::client {
namespace {

using Kind = LineEditor::Outcome::Kind;

class LineEditorTest : public ::testing::Test {
 protected:
  // Types keys; remembers the lines completed.
  std::string Type(std::string_view keys) {
    for (const char key : keys) {
      const auto outcome = editor_.Feed(key);
      if (outcome && outcome->kind == Kind::kLine) lines_.push_back(outcome->line);
      if (outcome && outcome->kind == Kind::kEnd) ended_ = true;
    }
    return editor_.text();
  }

  LineEditor editor_;
  std::vector<std::string> lines_;
  bool ended_ = false;
};

TEST_F(LineEditorTest, EnterCompletesTheLine) {
  EXPECT_EQ(Type("hello\r"), "");
  EXPECT_EQ(lines_, std::vector<std::string>{"hello"});
}

TEST_F(LineEditorTest, APasteOfSeveralLinesIsSeveralLines) {
  Type("a\nb\r\rc");
  EXPECT_EQ(lines_, (std::vector<std::string>{"a", "b", ""}));
  EXPECT_EQ(editor_.text(), "c");
}

TEST_F(LineEditorTest, EditsInTheMiddle) {
  EXPECT_EQ(Type("helo\x1b[Dl"), "hello");
  EXPECT_EQ(Type("\x01>"), ">hello");
  EXPECT_EQ(Type("\x05<"), ">hello<");
  EXPECT_EQ(Type("\x1b[H\x1b[3~"), "hello<");
  EXPECT_EQ(Type("\x1b[F\x7f"), "hello");
}

TEST_F(LineEditorTest, BackspaceTakesAWholeCharacter) {
  EXPECT_EQ(Type("né世"), "né世");
  EXPECT_EQ(Type("\x7f"), "né");
  EXPECT_EQ(Type("\b"), "n");
}

TEST_F(LineEditorTest, KillsBackwardsForwardsAndByWord) {
  EXPECT_EQ(Type("one two three\x17"), "one two ");
  EXPECT_EQ(Type("\x17"), "one ");
  EXPECT_EQ(Type("\x15"), "");
  EXPECT_EQ(Type("abc\x01\x06\x0b"), "a");
}

TEST_F(LineEditorTest, RecallsHistoryAndTheLineBeingWritten) {
  Type("first\rsecond\rdraft");
  EXPECT_EQ(Type("\x1b[A"), "second");
  EXPECT_EQ(Type("\x1bOA"), "first");
  EXPECT_EQ(Type("\x1b[A"), "first");
  EXPECT_EQ(Type("\x1b[B\x1b[B"), "draft");
}

TEST_F(LineEditorTest, CtrlDEndsOnlyAnEmptyLine) {
  EXPECT_EQ(Type("ab\x01\x04"), "b");
  EXPECT_FALSE(ended_);
  Type("\x04\x04");
  EXPECT_TRUE(ended_);
}

TEST_F(LineEditorTest, IgnoresKeysThatItDoesNotKnow) {
  EXPECT_EQ(Type("a\x1b[15~\x1b[1;5C\x1bx\x03\x1c"
                 "b"),
            "ab");
}

TEST_F(LineEditorTest, BrokenUtf8BecomesOneReplacement) {
  EXPECT_EQ(Type("a\xE2\x82"
                 "b"),
            "a\xEF\xBF\xBD");  // the b that broke it is taken with it
  EXPECT_EQ(Type("c"),
            "a\xEF\xBF\xBD"
            "c");
}

TEST_F(LineEditorTest, DrawsPromptAndCursor) {
  editor_.SetPrompt("> ");
  Type("hello\x1b[D\x1b[D");
  EXPECT_EQ(editor_.Draw(80), "\r\x1b[K> hello\x1b[2D");
}

TEST_F(LineEditorTest, DrawsOneRowHoweverLongTheLine) {
  editor_.SetPrompt("> ");
  Type(std::string(500, 'a') + "end");
  EXPECT_EQ(editor_.Draw(20), "\r\x1b[K> " + std::string(14, 'a') + "end");
  Type("\x01");
  EXPECT_EQ(editor_.Draw(20), "\r\x1b[K> " + std::string(17, 'a') + "\x1b[17D");
}

TEST_F(LineEditorTest, HoldsABoundedLine) {
  Type(std::string(LineEditor::kLineRunesMax + 100, 'a'));
  EXPECT_EQ(editor_.text().size(), LineEditor::kLineRunesMax);
}

}  // namespace
}  // namespace txtchat::client
