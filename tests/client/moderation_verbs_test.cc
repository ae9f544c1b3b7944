#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "client/exit_code.h"
#include "tests/client/program.h"

namespace txtchat::client {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kGeneral[] = "0123456789";

class ModerationVerbsTest : public ::testing::Test {
 protected:
  ModerationVerbsTest() { server_.service().AddChannel(kGeneral, "general"); }

  // As bob, in #general.
  Result Run(const std::string& verb, const std::string& rest = "") const {
    return Shell("export TXTCHAT_TOKEN=$(" + VerbAt(server_, "register", "bob --token-only") +
                 "); " + VerbAt(server_, verb, rest));
  }
  // What the server was asked.
  std::string Asked(const std::string& verb, const std::string& rest = "") {
    const Result result = Run("mod " + verb, std::string(kGeneral) + " " + rest);
    EXPECT_EQ(result.exit_code, kExitOk) << result.output;
    EXPECT_EQ(result.output, "");
    const std::vector<std::string> acts = server_.moderation().acts();
    return acts.empty() ? "" : acts.back();
  }

  FakeServer server_;
};

TEST_F(ModerationVerbsTest, ExplainThemselves) {
  const Result help = Shell(Program("mod --help"));
  for (const char* verb :
       {"invite", "invites", "revoke-invite", "join-by", "add", "kick", "ban", "unban", "mute",
        "unmute", "role", "topic", "rename", "delete-message", "delete-channel", "bans"}) {
    EXPECT_THAT(help.output, HasSubstr(verb));
    const Result verb_help = Shell(Program("mod " + std::string(verb) + " --help"));
    EXPECT_EQ(verb_help.exit_code, kExitOk);
    EXPECT_THAT(verb_help.output, HasSubstr("txtchat mod " + std::string(verb))) << verb;
  }
}

TEST_F(ModerationVerbsTest, AskForWhatTheyAreTold) {
  EXPECT_EQ(Asked("add", "u1"), R"(AddMember {"channelId":"0123456789","userId":"u1"})");
  EXPECT_EQ(Asked("revoke-invite", "i1"),
            R"(RevokeInvite {"channelId":"0123456789","inviteId":"i1"})");
  EXPECT_EQ(Asked("kick", "u1 --reason 'off topic'"),
            R"(KickMember {"channelId":"0123456789","userId":"u1","reason":"off topic"})");
  EXPECT_EQ(Asked("ban", "192.0.2.0/24"),
            R"(Ban {"channelId":"0123456789","subject":"192.0.2.0/24"})");
  EXPECT_EQ(Asked("ban", "u1 --for 60 --reason '[x]'"),
            R"(Ban {"channelId":"0123456789","subject":"u1","duration":"60s","reason":"[x]"})");
  EXPECT_EQ(Asked("unban", "u1"), R"(Unban {"channelId":"0123456789","subject":"u1"})");
  EXPECT_EQ(Asked("mute", "u1 --for 1.5"),
            R"(Mute {"channelId":"0123456789","userId":"u1","duration":"2s"})");
  EXPECT_EQ(Asked("unmute", "u1"), R"(Unmute {"channelId":"0123456789","userId":"u1"})");
  EXPECT_EQ(Asked("role", "u1 moderator"),
            R"(SetRole {"channelId":"0123456789","userId":"u1","role":"ROLE_MODERATOR"})");
  EXPECT_EQ(Asked("topic", "'the plan'"),
            R"(SetTopic {"channelId":"0123456789","topic":"the plan"})");
  EXPECT_EQ(Asked("topic", "''"), R"(SetTopic {"channelId":"0123456789"})");
  EXPECT_EQ(Asked("rename", "lounge"),
            R"(RenameChannel {"channelId":"0123456789","displayName":"lounge"})");
  EXPECT_EQ(Asked("delete-message", "42"),
            R"(DeleteMessage {"channelId":"0123456789","sequence":"42"})");
  EXPECT_EQ(Asked("delete-channel"), R"(DeleteChannel {"channelId":"0123456789"})");
}

TEST_F(ModerationVerbsTest, TellTheEventAsJson) {
  EXPECT_EQ(Run("mod kick", "0123456789 u1 --json").output,
            "{\"type\":\"act\",\"channel\":\"0123456789\",\"sequence\":1}\n");
}

TEST_F(ModerationVerbsTest, ARefusalIsOneAndAWrongCommandLineTwo) {
  const Result refused = Run("mod kick", "nowhere u1");
  EXPECT_EQ(refused.exit_code, kExitError);
  EXPECT_EQ(refused.output, "cannot kick u1: no channel has this id\n");
  for (const char* arguments :
       {"", "kick", "kick 0123456789", "role 0123456789 u1 king", "ban 0123456789 u1 --for -1",
        "invite 0123456789 --uses 0", "invites", "revoke-invite 0123456789", "add 0123456789",
        "delete-message 0123456789 first"}) {
    EXPECT_EQ(Run("mod " + std::string(arguments)).exit_code, kExitUsage) << arguments;
  }
  EXPECT_EQ(Shell(VerbAt(server_, "mod kick", "0123456789 u1")).exit_code, kExitUsage);
  EXPECT_THAT(server_.moderation().acts(), IsEmpty());
}

TEST_F(ModerationVerbsTest, AnInviteLeadsIn) {
  const Result invite = Run("mod invite", "0123456789 --uses 3 --for 60");
  EXPECT_EQ(invite.output, "to-0123456789\n");
  EXPECT_THAT(
      server_.moderation().acts(),
      ElementsAre(R"(CreateInvite {"channelId":"0123456789","usesMax":3,"lifetime":"60s"})"));
  EXPECT_EQ(Run("mod join-by", "to-0123456789").output, "0123456789\n");
  EXPECT_THAT(server_.service().members(kGeneral), ElementsAre("bob"));
  EXPECT_EQ(Run("mod join-by", "nonsense").exit_code, kExitError);
  const json as_json = json::parse(Run("mod invite", "0123456789 --json").output);
  EXPECT_EQ(as_json["code"], "to-0123456789");
  EXPECT_EQ(as_json["uses_left"], 1);
}

TEST_F(ModerationVerbsTest, ListInvitesWithoutTheirCodes) {
  EXPECT_EQ(Run("mod invites", kGeneral).output,
            "i1  1 use  until 2023-11-14T22:13:20.000Z  by u1\n"
            "i2␛[2J  5 uses  until 2023-11-14T22:13:20.000Z  by u1\n");
  const std::string lines = Run("mod invites", std::string(kGeneral) + " --json").output;
  const json invite = json::parse(lines.substr(0, lines.find('\n')));
  EXPECT_EQ(invite["id"], "i1");
  EXPECT_EQ(invite["by"], "u1");
  EXPECT_FALSE(invite.contains("code"));
  const Result none = Run("mod revoke-invite", std::string(kGeneral) + " i3");
  EXPECT_EQ(none.exit_code, kExitError);
  EXPECT_EQ(none.output, "cannot end the invite: no such invite\n");
}

TEST_F(ModerationVerbsTest, DirectOpensAConversation) {
  EXPECT_EQ(Run("direct", "u1").output, "with-u1\n");
  EXPECT_EQ(json::parse(Run("direct", "u1 --json").output)["kind"], "direct");
  const Result nobody = Run("direct", "nobody");
  EXPECT_EQ(nobody.exit_code, kExitError);
  EXPECT_EQ(nobody.output, "cannot open a conversation with nobody: no user has this id\n");
  EXPECT_EQ(Shell(VerbAt(server_, "direct", "u1")).exit_code, kExitUsage) << "without a token";
}

TEST_F(ModerationVerbsTest, ListBansAndMutes) {
  EXPECT_EQ(Run("mod bans", kGeneral).output,
            "ban   192.0.2.0/24  for good\n"
            "mute  u1  until 2023-11-14T22:13:20.000Z  bob  (noise␛[2J)\n");
  const std::string lines = Run("mod bans", std::string(kGeneral) + " --json").output;
  const json ban = json::parse(lines.substr(0, lines.find('\n')));
  EXPECT_EQ(ban["type"], "ban");
  EXPECT_FALSE(ban.contains("until"));
}

TEST_F(ModerationVerbsTest, CreateCanMakeAPrivateChannel) {
  EXPECT_EQ(json::parse(Run("create", "--private --json plan").output)["kind"], "private");
  EXPECT_EQ(json::parse(Run("create", "--json plan").output)["kind"], "public");
}

}  // namespace
}  // namespace txtchat::client
