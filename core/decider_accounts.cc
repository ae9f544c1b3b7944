// Accounts, tokens, and users for whom somebody vouches.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/decider.h"
#include "core/text.h"

namespace txtchat {
namespace {

absl::Status NotThePassword() {
  return absl::UnauthenticatedError("the login name or the password is not right");
}

}  // namespace

// --- Who may come in.

absl::Status Decider::CheckLooks(const std::string& display_name, UserKind kind,
                                 const User* self) const {
  if (!state_.LooksLikeAnother(display_name, kind, self)) return absl::OkStatus();
  return absl::AlreadyExistsError(absl::StrCat(
      "the name ", Quoted(display_name), " looks like that of somebody else; take another one"));
}

absl::Status Decider::CheckNewName(const User& user, const std::string& display_name) const {
  if (absl::Status s = ValidateName("user name", display_name, limits_); !s.ok()) return s;
  if (user.kind == UserKind::kVouched) {
    return absl::FailedPreconditionError("your name is what your token says; get another token");
  }
  return CheckLooks(display_name, user.kind, &user);
}

absl::Status Decider::CheckRoomForAccount(UserKind kind) const {
  // Whoever likes can make accounts, and they never end: the operator's own users have room left.
  const std::size_t reserve = kind == UserKind::kVouched ? 0 : limits_.accounts_max / 4;
  if (state_.account_count() + reserve >= limits_.accounts_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the server has its most accounts (", limits_.accounts_max, ")"));
  }
  return CheckRoomForUser(kind);
}

std::string Decider::NewUserId() {
  std::uint64_t bits = envelope_.entropy;
  for (;;) {
    // Mixed (the finalizer of MurmurHash3), as the ids of channels come of the same bits.
    bits ^= bits >> 33;
    bits *= 0xFF51AFD7ED558CCDu;
    bits ^= bits >> 33;
    bits *= 0xC4CEB9FE1A85EC53u;
    bits ^= bits >> 33;
    std::string id = absl::StrFormat("%016x", bits);
    if (state_.FindUserById(id) == nullptr) return id;
    ++bits;
  }
}

absl::StatusOr<User*> Decider::VouchedUser(const Vouched& vouched) {
  if (vouched.expire_time_unix_ms <= envelope_.time_unix_ms) {
    return absl::UnauthenticatedError("the token has expired; get another one");
  }
  User* const known = state_.FindUserBySubject(vouched.subject);
  if (!vouched.display_name.empty()) {
    const absl::Status name = ValidateName("name in the token", vouched.display_name, limits_);
    if (!name.ok()) return name;
  }
  if (known != nullptr) {
    if (!vouched.display_name.empty() && vouched.display_name != known->display_name) {
      decision_.store.push_back(RenameUser{known->key, vouched.display_name});
      state_.Rename(*known, vouched.display_name);
    }
    return known;
  }
  if (absl::Status s = CheckRoomForAccount(UserKind::kVouched); !s.ok()) return s;
  std::string id = NewUserId();
  // Who vouches answers for the names.
  std::string name = vouched.display_name.empty() ? id : vouched.display_name;
  User& user = AddUser({.id = std::move(id),
                        .display_name = std::move(name),
                        .kind = UserKind::kVouched,
                        .subject = vouched.subject});
  TakeUpSanctions(user, vouched);
  EnterPersonalChannel(user);
  return &user;
}

// --- Tokens and sessions.

absl::Status Decider::CheckToken(const NewToken& token) const {
  absl::Status label =
      ValidateNote("label of the token", token.label, limits_.token_label_bytes_max);
  if (!label.ok()) return label;
  if (token.lifetime_ms <= 0 || token.lifetime_ms > limits_.token_lifetime_max_ms) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a token lasts from 1 to ", limits_.token_lifetime_max_ms / 1'000, " seconds"));
  }
  return absl::OkStatus();
}

