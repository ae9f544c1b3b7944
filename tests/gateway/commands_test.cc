#include "gateway/commands.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace txtchat::gateway {
namespace {

template <typename T>
T Parsed(std::string_view line) {
  absl::StatusOr<Request> request = ParseLine(line);
  EXPECT_TRUE(request.ok()) << line << ": " << request.status();
  if (!request.ok()) return T{};
  const auto* command = std::get_if<Command>(&request->action);
  const T* wanted = command == nullptr ? nullptr : std::get_if<T>(command);
  EXPECT_NE(wanted, nullptr) << line;
  return wanted == nullptr ? T{} : *wanted;
}

absl::StatusCode Refusal(std::string_view line) { return ParseLine(line).status().code(); }

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kUnimplemented = absl::StatusCode::kUnimplemented;

TEST(Commands, ReadsTheClassicOnes) {
  EXPECT_EQ(Parsed<Register>("reg$alice").display_name, "alice");
  EXPECT_EQ(Parsed<CreateChannel>("create_chan$1.2.3.4:5$den").display_name, "den");
  EXPECT_EQ(Parsed<Join>("join$u$c").channel_id, "c");
  EXPECT_EQ(Parsed<Leave>("leave$u$c").channel_id, "c");
  const Send send = Parsed<Send>("send_msg$u$c$hi");
  EXPECT_EQ(send.channel_id, "c");
  EXPECT_EQ(send.text, "hi");
  EXPECT_TRUE(send.allow_empty_text);
}

TEST(Commands, TextIsTheRestOfTheLine) {
  EXPECT_EQ(Parsed<Send>("send_msg$u$c$a$b$$c").text, "a$b$$c");
  EXPECT_EQ(Parsed<Send>("send_msg$u$c$").text, "");
  EXPECT_EQ(Parsed<Send>("send_msg$u$c$$").text, "$");
}

TEST(Commands, IgnoreExtraFields) {
  EXPECT_EQ(Parsed<Register>("reg$alice$x$y").display_name, "alice");
  EXPECT_EQ(Parsed<CreateChannel>("create_chan$u$den$x").display_name, "den");
  EXPECT_EQ(Parsed<Join>("join$u$c$x").channel_id, "c");
  EXPECT_EQ(Parsed<Leave>("leave$u$c$").channel_id, "c");
  EXPECT_TRUE(ParseLine("whoami$x").ok());
}

TEST(Commands, RefuseAMissingFieldWithTheUsage) {
  for (const char* line :
       {"reg", "create_chan", "create_chan$u", "join", "join$u", "leave", "leave$u", "send_msg",
        "send_msg$u", "send_msg$u$c", "hello", "members"}) {
    EXPECT_EQ(Refusal(line), kInvalid) << line;
  }
  EXPECT_NE(ParseLine("join$u").status().message().find("join$UID$CHAN"), absl::string_view::npos);
}

TEST(Commands, LeaveEmptyFieldsToTheCore) {
  EXPECT_EQ(Parsed<Register>("reg$").display_name, "");
  EXPECT_EQ(Parsed<Join>("join$$").channel_id, "");
}

TEST(Commands, RefuseWhatIsNoCommand) {
  for (const char* line : {"x", "REG$a", "reg $a", " reg$a", "$", "$$joined: c", "regx$a"}) {
    EXPECT_EQ(Refusal(line), kUnimplemented) << line;
  }
  EXPECT_EQ(Refusal(""), kInvalid);
}

TEST(Commands, EchoAnUnknownNameShortAndOnOneLine) {
  const absl::Status status = ParseLine("\x01\x1B[2J" + std::string(5'000, 'x')).status();
  EXPECT_LT(status.message().size(), 120u);
  EXPECT_EQ(status.message().find('\x1B'), absl::string_view::npos);
}

TEST(Commands, RefuseWhatIsNotUtf8) {
  EXPECT_EQ(Refusal("reg$\xFF"), kInvalid);
  EXPECT_EQ(Refusal("send_msg$u$c$\xC0\x80"), kInvalid);
  EXPECT_EQ(Refusal("\xED\xA0\x80"), kInvalid);
}

TEST(Commands, StateWhoTheClientBelievesToBe) {
  EXPECT_EQ(ParseLine("join$1.2.3.4:5$c")->claimed_user_id, "1.2.3.4:5");
  EXPECT_EQ(ParseLine("join$-$c")->claimed_user_id, "");
  EXPECT_EQ(ParseLine("join$$c")->claimed_user_id, "");
  EXPECT_EQ(ParseLine("reg$alice")->claimed_user_id, "");
  EXPECT_EQ(ParseLine("members$c")->claimed_user_id, "");
}

TEST(Commands, KnowTheOnesThatTheGatewayAnswersItself) {
  EXPECT_EQ(std::get<LocalAction>(ParseLine("hello$2")->action), LocalAction::kHello);
  EXPECT_EQ(std::get<LocalAction>(ParseLine("ping")->action), LocalAction::kPing);
  EXPECT_EQ(ParseLine("ping$a$b")->argument, "a$b");
  EXPECT_EQ(std::get<LocalAction>(ParseLine("help")->action), LocalAction::kHelp);
  EXPECT_EQ(std::get<LocalAction>(ParseLine("quit")->action), LocalAction::kQuit);
  EXPECT_EQ(Refusal("hello$3"), kInvalid);
}

TEST(Commands, ListsCanGoOn) {
  EXPECT_EQ(Parsed<ListChannels>("channels").page_token, "");
  EXPECT_EQ(Parsed<ListChannels>("channels$abc").page_token, "abc");
  EXPECT_EQ(Parsed<ListMembers>("members$c").channel_id, "c");
  EXPECT_EQ(Parsed<ListMembers>("members$c$abc").page_token, "abc");
}

TEST(Commands, TakeSecretsAsTheyAre) {
  EXPECT_EQ(std::get<AuthRequest>(ParseLine("auth$t$x")->action).token, "t");
  const auto login = std::get<LoginRequest>(ParseLine("login$ann$pass$word ")->action);
  EXPECT_EQ(login.login, "ann");
  EXPECT_EQ(login.password, "pass$word ");
  EXPECT_EQ(Refusal("login$ann"), kInvalid);
  EXPECT_EQ(Refusal("auth"), kInvalid);
}

TEST(Commands, ModerateWithBounds) {
  const Sanction ban = Parsed<Sanction>("ban$c$192.0.2.0/24$60$too$loud");
  EXPECT_EQ(ban.kind, SanctionKind::kBan);
  EXPECT_EQ(ban.subject, "192.0.2.0/24");
  EXPECT_EQ(ban.duration_ms, 60'000);
  EXPECT_EQ(ban.reason, "too$loud");
  EXPECT_EQ(Parsed<Sanction>("mute$c$u").duration_ms, 0);
  EXPECT_EQ(Refusal("ban$c$u$soon"), kInvalid);
  EXPECT_EQ(Refusal("ban$c$u$1000000001"), kInvalid);
  EXPECT_EQ(Parsed<SetRole>("role$c$u$moderator").role, Role::kModerator);
  EXPECT_EQ(Refusal("role$c$u$king"), kInvalid);
  EXPECT_EQ(Parsed<RemoveMessage>("delete_msg$c$7").sequence, 7u);
  EXPECT_EQ(Parsed<CreateInvite>("invite$c").uses_max, 1u);
  EXPECT_EQ(Parsed<CreateInvite>("invite$c$5$60").lifetime_ms, 60'000);
  EXPECT_EQ(Refusal("invite$c$-1"), kInvalid);
  EXPECT_EQ(Parsed<SetTopic>("topic$c$a$b").topic, "a$b");
}

TEST(Commands, HistoryHasBoundsThatCanBeLeftOut) {
  const auto parsed = [](std::string_view line) {
    return std::get<HistoryRequest>(ParseLine(line)->action);
  };
  EXPECT_EQ(parsed("history$c$7$2").channel_id, "c");
  EXPECT_EQ(parsed("history$c$7$2").before, 7u);
  EXPECT_EQ(parsed("history$c$7$2").limit, 2u);
  EXPECT_EQ(parsed("history$c").before, 0u);
  EXPECT_EQ(parsed("history$c").limit, 20u);
  EXPECT_EQ(parsed("history$c$$1000000").limit, 100u) << "more than a page is a page";
  for (const char* line : {"history", "history$c$x", "history$c$-1", "history$c$1$0",
                           "history$c$99999999999999999999"}) {
    EXPECT_EQ(Refusal(line), kInvalid) << line;
  }
}

TEST(Commands, ResumeHasAPositionAndPerhapsAnEpoch) {
  const Position position = Parsed<Resume>("resume$c$7$00ff").position;
  EXPECT_EQ(position.channel_id, "c");
  EXPECT_EQ(position.after_sequence, 7u);
  EXPECT_EQ(position.epoch, "00ff");
  EXPECT_EQ(Parsed<Resume>("resume$c$0").position.epoch, "");
  for (const char* line : {"resume", "resume$c", "resume$c$x"}) {
    EXPECT_EQ(Refusal(line), kInvalid) << line;
  }
}

TEST(Commands, EachHasItsOwnNameAndANonEmptyHelp) {
  std::set<std::string_view> names;
  for (const CommandRow& row : CommandTable()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(row.usage.substr(0, row.name.size()), row.name);
    EXPECT_FALSE(row.help.empty());
    EXPECT_LE(row.fields_min, row.fields_max);
    EXPECT_LE(row.fields_max, kFieldsMax);
  }
}

TEST(SocketAddress, IsAnIpAndAPort) {
  for (const char* text : {"127.0.0.1:1", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:9090",
                           "[fe80::1]:1", "[::ffff:1.2.3.4]:5"}) {
    EXPECT_TRUE(IsSocketAddress(text)) << text;
  }
  for (const char* text :
       {"", "-", "alice", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
        "127.0.0.1:+1", "127.0.0.1: 1", "127.0.0.1:1x", "1.2.3:4", "::1:9090", "[::1]", "[]:1",
        "[1.2.3.4]:1", "localhost:1", ":1"}) {
    EXPECT_FALSE(IsSocketAddress(text)) << text;
  }
}

}  // namespace
}  // namespace txtchat::gateway
