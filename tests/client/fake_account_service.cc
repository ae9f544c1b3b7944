#include "tests/client/fake_account_service.h"

#include <google/protobuf/util/json_util.h>

namespace txtchat::client {
namespace {

const grpc::Status kUnknownToken(grpc::StatusCode::UNAUTHENTICATED, "not a token of this server");
const grpc::Status kWrongPassword(grpc::StatusCode::UNAUTHENTICATED, "the password is not right");

}  // namespace

FakeAccountService::Account* FakeAccountService::AccountOfLocked(const std::string& user_id) {
  for (auto& [login, account] : accounts_) {
    if (account.user.id() == user_id) return &account;
  }
  return nullptr;
}

template <typename Request, typename Response>
void FakeAccountService::GiveTokenLocked(Account& account, const Request& request,
                                         Response* response) {
  const std::string number = std::to_string(next_++);
  const std::string token = "secret-" + number;
  v1::Token& info = account.tokens[token];
  info.set_id("t" + number);
  info.set_label(request.token_label());
  info.mutable_expire_time()->set_seconds(request.token_lifetime().seconds());
  chat_.AddUser(token, account.user);
  *response->mutable_user() = account.user;
  response->set_token(token);
  *response->mutable_token_info() = info;
}

grpc::Status FakeAccountService::CreateAccount(grpc::ServerContext*,
                                               const v1::CreateAccountRequest* request,
                                               v1::CreateAccountResponse* response) {
  absl::MutexLock lock(&mutex_);
  if (accounts_.contains(request->login_name())) {
    return {grpc::StatusCode::ALREADY_EXISTS, "the login name is taken"};
  }
  Account& account = accounts_[request->login_name()];
  account.password = request->password();
  account.user.set_id("account-" + std::to_string(next_++));
  account.user.set_display_name(request->display_name());
  GiveTokenLocked(account, *request, response);
  return grpc::Status::OK;
}

grpc::Status FakeAccountService::Login(grpc::ServerContext*, const v1::LoginRequest* request,
                                       v1::LoginResponse* response) {
  absl::MutexLock lock(&mutex_);
  ++logins_;
  const auto account = accounts_.find(request->login_name());
  if (account == accounts_.end() || account->second.password != request->password()) {
    return kWrongPassword;
  }
  GiveTokenLocked(account->second, *request, response);
  return grpc::Status::OK;
}

grpc::Status FakeAccountService::WhoAmI(grpc::ServerContext* context, const v1::WhoAmIRequest*,
                                        v1::WhoAmIResponse* response) {
  *response->mutable_user() = chat_.UserOf(*context);
  return response->user().id().empty() ? kUnknownToken : grpc::Status::OK;
}

grpc::Status FakeAccountService::SetDisplayName(grpc::ServerContext* context,
                                                const v1::SetDisplayNameRequest* request,
                                                v1::SetDisplayNameResponse* response) {
  absl::MutexLock lock(&mutex_);
  Account* account = AccountOfLocked(chat_.UserOf(*context).id());
  if (account == nullptr) return kUnknownToken;
  account->user.set_display_name(request->display_name());
  for (const auto& [token, info] : account->tokens) chat_.AddUser(token, account->user);
  *response->mutable_user() = account->user;
  return grpc::Status::OK;
}

grpc::Status FakeAccountService::ChangePassword(grpc::ServerContext* context,
                                                const v1::ChangePasswordRequest* request,
                                                v1::ChangePasswordResponse*) {
  absl::MutexLock lock(&mutex_);
  Account* account = AccountOfLocked(chat_.UserOf(*context).id());
  if (account == nullptr) return kUnknownToken;
  if (account->password != request->former_password()) return kWrongPassword;
  account->password = request->password();
  return grpc::Status::OK;
}

grpc::Status FakeAccountService::ListTokens(grpc::ServerContext* context,
                                            const v1::ListTokensRequest*,
                                            v1::ListTokensResponse* response) {
  absl::MutexLock lock(&mutex_);
  const std::string caller = chat_.UserOf(*context).id();
  if (caller.empty()) return kUnknownToken;
  const Account* account = AccountOfLocked(caller);
  if (account == nullptr) return grpc::Status::OK;
  for (const auto& [token, info] : account->tokens) *response->add_tokens() = info;
  return grpc::Status::OK;
}

grpc::Status FakeAccountService::RevokeToken(grpc::ServerContext* context,
                                             const v1::RevokeTokenRequest* request,
                                             v1::RevokeTokenResponse*) {
  absl::MutexLock lock(&mutex_);
  Account* account = AccountOfLocked(chat_.UserOf(*context).id());
  if (account == nullptr) return kUnknownToken;
  for (const auto& [token, info] : account->tokens) {
    if (info.id() != request->token_id()) continue;
    chat_.RemoveToken(token);
    account->tokens.erase(token);
    return grpc::Status::OK;
  }
  return {grpc::StatusCode::NOT_FOUND, "no such token"};
}

// One message a page, and an empty page before each: whoever stops early is caught.
grpc::Status FakeAccountService::ExportMessages(grpc::ServerContext* context,
                                                const v1::ExportMessagesRequest* request,
                                                v1::ExportMessagesResponse* response) {
  absl::MutexLock lock(&mutex_);
  const std::string caller = chat_.UserOf(*context).id();
  if (caller.empty()) return kUnknownToken;
  if (refused_exports_ > 0) {
    --refused_exports_;
    return {grpc::StatusCode::RESOURCE_EXHAUSTED, "too much at once"};
  }
  const std::vector<v1::Message> messages = chat_.messages_of(caller);
  const std::size_t page = request->page_token().empty() ? 0 : std::stoul(request->page_token());
  if (page % 2 == 1) *response->add_messages() = messages.at(page / 2);
  if (page < messages.size() * 2) response->set_next_page_token(std::to_string(page + 1));
  return grpc::Status::OK;
}

grpc::Status FakeAccountService::EraseUser(grpc::ServerContext* context,
                                           const v1::EraseUserRequest* request,
                                           v1::EraseUserResponse*) {
  absl::MutexLock lock(&mutex_);
  const std::string caller = chat_.UserOf(*context).id();
  if (caller.empty()) return kUnknownToken;
  const Account* account = AccountOfLocked(caller);
  if (account == nullptr) {
    chat_.ForgetUsers();
    return grpc::Status::OK;
  }
  if (account->password != request->password()) return kWrongPassword;
  for (const auto& [token, info] : account->tokens) chat_.RemoveToken(token);
  std::erase_if(accounts_, [&](const auto& entry) { return entry.second.user.id() == caller; });
  return grpc::Status::OK;
}

void FakeAccountService::RefuseExports(int count) {
  absl::MutexLock lock(&mutex_);
  refused_exports_ = count;
}

int FakeAccountService::logins() const {
  absl::MutexLock lock(&mutex_);
  return logins_;
}

grpc::Status FakeModerationService::Record(const grpc::ServerContext& context,
                                           const std::string& call,
                                           const google::protobuf::Message& request,
                                           const std::string& channel_id) {
  if (chat_.UserOf(context).id().empty()) return kUnknownToken;
  if (!chat_.HasChannel(channel_id)) {
    return {grpc::StatusCode::NOT_FOUND, "no channel has this id"};
  }
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(request, &json).ok()) json = "?";
  absl::MutexLock lock(&mutex_);
  acts_.push_back(call + " " + json);
  return grpc::Status::OK;
}

