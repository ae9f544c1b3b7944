#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "client/account_verbs.h"
#include "client/endpoint.h"
#include "client/moderation_verbs.h"
#include "client/script_verbs.h"

namespace txtchat::client {

// What the command line can hold, for all verbs.
struct Flags {
  std::string server;
  bool tls = false;
  std::string tls_ca;
  std::string tls_cert;
  std::string tls_key;
  double timeout_s = 10;
  std::string name;
  std::string token_file;
  std::string token;  // from the file or the environment
  bool json = false;
  bool exit_on_eof = false;
  std::string channel;
  std::vector<std::string> channels;
  std::vector<std::string> words;
  std::uint64_t count = 0;
  bool events = false;
  bool reconnect = false;
  bool joined = false;
  bool token_only = false;
  bool is_private = false;
  std::string login;
  std::string label;
  std::string password_file;
  std::string new_password_file;
  bool plain_password = false;
  bool yes = false;
  std::string subject;  // a user, an address range, a token: whom or what it is about
  std::string reason;
  std::string role;
  double seconds = 0;
  std::uint32_t uses = 1;
  std::uint64_t sequence = 0;

  std::chrono::milliseconds timeout() const {
    return std::chrono::milliseconds(static_cast<std::int64_t>(timeout_s * 1000));
  }
};

// Builds the commands, and keeps what they refer to. Not movable: CLI11 holds pointers into it.
class Cli {
 public:
  enum class TokenUse { kNone, kOptional, kRequired, kWritten };

  Cli();
  int Run(int argc, const char* const* argv);

 private:
  CLI::App* Verb(const std::string& name, const std::string& what, const std::string& examples,
                 std::uint16_t port, std::function<int()> run);
  // A verb of gRPC below another: `txtchat account login`.
  CLI::App* SubVerb(CLI::App* parent, const std::string& name, const std::string& what,
                    const std::string& examples, std::function<int()> run);
  CLI::App* Prepare(CLI::App* verb, const std::string& examples, std::uint16_t port,
                    std::function<int()> run);
  void AddTls(CLI::App* verb);
  std::string ReadTls();
  // Who acts: a token, and if it may be missing, a guest of this name.
  void AddToken(CLI::App* verb, TokenUse use);
  std::string ReadToken();
  void AddUser(CLI::App* verb);
  void AddJson(CLI::App* verb);
  void AddChatVerbs();
  void AddScriptVerbs();
  void AddSetUpVerbs();
  void AddAccountVerbs();  // cli_account.cc
  void AddNewTokenVerbs(CLI::App* account);
  void AddCredentialVerbs(CLI::App* account);
  void AddPassword(CLI::App* verb);
  AccountOptions Account() const;
  void AddModerationVerbs();  // cli_moderation.cc
  void AddInviteVerbs(CLI::App* mod);
  void AddMemberActs(CLI::App* mod);
  CLI::App* Act(CLI::App* mod, const std::string& name, const std::string& what,
                const std::string& examples, int (*run)(const ModerationOptions&));
  ModerationOptions Moderation() const;
  int RunLine();
  int RunChat();
  int RunSendVerb();
  void Unmark();
  ScriptOptions Script() const;

  CLI::App app_{
      "Txt Chat's command-line client: chat over the line protocol or gRPC, and verbs for "
      "scripts.",
      "txtchat"};
  Flags flags_;
  Endpoint server_;
  std::function<int()> run_;
  TokenUse token_use_ = TokenUse::kNone;
  CLI::Option* chat_name_ = nullptr;
  std::uint16_t default_port_ = 0;
};

}  // namespace txtchat::client
