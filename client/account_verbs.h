#pragma once

#include <string>

#include "client/script_verbs.h"

namespace txtchat::client {

// `txtchat account`: like the verbs for scripts (script_verbs.h), about the user itself. A password
// goes over a plain connection only within the machine, unless `plain_password`.
struct AccountOptions {
  ScriptOptions script;
  std::string token_file;         // where create and login write the token; empty: printed
  std::string token_label;        // of that token
  double token_lifetime_s = 0;    // 0: what the server does by itself
  std::string password_file;      // of the password until now; empty: typed, or from the input
  std::string new_password_file;  // of another
  bool plain_password = false;
  bool yes = false;  // erases without asking
};

// Makes an account; the token as for RunAccountLogin.
int RunAccountCreate(const AccountOptions& options, const std::string& login,
                     const std::string& name);

// Gets a token and writes it to the file, or prints it.
int RunAccountLogin(const AccountOptions& options, const std::string& login);

// Prints whose the token is.
int RunWhoAmI(const AccountOptions& options);

// Gives the user another display name.
int RunSetName(const AccountOptions& options, const std::string& name);

// Prints what is known of the account's tokens, which is not the tokens themselves.
int RunTokens(const AccountOptions& options);

int RunRevokeToken(const AccountOptions& options, const std::string& token_id);

int RunChangePassword(const AccountOptions& options);

// Prints everything that the user has posted, as JSON lines.
int RunExport(const AccountOptions& options);

// Ends the user and erases what it has posted, once whoever sits at the terminal has typed its id.
int RunErase(const AccountOptions& options);

}  // namespace txtchat::client
