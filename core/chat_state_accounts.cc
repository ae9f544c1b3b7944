// Accounts, tokens, and names that look alike.
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "core/chat_state.h"

namespace txtchat {

User* ChatState::FindUserByLogin(const std::string& login) {
  const auto it = users_by_login_.find(login);
  return it == users_by_login_.end() ? nullptr : FindUser(it->second);
}

User* ChatState::FindUserBySubject(const std::string& subject) {
  const auto it = users_by_subject_.find(subject);
  return it == users_by_subject_.end() ? nullptr : FindUser(it->second);
}

void ChatState::SetPassword(User& user, std::string password_hash) {
  ReplacePassword(user, std::move(password_hash), "");
}

void ChatState::RenewPassword(User& user, std::string password_hash) {
  ReplacePassword(user, std::move(password_hash), user.account->password_hash);
}

void ChatState::ReplacePassword(User& user, std::string password_hash, std::string renewed_from) {
  Account& account = *user.account;
  std::swap(account.password_hash, password_hash);
  std::swap(account.renewed_from, renewed_from);
  journal_.Record([&account, old = std::move(password_hash), from = std::move(renewed_from)] {
    account.password_hash = old;
    account.renewed_from = from;
  });
}

UserRow ChatState::RowOf(const User& user) {
  UserRow row{.key = user.key,
              .id = user.id,
              .display_name = user.display_name,
              .credential = user.credential,
              .kind = user.kind};
  if (user.account != nullptr) {
    row.login = user.account->login;
    row.password_hash = user.account->password_hash;
    row.subject = user.account->subject;
  }
  return row;
}

// --- Names.

void ChatState::NoteName(const User& user) {
  if (names_ == nullptr) return;
  for (const std::string& skeleton : names_->Skeletons(user.display_name)) {
    NameUse& use = names_in_use_[skeleton];
    if (user.kind == UserKind::kGuest) {
      ++use.guests;
      use.guest_name = user.display_name;
    } else {
      ++use.protected_users;
    }
  }
}

void ChatState::ForgetName(const User& user) {
  if (names_ == nullptr) return;
  for (const std::string& skeleton : names_->Skeletons(user.display_name)) {
    const auto it = names_in_use_.find(skeleton);
    --(user.kind == UserKind::kGuest ? it->second.guests : it->second.protected_users);
    if (it->second.guests + it->second.protected_users == 0) names_in_use_.erase(it);
  }
}

bool ChatState::LooksLikeAnother(const std::string& display_name, UserKind kind,
                                 const User* self) const {
  if (names_ == nullptr || !limits_.refuse_look_alikes) return false;
  std::vector<std::string> own;
  if (self != nullptr) own = names_->Skeletons(self->display_name);
  for (const std::string& skeleton : names_->Skeletons(display_name)) {
    const auto it = names_in_use_.find(skeleton);
    if (it == names_in_use_.end()) continue;
    NameUse others = it->second;
    if (absl::c_linear_search(own, skeleton)) {
      --(self->kind == UserKind::kGuest ? others.guests : others.protected_users);
    }
    if (others.protected_users > 0) return true;
    // Guests among themselves may have the very same name.
    const bool same = kind == UserKind::kGuest && others.guest_name == display_name;
    if (others.guests > 0 && !same) return true;
  }
  return false;
}

// --- Tokens.

const TokenRow* ChatState::FindToken(const std::string& hash) const {
  const auto it = tokens_.find(hash);
  return it == tokens_.end() ? nullptr : &it->second;
}

std::vector<const TokenRow*> ChatState::TokensOf(const User& user) const {
  std::vector<const TokenRow*> tokens;
  for (auto it = tokens_by_user_.lower_bound({user.key, 0, ""});
       it != tokens_by_user_.end() && std::get<0>(*it) == user.key; ++it) {
    tokens.push_back(FindToken(std::get<2>(*it)));
  }
  return tokens;
}

void ChatState::InsertToken(TokenRow token) {
  tokens_by_user_.insert({token.user, token.expire_time_unix_ms, token.hash});
  token_deadlines_.insert({token.expire_time_unix_ms, token.hash});
  std::string hash = token.hash;
  tokens_.insert_or_assign(std::move(hash), std::move(token));
}

TokenRow ChatState::ExtractToken(const std::string& hash) {
  const auto it = tokens_.find(hash);
  TokenRow token = std::move(it->second);
  tokens_.erase(it);
  tokens_by_user_.erase({token.user, token.expire_time_unix_ms, token.hash});
  token_deadlines_.erase({token.expire_time_unix_ms, token.hash});
  return token;
}

void ChatState::AddToken(TokenRow token) {
  std::string hash = token.hash;
  InsertToken(std::move(token));
  journal_.Record([this, hash = std::move(hash)] { ExtractToken(hash); });
}

void ChatState::RemoveToken(const std::string& hash) {
  journal_.Record(
      [this, removed = ExtractToken(hash)]() mutable { InsertToken(std::move(removed)); });
}

// --- What falls due.

void ChatState::SetExpiry(Session& session, std::string token_hash,
                          std::int64_t expire_time_unix_ms) {
  // Undone with the session itself.
  session.token_hash = std::move(token_hash);
  session.expire_time_unix_ms = expire_time_unix_ms;
  if (expire_time_unix_ms != 0) session_deadlines_.insert({expire_time_unix_ms, session.spec.id});
}

std::vector<SessionId> ChatState::ExpiredSessions(std::int64_t now_unix_ms) const {
  std::vector<SessionId> expired;
  for (auto it = session_deadlines_.begin();
       it != session_deadlines_.end() && it->first <= now_unix_ms; ++it) {
    expired.push_back(it->second);
  }
  return expired;
}

std::vector<std::string> ChatState::ExpiredTokens(std::int64_t now_unix_ms) const {
  constexpr std::size_t kAtOnce = 1'000;
  std::vector<std::string> expired;
  for (auto it = token_deadlines_.begin();
       it != token_deadlines_.end() && it->first <= now_unix_ms && expired.size() < kAtOnce; ++it) {
    expired.push_back(it->second);
  }
  return expired;
}

}  // namespace txtchat