TokenRow Decider::AddToken(const User& user, NewToken token) {
  const std::vector<const TokenRow*> tokens = state_.TokensOf(user);
  if (tokens.size() >= limits_.tokens_per_user_max) {
    DropToken(user, std::string(tokens.front()->hash),
              absl::UnauthenticatedError("a newer token has taken the place of this one"));
  }
  TokenRow row{.hash = std::move(token.hash),
               .id = std::move(token.id),
               .user = user.key,
               .label = std::move(token.label),
               .create_time_unix_ms = envelope_.time_unix_ms,
               .expire_time_unix_ms = envelope_.time_unix_ms + token.lifetime_ms};
  decision_.store.push_back(PutToken{row});
  state_.AddToken(row);
  return row;
}

void Decider::DropToken(const User& user, const std::string& hash, const absl::Status& reason) {
  const std::vector<SessionId> sessions = user.sessions;
  for (SessionId id : sessions) {
    Session& session = *state_.FindSession(id);
    if (session.token_hash == hash) EndSession(session, reason);
  }
  decision_.store.push_back(DeleteToken{hash});
  state_.RemoveToken(hash);
}

std::string Decider::TokenOfActor() {
  const Actor& actor = envelope_.actor;
  if (!actor.credential.empty()) return actor.credential;
  const Session* const session = state_.FindSession(actor.session);
  return session == nullptr ? "" : session->token_hash;
}

void Decider::EndSession(Session& session, const absl::Status& reason) {
  const User& user = *state_.FindUser(session.user);
  for (ChannelKey key : user.channels) {
    const Channel& channel = *state_.FindChannel(key);
    if (session.Follows(channel)) EndSubscription(session, channel, channel.head);
  }
  decision_.steps.push_back(SessionEndStep{session.spec, reason});
  state_.RemoveSession(session, envelope_.time_unix_ms);
}

void Decider::NoteExpiry(Session& session) {
  const Actor& actor = envelope_.actor;
  if (actor.vouched != nullptr) {
    state_.SetExpiry(session, "", actor.vouched->expire_time_unix_ms);
  } else if (const TokenRow* const token = state_.FindToken(actor.credential)) {
    state_.SetExpiry(session, token->hash, token->expire_time_unix_ms);
  }
}

absl::StatusOr<Result> Decider::Handle(ListTokens&) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  TokenList list;
  for (const TokenRow* token : state_.TokensOf(**user)) list.tokens.push_back(*token);
  return list;
}

absl::StatusOr<Result> Decider::Handle(RevokeToken& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  for (const TokenRow* token : state_.TokensOf(**user)) {
    if (token->id != command.token_id) continue;
    DropToken(**user, std::string(token->hash),
              absl::UnauthenticatedError("the token was revoked; log in again"));
    return std::monostate{};
  }
  return absl::NotFoundError(absl::StrCat("you have no token ", Quoted(command.token_id)));
}

// --- Accounts.

absl::StatusOr<Result> Decider::Handle(SetDisplayName& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  if (absl::Status s = CheckNewName(**user, command.display_name); !s.ok()) return s;
  decision_.store.push_back(RenameUser{(*user)->key, command.display_name});
  state_.Rename(**user, std::move(command.display_name));
  return Registered{InfoOf(**user)};
}

absl::StatusOr<Result> Decider::Handle(CreateAccount& command) {
  if (!limits_.accounts_open) {
    return absl::PermissionDeniedError("accounts are made by the operator of this server");
  }
  if (absl::Status s = ValidateName("user name", command.display_name, limits_); !s.ok()) return s;
  if (absl::Status s = ValidateLogin(command.login, limits_); !s.ok()) return s;
  if (absl::Status s = CheckToken(command.token); !s.ok()) return s;
  if (state_.FindUserByLogin(command.login) != nullptr) {
    return absl::AlreadyExistsError(
        absl::StrCat("the login name ", Quoted(command.login), " is taken; choose another one"));
  }
  absl::Status looks = CheckLooks(command.display_name, UserKind::kAccount, nullptr);
  if (!looks.ok()) return looks;
  if (absl::Status s = CheckRoomForAccount(UserKind::kAccount); !s.ok()) return s;
  User& user = AddUser({.id = std::move(command.user_id),
                        .display_name = std::move(command.display_name),
                        .kind = UserKind::kAccount,
                        .login = std::move(command.login),
                        .password_hash = std::move(command.password_hash)});
  EnterPersonalChannel(user);
  return AccountOpened{InfoOf(user), AddToken(user, std::move(command.token))};
}

