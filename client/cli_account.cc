// The command line of `txtchat account`.

#include "client/account_verbs.h"
#include "client/cli_impl.h"

namespace txtchat::client {

AccountOptions Cli::Account() const {
  AccountOptions options;
  options.script = Script();
  options.token_file = flags_.token_file;
  options.token_label = flags_.label;
  options.token_lifetime_s = flags_.seconds;
  options.password_file = flags_.password_file;
  options.new_password_file = flags_.new_password_file;
  options.plain_password = flags_.plain_password;
  options.yes = flags_.yes;
  return options;
}

void Cli::AddPassword(CLI::App* verb) {
  verb->add_option(
          "--password-file", flags_.password_file,
          "The password is the first line of this file; otherwise you are asked for it, or "
          "it is the next line of an input that is no terminal")
      ->type_name("FILE");
  verb->add_flag("--plain-password", flags_.plain_password,
                 "Send the password without --tls, to another machine, too");
}

void Cli::AddNewTokenVerbs(CLI::App* account) {
  const auto add_new_token = [this](CLI::App* verb) {
    AddToken(verb, TokenUse::kWritten);
    verb->add_option("--label", flags_.label, "What tells this token apart in `account tokens`");
    verb->add_option("--for", flags_.seconds,
                     "Seconds that the token is good for; otherwise 30 days")
        ->check(CLI::Range(1.0, 1e9));
    AddPassword(verb);
    AddJson(verb);
  };
  CLI::App* create =
      SubVerb(account, "create", "Make an account and get a first token for it",
              R"(  txtchat account create alice@example.org Alice --token-file ~/.txtchat-token
  txtchat account create ci CI --password-file secret --tls --server chat.example.org
LOGIN is told to nobody; NAME is what others see.)",
              [this] { return RunAccountCreate(Account(), flags_.login, flags_.name); });
  create->add_option("LOGIN", flags_.login, "The name to log in with")->required();
  create->add_option("NAME", flags_.name, "The name that others see")->required();
  add_new_token(create);

  CLI::App* login =
      SubVerb(account, "login", "Get a token for an account",
              R"(  txtchat account login alice@example.org --token-file ~/.txtchat-token
  export TXTCHAT_TOKEN=$(txtchat account login alice@example.org --for 3600)
The token is a secret: whoever has it acts as the user.)",
              [this] { return RunAccountLogin(Account(), flags_.login); });
  login->add_option("LOGIN", flags_.login, "The name to log in with")->required();
  add_new_token(login);
}

void Cli::AddCredentialVerbs(CLI::App* account) {
  CLI::App* whoami = SubVerb(account, "whoami", "Print whose the token is: id and name",
                             "  txtchat account whoami --token-file ~/.txtchat-token\n"
                             "  txtchat account whoami --json | jq -r .id",
                             [this] { return RunWhoAmI(Account()); });
  AddToken(whoami, TokenUse::kRequired);
  AddJson(whoami);

  CLI::App* name = SubVerb(account, "name", "Change the name that others see",
                           "  txtchat account name 'Alice B.'",
                           [this] { return RunSetName(Account(), flags_.name); });
  name->add_option("NAME", flags_.name, "The name that others see")->required();
  AddToken(name, TokenUse::kRequired);
  AddJson(name);

  CLI::App* tokens = SubVerb(account, "tokens", "List the account's tokens",
                             "  txtchat account tokens\n"
                             "Shows ids, which are no secrets, not the tokens themselves.",
                             [this] { return RunTokens(Account()); });
  AddToken(tokens, TokenUse::kRequired);
  AddJson(tokens);

  CLI::App* revoke = SubVerb(account, "revoke", "End a token, and what was opened with it",
                             "  txtchat account revoke 0123456789abcdef",
                             [this] { return RunRevokeToken(Account(), flags_.subject); });
  revoke->add_option("ID", flags_.subject, "The token's id, as `account tokens` lists it")
      ->required();
  AddToken(revoke, TokenUse::kRequired);

  CLI::App* password = SubVerb(account, "password", "Change the password; ends all other tokens",
                               "  txtchat account password\n"
                               "  printf '%s\\n' \"$former\" \"$new\" | txtchat account password",
                               [this] { return RunChangePassword(Account()); });
  AddToken(password, TokenUse::kRequired);
  AddPassword(password);
  password
      ->add_option("--new-password-file", flags_.new_password_file,
                   "The new password is the first line of this file")
      ->type_name("FILE");
}

void Cli::AddAccountVerbs() {
  CLI::App* account = app_.add_subcommand("account", "Accounts: make one, log in, export, erase");
  account->require_subcommand(1);
  account->footer("`txtchat account VERB --help` shows examples.");
  AddNewTokenVerbs(account);
  AddCredentialVerbs(account);

  CLI::App* exported =
      SubVerb(account, "export", "Print everything that you have posted, one JSON object a line",
              "  txtchat account export > mine.jsonl\n  txtchat account export | jq -r .text",
              [this] { return RunExport(Account()); });
  AddToken(exported, TokenUse::kRequired);

  CLI::App* erase =
      SubVerb(account, "erase", "End your user and erase everything that it has posted",
              "  txtchat account erase --token-file ~/.txtchat-token\n"
              "  txtchat account erase --yes --password-file secret\n"
              "Asks for the user's id first. There is no way back.",
              [this] { return RunErase(Account()); });
  AddToken(erase, TokenUse::kRequired);
  AddPassword(erase);
  erase->add_flag("--yes", flags_.yes, "Do not ask");
}

}  // namespace txtchat::client
