#include "client/account_verbs.h"

#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <random>
#include <thread>

#include "client/backoff.h"
#include "client/caller.h"
#include "client/exit_code.h"
#include "client/json_output.h"
#include "client/secrets.h"
#include "client/terminal_text.h"
#include "txtchat/v1/accounts.grpc.pb.h"

namespace txtchat::client {
namespace {

using Accounts = Caller<v1::AccountService>;
using Stub = v1::AccountService::Stub;

// Whether a password may go to the server; says so if not.
bool MaySendPassword(const AccountOptions& options) {
  const Endpoint& server = options.script.server;
  if (server.tls.on || server.IsLoopback() || options.plain_password) return true;
  PrintError("txtchat: nothing was sent: without --tls everybody between here and " +
             server.ToString() +
             " could read the password. --plain-password sends it all the same.");
  return false;
}

std::string WhoIs(const v1::User& user) {
  return SanitizeLine(user.display_name()) + ", id " + SanitizeLine(user.id());
}

// The server's own words: advice about tokens that have ended would mislead here.
int FailWithPassword(const ScriptOptions& options, const std::string& what,
                     const grpc::Status& status) {
  if (status.error_code() != grpc::StatusCode::UNAUTHENTICATED) return Fail(options, what, status);
  PrintError(what + ": " + BriefReason(status));
  return ExitCodeOf(status);
}

// For create and login, whose requests and responses have the same fields.
template <typename Request, typename Response>
int GetToken(const AccountOptions& options, Accounts::Method<Request, Response> method,
             Request request, const std::string& what, bool is_new) {
  if (!MaySendPassword(options)) return kExitUsage;
  NewTokenFile file;
  if (!options.token_file.empty()) {
    if (const absl::Status opened = file.Open(options.token_file); !opened.ok()) {
      return WrongUsage(std::string(opened.message()));
    }
  }
  auto password = ReadPassword("Password", options.password_file, is_new);
  if (!password.ok()) return WrongUsage(std::string(password.status().message()));
  request.set_password(*std::move(password));
  request.set_token_label(options.token_label);
  if (options.token_lifetime_s > 0) {
    request.mutable_token_lifetime()->set_seconds(
        static_cast<std::int64_t>(std::ceil(options.token_lifetime_s)));
  }
  Response response;
  Accounts accounts(options.script);
  const grpc::Status status = accounts.Call(method, request, &response);
  if (!status.ok()) return FailWithPassword(options.script, what, status);
  const bool to_file = !options.token_file.empty();
  if (to_file) {
    if (const absl::Status written = file.Write(response.token()); !written.ok()) {
      PrintError(std::string(written.message()));
      return kExitError;
    }
    PrintError("You are " + WhoIs(response.user()) + ". The token is in " + options.token_file +
               ", until " + Rfc3339(response.token_info().expire_time()) + ".");
  }
  if (options.script.json) {
    PrintLine(JsonOfLogin(response.user(), to_file ? "" : response.token(), response.token_info()));
  } else if (!to_file) {
    PrintLine(SanitizeLine(response.token()));
  }
  return kExitOk;
}

// Another try for a page that a busy server refuses, until the timeout has passed.
grpc::Status NextPage(Accounts& accounts, const ScriptOptions& options,
                      const v1::ExportMessagesRequest& request,
                      v1::ExportMessagesResponse* response) {
  std::mt19937 generator(std::random_device{}());
  Backoff backoff({std::chrono::milliseconds(100), std::chrono::milliseconds(2'000), 2.0, 0.5},
                  [&] { return std::uniform_real_distribution<double>(0.0, 1.0)(generator); });
  const auto give_up = std::chrono::steady_clock::now() + options.timeout;
  for (;;) {
    grpc::Status status = accounts.Call(&Stub::ExportMessages, request, response);
    if (status.error_code() != grpc::StatusCode::RESOURCE_EXHAUSTED) return status;
    const auto delay = backoff.Next();
    if (std::chrono::steady_clock::now() + delay > give_up) return status;
    std::this_thread::sleep_for(delay);
  }
}

// Whether whoever sits at the terminal wants `user` to end.
bool Confirms(const v1::User& user) {
  const std::string id = SanitizeLine(user.id());
  std::fprintf(stderr,
               "This ends %s and erases everything that it has ever posted. There is no way back.\n"
               "Type %s to go on: ",
               WhoIs(user).c_str(), id.c_str());
  std::string line;
  return std::getline(std::cin, line) && Trim(line) == id;
}

}  // namespace

int RunAccountCreate(const AccountOptions& options, const std::string& login,
                     const std::string& name) {
  v1::CreateAccountRequest request;
  request.set_login_name(login);
  request.set_display_name(name);
  return GetToken<v1::CreateAccountRequest, v1::CreateAccountResponse>(
      options, &Stub::CreateAccount, std::move(request), "cannot create the account",
      /*is_new=*/true);
}

int RunAccountLogin(const AccountOptions& options, const std::string& login) {
  v1::LoginRequest request;
  request.set_login_name(login);
  return GetToken<v1::LoginRequest, v1::LoginResponse>(options, &Stub::Login, std::move(request),
                                                       "cannot log in", /*is_new=*/false);
}

int RunWhoAmI(const AccountOptions& options) {
  v1::WhoAmIResponse response;
  const grpc::Status status =
      Accounts(options.script).Call(&Stub::WhoAmI, v1::WhoAmIRequest(), &response);
  if (!status.ok()) return Fail(options.script, "cannot ask whose the token is", status);
  const v1::User& user = response.user();
  PrintLine(options.script.json
                ? JsonOf(user)
                : SanitizeLine(user.id()) + "  " + SanitizeLine(user.display_name()));
  return kExitOk;
}

int RunSetName(const AccountOptions& options, const std::string& name) {
  v1::SetDisplayNameRequest request;
  request.set_display_name(name);
  v1::SetDisplayNameResponse response;
  const grpc::Status status =
      Accounts(options.script).Call(&Stub::SetDisplayName, request, &response);
  if (!status.ok()) return Fail(options.script, "cannot change the name", status);
  if (options.script.json) PrintLine(JsonOf(response.user()));
  return kExitOk;
}

int RunTokens(const AccountOptions& options) {
  v1::ListTokensResponse response;
  const grpc::Status status =
      Accounts(options.script).Call(&Stub::ListTokens, v1::ListTokensRequest(), &response);
  if (!status.ok()) return Fail(options.script, "cannot list the tokens", status);
  for (const v1::Token& token : response.tokens()) {
    PrintLine(options.script.json
                  ? JsonOf(token)
                  : SanitizeLine(token.id()) + "  until " + Rfc3339(token.expire_time()) + "  " +
                        SanitizeLine(token.label()));
  }
  return kExitOk;
}

int RunRevokeToken(const AccountOptions& options, const std::string& token_id) {
  v1::RevokeTokenRequest request;
  request.set_token_id(token_id);
  v1::RevokeTokenResponse response;
  const grpc::Status status = Accounts(options.script).Call(&Stub::RevokeToken, request, &response);
  return status.ok() ? kExitOk : Fail(options.script, "cannot revoke the token", status);
}

int RunChangePassword(const AccountOptions& options) {
  if (!MaySendPassword(options)) return kExitUsage;
  auto former = ReadPassword("Password until now", options.password_file, /*is_new=*/false);
  if (!former.ok()) return WrongUsage(std::string(former.status().message()));
  auto password = ReadPassword("New password", options.new_password_file, /*is_new=*/true);
  if (!password.ok()) return WrongUsage(std::string(password.status().message()));
  v1::ChangePasswordRequest request;
  request.set_former_password(*std::move(former));
  request.set_password(*std::move(password));
  v1::ChangePasswordResponse response;
  const grpc::Status status =
      Accounts(options.script).Call(&Stub::ChangePassword, request, &response);
  if (!status.ok()) return FailWithPassword(options.script, "cannot change the password", status);
  PrintError("The password is another one now, and no other token is good any more.");
  return kExitOk;
}

int RunExport(const AccountOptions& options) {
  const bool shows_progress = isatty(STDERR_FILENO) != 0;
  Accounts accounts(options.script);
  v1::ExportMessagesRequest request;
  std::uint64_t messages = 0;
  do {
    v1::ExportMessagesResponse response;
    const grpc::Status status = NextPage(accounts, options.script, request, &response);
    if (!status.ok()) {
      if (shows_progress) std::fputc('\n', stderr);
      return Fail(options.script,
                  "the export is not complete, it ended after " + std::to_string(messages) +
                      (messages == 1 ? " message" : " messages"),
                  status);
    }
    for (const v1::Message& message : response.messages()) PrintLine(JsonOf(message));
    messages += static_cast<std::uint64_t>(response.messages_size());
    if (shows_progress) {
      std::fprintf(stderr, "\r%llu messages", static_cast<unsigned long long>(messages));
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  if (shows_progress) std::fputc('\n', stderr);
  return kExitOk;
}

int RunErase(const AccountOptions& options) {
  const bool at_terminal = isatty(STDIN_FILENO) != 0;
  if (!options.yes && !at_terminal) {
    return WrongUsage("nobody can be asked, the input is no terminal: --yes erases without asking");
  }
  Accounts accounts(options.script);
  v1::WhoAmIResponse me;
  grpc::Status status = accounts.Call(&Stub::WhoAmI, v1::WhoAmIRequest(), &me);
  // Whoever has a password has the token of this call; guests and vouched users have none.
  v1::ListTokensResponse tokens;
  if (status.ok()) status = accounts.Call(&Stub::ListTokens, v1::ListTokensRequest(), &tokens);
  if (!status.ok()) return Fail(options.script, "nothing was erased", status);
  const bool has_password = tokens.tokens_size() > 0;
  if (has_password && !MaySendPassword(options)) return kExitUsage;
  if (!options.yes && !Confirms(me.user())) {
    PrintError("That is not it. Nothing was erased.");
    return kExitError;
  }
  v1::EraseUserRequest request;
  if (has_password) {
    auto password = ReadPassword("Password", options.password_file, /*is_new=*/false);
    if (!password.ok()) return WrongUsage(std::string(password.status().message()));
    request.set_password(*std::move(password));
  }
  v1::EraseUserResponse response;
  status = accounts.Call(&Stub::EraseUser, request, &response);
  if (!status.ok()) {
    return FailWithPassword(options.script,
                            SurelyNotDone(status) ? "nothing was erased" : "cannot erase", status);
  }
  PrintError("Erased: " + WhoIs(me.user()) + ".");
  return kExitOk;
}

}  // namespace txtchat::client
