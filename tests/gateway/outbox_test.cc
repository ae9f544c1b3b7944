#include "gateway/outbox.h"

#include <string>

#include "gtest/gtest.h"

namespace txtchat::gateway {
namespace {

// The contents as one readable line.
std::string Shown(const Outbox& outbox) {
  std::string out;
  for (std::size_t i = 0; i < outbox.size(); ++i) {
    const OutItem& item = outbox.at(i);
    switch (item.kind) {
      case OutItem::Kind::kLine:
        out += "[" + item.text + "]";
        break;
      case OutItem::Kind::kBarrier:
        out += "<" + std::to_string(item.channel) + ":" + std::to_string(item.sequence) + ">";
        break;
      case OutItem::Kind::kFormat:
        out += "{" + item.text + "}";
        break;
      case OutItem::Kind::kAwaited:
        out += "awaits " + std::to_string(item.sequence);
        break;
      case OutItem::Kind::kClose:
        out += "end";
        break;
    }
  }
  if (outbox.tail_sequence() != 0) {
    out += " tail " + std::to_string(outbox.tail_channel()) + ":" +
           std::to_string(outbox.tail_sequence());
  }
  return out;
}

TEST(Outbox, JoinsLinesThatFollowEachOther) {
  Outbox outbox;
  outbox.AddLine("a");
  outbox.AddLine("b");
  EXPECT_EQ(Shown(outbox), "[ab]");
}

TEST(Outbox, KeepsOneOwnEventForARunInOneChannel) {
  Outbox outbox;
  for (std::uint64_t s = 1; s <= 1'000; ++s) outbox.AddOwnEvent(1, s);
  EXPECT_EQ(Shown(outbox), " tail 1:1000");
  EXPECT_EQ(outbox.bytes(), 0u);
}

TEST(Outbox, PutsOwnEventsBetweenLinesInTheOrderOfTheCommands) {
  Outbox outbox;
  outbox.AddLine("a");
  outbox.AddOwnEvent(1, 5);
  outbox.AddOwnEvent(2, 3);
  outbox.AddOwnEvent(1, 6);
  outbox.AddLine("b");
  outbox.AddLine("c");
  outbox.AddOwnEvent(1, 7);
  EXPECT_EQ(Shown(outbox), "[a]<1:5><2:3><1:6>[bc] tail 1:7");
}

TEST(Outbox, KeepsTheFormatAndTheEndInTheirPlaces) {
  Outbox outbox;
  outbox.AddOwnEvent(1, 5);
  outbox.AddFormat("hello", WireFormat::kTaggedLine);
  outbox.AddLine("x");
  outbox.AddClose();
  EXPECT_EQ(Shown(outbox), "<1:5>{hello}[x]end");
}

TEST(Outbox, CountsItsBytesAndIsEmptyInTheEnd) {
  Outbox outbox;
  outbox.AddLine(std::string(5'000, 'x'));
  outbox.AddOwnEvent(1, 5);
  outbox.AddLine("y");
  EXPECT_GT(outbox.bytes(), 5'000u);
  while (outbox.size() > 0) outbox.PopFront();
  EXPECT_EQ(outbox.bytes(), 0u);
  outbox.AddLine("z");
  EXPECT_EQ(Shown(outbox), "[z]");
}

TEST(Outbox, KeepsThePlaceOfWhatIsBeingFetched) {
  Outbox outbox;
  outbox.AddLine("before");
  outbox.AddAwaited(7);
  outbox.AddLine("behind");
  const std::size_t bytes = outbox.bytes();
  outbox.Fill(8, "somebody else's");
  EXPECT_EQ(outbox.bytes(), bytes);
  outbox.Fill(7, "fetched");
  EXPECT_EQ(outbox.bytes(), bytes + 7);
  ASSERT_EQ(outbox.size(), 3u);
  EXPECT_EQ(outbox.at(1).kind, OutItem::Kind::kLine);
  EXPECT_EQ(outbox.at(1).text, "fetched");
  while (outbox.size() > 0) outbox.PopFront();
  EXPECT_EQ(outbox.bytes(), 0u);
}

TEST(Outbox, StaysSmallThoughItNeverBecomesEmpty) {
  Outbox outbox;
  const std::string line(4'000, 'x');  // Too long to share an item.
  outbox.AddLine(line);
  for (int i = 0; i < 10'000; ++i) {
    outbox.AddLine(line);
    outbox.PopFront();
  }
  EXPECT_EQ(outbox.size(), 1u);
  EXPECT_LE(outbox.capacity(), 8u);
}

}  // namespace
}  // namespace txtchat::gateway
