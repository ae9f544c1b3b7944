#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "client/exit_code.h"
#include "tests/client/program.h"
#include "tests/testing/scratch_directory.h"

namespace txtchat::client {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kGeneral[] = "0123456789";

class AccountVerbsTest : public ::testing::Test {
 protected:
  AccountVerbsTest() { server_.service().AddChannel(kGeneral, "general"); }

  // `input` becomes the lines of its standard input.
  Result Account(const std::string& verb, const std::string& rest,
                 const std::string& input = "") const {
    const std::string give = input.empty() ? "" : "printf '" + input + "' | ";
    const std::string take = input.empty() ? " < /dev/null" : "";
    return Shell(give + VerbAt(server_, "account " + verb, rest) + take);
  }
  Result WithToken(const std::string& verb, const std::string& rest = "",
                   const std::string& input = "") const {
    return Account(verb, rest + " --token-file " + token_file_, input);
  }
  void MakeAccount() {
    const Result made = WithToken("create", "alice@example.org Alice", "a good password\\n");
    ASSERT_EQ(made.exit_code, kExitOk) << made.output;
  }

  FakeServer server_;
  const testing::ScratchDirectory directory_;
  const std::string token_file_ = directory_.File("token");
};

TEST_F(AccountVerbsTest, ExplainThemselves) {
  const Result help = Shell(Program("account --help"));
  for (const char* verb :
       {"create", "login", "whoami", "name", "tokens", "revoke", "password", "export", "erase"}) {
    EXPECT_THAT(help.output, HasSubstr(verb));
    const Result verb_help = Shell(Program("account " + std::string(verb) + " --help"));
    EXPECT_EQ(verb_help.exit_code, kExitOk);
    EXPECT_THAT(verb_help.output, HasSubstr("Examples:\n  txtchat account ")) << verb;
  }
  EXPECT_EQ(Shell(Program("account")).exit_code, kExitUsage);
}

TEST_F(AccountVerbsTest, CreateWritesATokenThatIsTheUsers) {
  const Result made = WithToken("create", "alice@example.org Alice", "a good password\\n");
  EXPECT_EQ(made.exit_code, kExitOk);
  EXPECT_THAT(made.output,
              HasSubstr("You are Alice, id account-1. The token is in " + token_file_));
  EXPECT_THAT(made.output, Not(HasSubstr("secret-")));
  struct stat file {};
  ASSERT_EQ(stat(token_file_.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
  EXPECT_EQ(WithToken("whoami").output, "account-1  Alice\n");
  EXPECT_EQ(json::parse(WithToken("whoami", "--json").output)["display_name"], "Alice");
}

TEST_F(AccountVerbsTest, LoginPrintsTheTokenIfNoFileIsToHaveIt) {
  MakeAccount();
  const Result token =
      Account("login", "alice@example.org --label ci --for 60", "a good password\\n");
  EXPECT_THAT(token.output, ::testing::MatchesRegex("secret-[0-9]+\n"));
  const Result to_file =
      Account("login", "alice@example.org --json --token-file " + directory_.File("other"),
              "a good password");
  const json with_file = json::parse(to_file.output.substr(to_file.output.find('{')));
  EXPECT_FALSE(with_file.contains("token"));
  EXPECT_EQ(with_file["display_name"], "Alice");
  EXPECT_THAT(WithToken("tokens").output, HasSubstr("until 1970-01-01T00:01:00.000Z  ci\n"));
}

TEST_F(AccountVerbsTest, NameChangesWhatOthersSee) {
  MakeAccount();
  const Result changed = WithToken("name", "'Alice B.'");
  EXPECT_EQ(changed.exit_code, kExitOk) << changed.output;
  EXPECT_EQ(changed.output, "");
  EXPECT_EQ(WithToken("whoami").output, "account-1  Alice B.\n");
  EXPECT_EQ(json::parse(WithToken("name", "Al --json").output)["display_name"], "Al");
  EXPECT_EQ(WithToken("name").exit_code, kExitUsage);
}

TEST_F(AccountVerbsTest, TheTokenOfTheEnvironmentActsForEveryVerb) {
  MakeAccount();
  const std::string as_alice = "export TXTCHAT_TOKEN=$(cat " + token_file_ + "); ";
  EXPECT_EQ(Shell(as_alice + VerbAt(server_, "account whoami", "")).output, "account-1  Alice\n");
  const json sent =
      json::parse(Shell(as_alice + VerbAt(server_, "send", "--json 0123456789 hi")).output);
  EXPECT_EQ(sent["sender"]["display_name"], "Alice");
  EXPECT_EQ(server_.service().registrations(), 0);
}

TEST_F(AccountVerbsTest, TheFileGoesBeforeTheEnvironment) {
  MakeAccount();
  const Result whoami = Shell("export TXTCHAT_TOKEN=nonsense; " +
                              VerbAt(server_, "account whoami", "--token-file " + token_file_));
  EXPECT_EQ(whoami.output, "account-1  Alice\n");
}

TEST_F(AccountVerbsTest, EveryVerbTakesTheTokenOfAFile) {
  MakeAccount();
  const std::string as_alice = " --token-file " + token_file_ + " ";
  EXPECT_EQ(Shell(VerbAt(server_, "create", as_alice + "room")).exit_code, kExitOk);
  EXPECT_EQ(Shell(VerbAt(server_, "channels", as_alice)).exit_code, kExitOk);
  EXPECT_EQ(Shell(VerbAt(server_, "send", as_alice + "0123456789 one")).exit_code, kExitOk);
  const Result chat = Shell("printf 'two\\n' | " +
                            VerbAt(server_, "chat", as_alice + "--join 0123456789 --exit-on-eof"));
  EXPECT_EQ(chat.exit_code, kExitOk) << chat.output;
  EXPECT_THAT(chat.output, HasSubstr(" as Alice, id account-1."));
  std::FILE* tail = popen(VerbAt(server_, "tail", as_alice + "--count 1 0123456789").c_str(), "r");
  ASSERT_TRUE(server_.service().AwaitSubscriptions(2));
  server_.service().Post(kGeneral, "three");
  char line[256];
  while (std::fgets(line, sizeof(line), tail) != nullptr) {
  }
  EXPECT_EQ(pclose(tail), 0);
  EXPECT_EQ(server_.service().registrations(), 0);
  EXPECT_THAT(server_.service().texts(), ElementsAre("one", "two"));
}

TEST_F(AccountVerbsTest, WithoutATokenTheyAskWhose) {
  for (const char* verb : {"whoami", "tokens", "revoke t1", "password", "export", "erase --yes"}) {
    const Result result = Account(verb, "");
    EXPECT_EQ(result.exit_code, kExitUsage) << verb;
    EXPECT_THAT(result.output, HasSubstr("--token-file FILE")) << verb;
  }
}

TEST_F(AccountVerbsTest, AWrongPasswordIsOneAndSaysNothingOfTokens) {
  MakeAccount();
  const Result login = Account("login", "alice@example.org", "a wrong password\\n");
  EXPECT_EQ(login.exit_code, kExitError);
  EXPECT_EQ(login.output, "cannot log in: the password is not right\n");
  EXPECT_EQ(Account("login", "alice@example.org", "\\n").exit_code, kExitUsage);
  EXPECT_EQ(server_.accounts().logins(), 1);
}

TEST_F(AccountVerbsTest, NoPasswordGoesPlainToAnotherMachine) {
  for (const char* verb : {"create a A", "login a"}) {
    const Result refused = Shell("printf 'a good password' | " +
                                 Program("account " + std::string(verb) + " --server 192.0.2.1"));
    EXPECT_EQ(refused.exit_code, kExitUsage) << verb;
    EXPECT_THAT(refused.output, HasSubstr("--plain-password")) << verb;
  }
  const Result sent = Shell("printf 'a good password' | " +
                            Program("account login a --server 192.0.2.1 --plain-password "
                                    "--timeout 0.1"));
  EXPECT_EQ(sent.exit_code, kExitUnreachable);
}

TEST_F(AccountVerbsTest, AFileThatCannotBeWrittenIsToldBeforeAnythingIsDone) {
  const Result login = Account("login", "a --token-file /nowhere/token", "a good password\\n");
  EXPECT_EQ(login.exit_code, kExitUsage);
  EXPECT_THAT(login.output, HasSubstr("/nowhere/token cannot be written"));
  EXPECT_EQ(server_.accounts().logins(), 0);
}

TEST_F(AccountVerbsTest, ARevokedTokenIsNoGood) {
  MakeAccount();
  EXPECT_EQ(WithToken("revoke", "nonsense").exit_code, kExitError);
  const json token = json::parse(WithToken("tokens", "--json").output);
  EXPECT_EQ(WithToken("revoke", token["id"]).exit_code, kExitOk);
  const Result whoami = WithToken("whoami");
  EXPECT_EQ(whoami.exit_code, kExitError);
  EXPECT_THAT(whoami.output, HasSubstr("txtchat account login"));
}

TEST_F(AccountVerbsTest, ThePasswordIsChangedFromTheInputOrFiles) {
  MakeAccount();
  EXPECT_EQ(WithToken("password", "", "wrong\\na better password\\n").exit_code, kExitError);
  EXPECT_EQ(WithToken("password", "", "a good password\\n").exit_code, kExitUsage);
  EXPECT_EQ(WithToken("password", "", "a good password\\na better password\\n").exit_code, kExitOk);
  std::ofstream(directory_.File("password")) << "a better password\n";
  EXPECT_EQ(Account("login", "alice@example.org --password-file " + directory_.File("password"))
                .exit_code,
            kExitOk);
}

TEST_F(AccountVerbsTest, ExportPrintsEveryPageAsJsonLines) {
  MakeAccount();
  Shell("printf 'one\\ntwo\\n' | " +
        VerbAt(server_, "send", "0123456789 --token-file " + token_file_));
  server_.accounts().RefuseExports(2);
  std::istringstream lines(WithToken("export").output);
  std::vector<std::string> texts;
  for (std::string line; std::getline(lines, line);) texts.push_back(json::parse(line)["text"]);
  EXPECT_THAT(texts, ElementsAre("one", "two"));
}

TEST_F(AccountVerbsTest, EraseWantsToBeSure) {
  MakeAccount();
  EXPECT_EQ(WithToken("erase", "", "account-1\\na good password\\n").exit_code, kExitUsage);
  const Result refused = WithToken("erase", "--yes", "a wrong password\\n");
  EXPECT_EQ(refused.exit_code, kExitError);
  EXPECT_EQ(refused.output, "nothing was erased: the password is not right\n");
  const Result erased = WithToken("erase", "--yes", "a good password\\n");
  EXPECT_EQ(erased.exit_code, kExitOk);
  EXPECT_EQ(erased.output, "Erased: Alice, id account-1.\n");
  EXPECT_EQ(WithToken("whoami").exit_code, kExitError);
}

TEST_F(AccountVerbsTest, AGuestErasesItselfWithoutAPassword) {
  Shell(VerbAt(server_, "register", "bob --token-only > " + token_file_));
  EXPECT_EQ(WithToken("erase", "--yes").exit_code, kExitOk);
}

}  // namespace
}  // namespace txtchat::client
