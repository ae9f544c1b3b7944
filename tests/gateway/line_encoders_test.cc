#include "gateway/line_encoders.h"

#include <string>
#include <vector>

#include "gateway/line_text.h"
#include "gtest/gtest.h"

namespace txtchat::gateway {
namespace {

Event Message(std::string text) {
  return {.channel_id = "c0ffee0001",
          .sequence = 7,
          .time_unix_ms = 1234,
          .kind = EventKind::kMessagePosted,
          .user_id = "10.0.0.1:1000",
          .user_name = "alice",
          .text = std::move(text)};
}

Event Membership(EventKind kind, std::string name = "alice") {
  Event event = Message("");
  event.kind = kind;
  event.user_name = std::move(name);
  return event;
}

std::string Classic(const Event& event) {
  std::string out;
  ClassicEncoder().Append(event, out);
  return out;
}
std::string Classic(std::string text) { return Classic(Message(std::move(text))); }

std::string Tagged(const Event& event) {
  std::string out;
  TaggedEncoder().Append(event, out);
  return out;
}
std::string TaggedText(std::string text) {
  const std::string line = Tagged(Message(std::move(text)));
  const std::string head = "$$msg: c0ffee0001 7 1234 10.0.0.1:1000 alice: ";
  EXPECT_EQ(line.substr(0, head.size()), head);
  return line.substr(head.size());
}

TEST(ClassicEncoder, ShowsTheTextAloneOnALine) {
  EXPECT_EQ(Classic("hello, world"), "hello, world\n");
  EXPECT_EQ(Classic("a$b$c"), "a$b$c\n");
  EXPECT_EQ(Classic(""), "\n");
  EXPECT_EQ(Classic(" \ttab stays"), " \ttab stays\n");
  EXPECT_EQ(Classic("Grüße, 世界 🎉"), "Grüße, 世界 🎉\n");
}

TEST(ClassicEncoder, TellsJoiningAndNotLeaving) {
  EXPECT_EQ(Classic(Membership(EventKind::kMemberJoined)), "$$joined: c0ffee0001\n");
  EXPECT_EQ(Classic(Membership(EventKind::kMemberLeft)), "");
}

TEST(ClassicEncoder, SplitsAtEveryKindOfLineEnd) {
  EXPECT_EQ(Classic("a\nb"), "a\nb\n");
  EXPECT_EQ(Classic("a\rb"), "a\nb\n");
  EXPECT_EQ(Classic("a\r\nb"), "a\nb\n");
  EXPECT_EQ(Classic("a\n\rb"), "a\n\nb\n");
  EXPECT_EQ(Classic("a\n"), "a\n\n");
  EXPECT_EQ(Classic("\n"), "\n\n");
}

TEST(ClassicEncoder, PutsASpaceBeforeWhatWouldLookLikeTheServer) {
  EXPECT_EQ(Classic("$$joined: x"), " $$joined: x\n");
  EXPECT_EQ(Classic("$$"), " $$\n");
  EXPECT_EQ(Classic("$$$"), " $$$\n");
  EXPECT_EQ(Classic("$x"), "$x\n");
  EXPECT_EQ(Classic("a$$joined: x"), "a$$joined: x\n");
  EXPECT_EQ(Classic("hi\n$$joined: x"), "hi\n $$joined: x\n");
  EXPECT_EQ(Classic("hi\r$$error: a: b\r\n$$bye: c"), "hi\n $$error: a: b\n $$bye: c\n");
}

TEST(ClassicEncoder, RemovesControlsBeforeItLooksForDollars) {
  EXPECT_EQ(Classic("\x01$$joined: x"), " $$joined: x\n");
  EXPECT_EQ(Classic("$\x7F$joined: x"), " $$joined: x\n");
  EXPECT_EQ(Classic("\xC2\x85$\x1B$joined: x"), " $$joined: x\n");
  EXPECT_EQ(Classic(std::string("$\0$", 3)), " $$\n");
  EXPECT_EQ(Classic("\x1B[2Jclear\x08\x0B\x0C"), "[2Jclear\n");
}

TEST(ClassicEncoder, KeepsCharactersThatOnlyLookLikeControls) {
  EXPECT_EQ(Classic("\xC2\xA0\xC3\x85"), "\xC2\xA0\xC3\x85\n");  // No-break space, Å.
  EXPECT_EQ(Classic("a\xE2\x80\xA8"
                    "b"),
            "a\xE2\x80\xA8"
            "b\n");  // No line end for line clients.
}

TEST(TaggedEncoder, SaysWhereWhenAndWho) {
  EXPECT_EQ(Tagged(Message("hi")), "$$msg: c0ffee0001 7 1234 10.0.0.1:1000 alice: hi\n");
  EXPECT_EQ(Tagged(Membership(EventKind::kMemberJoined)),
            "$$joined: c0ffee0001 7 10.0.0.1:1000 alice\n");
  EXPECT_EQ(Tagged(Membership(EventKind::kMemberLeft)),
            "$$left: c0ffee0001 7 10.0.0.1:1000 alice\n");
}

TEST(TaggedEncoder, EscapesTextToOneLine) {
  EXPECT_EQ(TaggedText("a\nb\rc\\d"), "a\\nb\\rc\\\\d\n");
  EXPECT_EQ(TaggedText("a\\nb"), "a\\\\nb\n");
  EXPECT_EQ(TaggedText("$$joined: x"), "$$joined: x\n");
  EXPECT_EQ(TaggedText(""), "\n");
  EXPECT_EQ(TaggedText("a\x1B[0m\xC2\x9B\tb"), "a[0m\tb\n");
}

TEST(TaggedEncoder, LetsNoNamePassForTheSeparator) {
  EXPECT_EQ(Tagged(Membership(EventKind::kMemberJoined, "a: b\\")),
            "$$joined: c0ffee0001 7 10.0.0.1:1000 a\\: b\\\\\n");
  Event event = Message("text");
  event.user_name = "bob: fake";
  EXPECT_EQ(Tagged(event), "$$msg: c0ffee0001 7 1234 10.0.0.1:1000 bob\\: fake: text\n");
}

TEST(Encoders, AppendToWhatIsThere) {
  std::string out = "before\n";
  ClassicEncoder().Append(Message("$$x"), out);
  TaggedEncoder().Append(Membership(EventKind::kMemberLeft), out);
  EXPECT_EQ(out, "before\n $$x\n$$left: c0ffee0001 7 10.0.0.1:1000 alice\n");
}

TEST(OneLine, CutsBetweenCharacters) {
  EXPECT_EQ(OneLine("abcdef", 6), "abcdef");
  EXPECT_EQ(OneLine("abcdef", 3), "abc...");
  EXPECT_EQ(OneLine("aüb", 2), "a...");
  EXPECT_EQ(OneLine("a\nb\x1B", 10), "ab");
}

}  // namespace
}  // namespace txtchat::gateway