std::vector<std::string> FakeModerationService::acts() const {
  absl::MutexLock lock(&mutex_);
  return acts_;
}

grpc::Status FakeModerationService::ListSanctions(grpc::ServerContext* context,
                                                  const v1::ListSanctionsRequest* request,
                                                  v1::ListSanctionsResponse* response) {
  v1::Sanction& ban = *response->add_sanctions();
  ban.set_kind(v1::Sanction::KIND_BAN);
  ban.set_subject("192.0.2.0/24");
  v1::Sanction& mute = *response->add_sanctions();
  mute.set_kind(v1::Sanction::KIND_MUTE);
  mute.set_subject("u1");
  mute.set_subject_name("bob");
  mute.set_reason("noise\x1b[2J");
  mute.mutable_until()->set_seconds(1'700'000'000);
  return Record(*context, "ListSanctions", *request, request->channel_id());
}

grpc::Status FakeModerationService::CreateInvite(grpc::ServerContext* context,
                                                 const v1::CreateInviteRequest* request,
                                                 v1::CreateInviteResponse* response) {
  response->set_code("to-" + request->channel_id());
  response->mutable_invite()->set_id("i1");
  response->mutable_invite()->set_uses_left(request->uses_max());
  return Record(*context, "CreateInvite", *request, request->channel_id());
}

grpc::Status FakeModerationService::ListInvites(grpc::ServerContext* context,
                                                const v1::ListInvitesRequest* request,
                                                v1::ListInvitesResponse* response) {
  v1::Invite& one = *response->add_invites();
  one.set_id("i1");
  one.set_uses_left(1);
  one.mutable_expire_time()->set_seconds(1'700'000'000);
  one.set_by_user_id("u1");
  v1::Invite& other = *response->add_invites();
  other = one;
  other.set_id("i2\x1b[2J");
  other.set_uses_left(5);
  return Record(*context, "ListInvites", *request, request->channel_id());
}

grpc::Status FakeModerationService::RevokeInvite(grpc::ServerContext* context,
                                                 const v1::RevokeInviteRequest* request,
                                                 v1::RevokeInviteResponse*) {
  if (request->invite_id() != "i1") return {grpc::StatusCode::NOT_FOUND, "no such invite"};
  return Record(*context, "RevokeInvite", *request, request->channel_id());
}

}  // namespace txtchat::client