absl::StatusOr<Result> Decider::Handle(FindLogin& command) {
  const User* const user = state_.FindUserByLogin(command.login);
  if (user == nullptr) return LoginFound{};
  return LoginFound{user->key, user->account->password_hash};
}

absl::StatusOr<Result> Decider::Handle(FindOwnLogin&) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  if ((*user)->kind != UserKind::kAccount) {
    return absl::FailedPreconditionError("you have no account here, and so no password");
  }
  return LoginFound{(*user)->key, (*user)->account->password_hash, (*user)->account->login};
}

absl::StatusOr<Result> Decider::Handle(EnterAccount& command) {
  User* const user = state_.FindUser(command.user);
  const bool still_right = user != nullptr && user->kind == UserKind::kAccount &&
                           user->account->HasPassword(command.password_hash);
  if (!still_right) return NotThePassword();
  if (state_.FindSession(command.session.id) != nullptr) {
    return absl::FailedPreconditionError(
        "this connection has its user already; connect anew to be another");
  }
  const bool opens = command.session.id != 0;
  if (opens) {
    if (absl::Status s = CheckRoomForSession(*user); !s.ok()) return s;
  }
  const bool makes_token = !command.token.hash.empty();
  if (makes_token) {
    if (absl::Status s = CheckToken(command.token); !s.ok()) return s;
  }
  state_.Touch(*user, envelope_.time_unix_ms);
  if (!command.renewed_hash.empty() && user->account->password_hash == command.password_hash) {
    state_.RenewPassword(*user, std::move(command.renewed_hash));
    decision_.store.push_back(PutUser{ChatState::RowOf(*user)});
  }
  AccountOpened opened{InfoOf(*user), {}};
  if (makes_token) opened.token = AddToken(*user, std::move(command.token));
  if (!opens) return opened;
  const Session& session = state_.AddSession(command.session, *user, {});
  for (ChannelKey key : user->channels) {
    const Channel& channel = *state_.FindChannel(key);
    StartSession(session, channel, channel.head);
  }
  return opened;
}

absl::StatusOr<Result> Decider::Handle(ChangePassword& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  const bool right =
      (*user)->kind == UserKind::kAccount && (*user)->account->HasPassword(command.former_hash);
  if (!right) return NotThePassword();
  state_.SetPassword(**user, std::move(command.password_hash));
  decision_.store.push_back(PutUser{ChatState::RowOf(**user)});
  const absl::Status changed = absl::UnauthenticatedError("the password was changed; log in again");
  const std::string own = TokenOfActor();
  for (const TokenRow* token : state_.TokensOf(**user)) {
    if (token->hash != own) DropToken(**user, std::string(token->hash), changed);
  }
  // Those that were opened by the password itself.
  const std::vector<SessionId> sessions = (*user)->sessions;
  for (SessionId id : sessions) {
    Session& session = *state_.FindSession(id);
    if (session.token_hash.empty()) EndSession(session, changed);
  }
  return std::monostate{};
}

absl::StatusOr<Result> Decider::Handle(EraseUserData& command) {
  absl::StatusOr<User*> user = ActingUser();
  if (!user.ok()) return user.status();
  if ((*user)->ends_with_session()) {
    return absl::FailedPreconditionError(
        "your id may have been another's before; remove your messages one by one");
  }
  if ((*user)->kind == UserKind::kVouched && envelope_.actor.vouched == nullptr) {
    // Its bans and mutes could not be kept.
    return absl::FailedPreconditionError("show the token that says who you are with this command");
  }
  const bool account = (*user)->kind == UserKind::kAccount;
  if (account && !(*user)->account->HasPassword(command.password_hash)) return NotThePassword();
  const std::string id = (*user)->id;
  EndUser(**user, absl::UnauthenticatedError("the user was erased"));
  if (Channel* const personal = state_.FindChannelById(id)) {
    // Others are still in it.
    decision_.store.push_back(DescribeChannel{personal->key, kErasedName, personal->extra().topic});
    state_.Describe(*personal, kErasedName, personal->extra().topic);
  }
  decision_.store.push_back(EraseUser{id, kErasedName});
  decision_.steps.push_back(EraseAllStep{});
  return std::monostate{};
}

}  // namespace txtchat
