#include "gateway/replies.h"

#include <string>

#include "core/text.h"
#include "gateway/listener.h"
#include "gtest/gtest.h"

namespace txtchat::gateway {
namespace {

constexpr auto kClassic = WireFormat::kClassicLine;
constexpr auto kTagged = WireFormat::kTaggedLine;

TEST(ErrorLine, NamesTheCanonicalCode) {
  EXPECT_EQ(ErrorLine(absl::NotFoundError("no such thing")), "$$error: not_found: no such thing\n");
  EXPECT_EQ(CodeName(absl::StatusCode::kPermissionDenied), "permission_denied");
  EXPECT_EQ(CodeName(absl::StatusCode::kResourceExhausted), "resource_exhausted");
  EXPECT_EQ(CodeName(absl::StatusCode::kDeadlineExceeded), "deadline_exceeded");
  EXPECT_EQ(CodeName(static_cast<absl::StatusCode>(99)), "unknown");
}

TEST(ErrorLine, IsOneShortLineWhateverItRepeats) {
  std::string nasty = "no channel \"a\nb\r$$joined: x\x1B[2J";
  for (int i = 0; i < 1'000; ++i) nasty += "\xF0\x9F\x8E\x89";
  const std::string line = ErrorLine(absl::NotFoundError(nasty));
  EXPECT_LT(line.size(), 600u);
  EXPECT_EQ(line.find_first_of("\n\r\x1B"), line.size() - 1);
  EXPECT_TRUE(IsValidUtf8(line));
}

TEST(AnswerLines, OfRegistering) {
  const Result result = Registered{{"1.2.3.4:5", "al: ice"}};
  EXPECT_EQ(AnswerLines(CommandId::kRegister, kClassic, result, ""), "1.2.3.4:5\n");
  EXPECT_EQ(AnswerLines(CommandId::kRegister, kTagged, result, ""),
            "$$registered: 1.2.3.4:5 1.2.3.4:5\n");
  EXPECT_EQ(AnswerLines(CommandId::kWhoAmI, kClassic, result, ""),
            "$$whoami: 1.2.3.4:5 al\\: ice\n");
}

TEST(AnswerLines, OfCreatingAndJoining) {
  const Result created = ChannelInfo{.id = "c0ffee0001", .display_name = "the den"};
  EXPECT_EQ(AnswerLines(CommandId::kCreateChannel, kClassic, created, ""), "c0ffee0001\n");
  EXPECT_EQ(AnswerLines(CommandId::kCreateChannel, kTagged, created, ""),
            "$$created: c0ffee0001 the den\n");
  const Result again = Joined{{.id = "c0ffee0001"}, true};
  EXPECT_EQ(AnswerLines(CommandId::kJoin, kClassic, again, ""), "$$joined: c0ffee0001\n");
  EXPECT_EQ(AnswerLines(CommandId::kJoin, kTagged, again, ""), "$$ok: join c0ffee0001\n");
}

TEST(AnswerLines, AreEmptyWhereTheEventIsTheAnswer) {
  EXPECT_EQ(AnswerLines(CommandId::kJoin, kClassic, Joined{}, ""), "");
  EXPECT_EQ(AnswerLines(CommandId::kSend, kTagged, Posted{}, ""), "");
  EXPECT_EQ(AnswerLines(CommandId::kLeave, kTagged, std::monostate{}, ""), "");
}

TEST(AnswerLines, OfListsSayHowManyAndHowToGoOn) {
  ChannelPage channels;
  channels.channels.push_back(
      {.id = "c1", .display_name = "den", .head_sequence = 9, .member_count = 2});
  EXPECT_EQ(AnswerLines(CommandId::kChannels, kClassic, channels, ""),
            "$$channel: c1 2 9 den\n$$ok: channels 1\n");
  channels.next_page_token = "more";
  EXPECT_EQ(AnswerLines(CommandId::kChannels, kClassic, channels, ""),
            "$$channel: c1 2 9 den\n$$ok: channels 1 more\n");
  const Result members = MemberPage{{{"u1", "alice"}, {"u2", "bob"}}, ""};
  EXPECT_EQ(AnswerLines(CommandId::kMembers, kTagged, members, "c1"),
            "$$member: c1 u1 alice\n$$member: c1 u2 bob\n$$ok: members c1 2\n");
}

TEST(Lines, EchoOnOneLine) { EXPECT_EQ(PongLine("a\r$b\x1B"), "$$pong: a$b\n"); }

TEST(Lines, HelpNamesEveryCommand) {
  const std::string help = HelpLines();
  for (const CommandRow& row : CommandTable()) {
    EXPECT_NE(help.find("$$help: " + std::string(row.usage) + " - "), std::string::npos);
  }
}

TEST(AddressText, WritesAddressesAsTheOriginalDid) {
  using boost::asio::ip::make_address;
  EXPECT_EQ(AddressText({make_address("127.0.0.1"), 9090}), "127.0.0.1:9090");
  EXPECT_EQ(AddressText({make_address("::1"), 9090}), "[::1]:9090");
  EXPECT_EQ(AddressText({make_address("::ffff:10.0.0.7"), 1}), "10.0.0.7:1");
}

}  // namespace
}  // namespace txtchat::gateway
