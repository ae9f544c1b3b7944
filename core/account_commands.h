// What users ask of their accounts (core/command.h has the rest), and what is answered. AccountGate
// (core/account_gate.h) has passwords hashed and checked around these.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/message_store.h"
#include "core/session_spec.h"

namespace txtchat {

/// A token that is to be: its hash and what is said of it.
struct NewToken {
  std::string hash;
  std::string id;
  std::string label;  ///< As the user gave it, to tell its tokens apart. May be empty.
  std::int64_t lifetime_ms = 0;
};

/// Makes an account, with its personal channel and a first token. Answers AccountOpened.
/// PERMISSION_DENIED  accounts are made by the operator only
/// ALREADY_EXISTS     the login name is taken, or the display name looks like one that is in use
/// INVALID_ARGUMENT   a name is refused
struct CreateAccount {
  std::string user_id;
  std::string login;  ///< In its one form (NameFolder::FoldLogin).
  std::string display_name;
  std::string password_hash;
  NewToken token;
};

/// From within: what to check a password against. Answers LoginFound, for an unknown login name
/// with user 0 and an empty hash.
struct FindLogin {
  std::string login;
};

/// From within: the same for the actor. FAILED_PRECONDITION: the actor has no password.
struct FindOwnLogin {};

/// From within: a password was right. Makes a token, or opens a session that follows all of the
/// user's channels. Answers AccountOpened. UNAUTHENTICATED: it is the password no longer.
struct EnterAccount {
  UserKey user = 0;
  std::string password_hash;
  NewToken token;            ///< Without a hash: none.
  SessionSpec session;       ///< With id 0: none.
  std::string renewed_hash;  ///< Of the same password, to be kept from now on. Empty: as it is.
};

/// From within: the former password was right. Revokes all tokens but the one that the actor shows,
/// or that its session was opened with; ends their sessions, and those that the password opened.
/// Answers monostate. UNAUTHENTICATED: it is the password no longer.
struct ChangePassword {
  std::string former_hash;
  std::string password_hash;
};

/// Answers TokenList: the actor's tokens, those that expire first in front. Of a guest: none.
struct ListTokens {};

/// Revokes a token of the actor and ends the sessions that were opened with it. Answers monostate.
/// NOT_FOUND
struct RevokeToken {
  std::string token_id;
};

/// Ends the actor's user, and erases everything that it has ever posted: tombstones stay. Of an
/// account, from within: its password was right. Answers monostate.
/// UNAUTHENTICATED      it is the password no longer
/// FAILED_PRECONDITION  a guest without a token, whose id may have been another's, with what that
///                      has said; or a vouched user whom nobody vouches for with the command
struct EraseUserData {
  std::string password_hash;  ///< Of an account.
};

// --- Answers.

struct AccountOpened {
  UserInfo user;
  TokenRow token;  ///< Without a hash if there is none.
};

struct LoginFound {
  UserKey user = 0;
  std::string password_hash;
  std::string login;  ///< Of FindOwnLogin: which was not asked for by name.
};

struct TokenList {
  std::vector<TokenRow> tokens;
};

}  // namespace txtchat
