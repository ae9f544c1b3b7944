#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tests/client/fake_chat_service.h"
#include "txtchat/v1/accounts.grpc.pb.h"
#include "txtchat/v1/moderation.grpc.pb.h"

namespace txtchat::client {

// Accounts whose users are those of a FakeChatService, which must outlive it. Written from the
// .proto alone. Thread-safe.
class FakeAccountService : public v1::AccountService::Service {
 public:
  explicit FakeAccountService(FakeChatService& chat) : chat_(chat) {}

  // The next ExportMessages calls are answered RESOURCE_EXHAUSTED.
  void RefuseExports(int count);
  int logins() const;  // tried

 private:
  struct Account {
    std::string password;
    v1::User user;
    std::map<std::string, v1::Token> tokens;  // by the token itself
  };

  grpc::Status CreateAccount(grpc::ServerContext*, const v1::CreateAccountRequest*,
                             v1::CreateAccountResponse*) override;
  grpc::Status Login(grpc::ServerContext*, const v1::LoginRequest*, v1::LoginResponse*) override;
  grpc::Status WhoAmI(grpc::ServerContext*, const v1::WhoAmIRequest*, v1::WhoAmIResponse*) override;
  grpc::Status SetDisplayName(grpc::ServerContext*, const v1::SetDisplayNameRequest*,
                              v1::SetDisplayNameResponse*) override;
  grpc::Status ChangePassword(grpc::ServerContext*, const v1::ChangePasswordRequest*,
                              v1::ChangePasswordResponse*) override;
  grpc::Status ListTokens(grpc::ServerContext*, const v1::ListTokensRequest*,
                          v1::ListTokensResponse*) override;
  grpc::Status RevokeToken(grpc::ServerContext*, const v1::RevokeTokenRequest*,
                           v1::RevokeTokenResponse*) override;
  grpc::Status ExportMessages(grpc::ServerContext*, const v1::ExportMessagesRequest*,
                              v1::ExportMessagesResponse*) override;
  grpc::Status EraseUser(grpc::ServerContext*, const v1::EraseUserRequest*,
                         v1::EraseUserResponse*) override;

  // Null if the user has none.
  Account* AccountOfLocked(const std::string& user_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  template <typename Request, typename Response>
  void GiveTokenLocked(Account& account, const Request& request, Response* response)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  FakeChatService& chat_;
  mutable absl::Mutex mutex_;
  int next_ ABSL_GUARDED_BY(mutex_) = 1;
  int logins_ ABSL_GUARDED_BY(mutex_) = 0;
  int refused_exports_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, Account> accounts_ ABSL_GUARDED_BY(mutex_);  // by login name
};

// Lets every user do everything in every channel that there is, and remembers it. Thread-safe.
class FakeModerationService : public v1::ModerationService::Service {
 public:
  explicit FakeModerationService(FakeChatService& chat) : chat_(chat) {}

  // Each call with its request as JSON: `KickMember {"channelId":"c","userId":"u"}`.
  std::vector<std::string> acts() const;

 private:
#define TXTCHAT_FAKE_ACT(name)                                                      \
  grpc::Status name(grpc::ServerContext* context, const v1::name##Request* request, \
                    v1::name##Response* response) override {                        \
    grpc::Status status = Record(*context, #name, *request, request->channel_id()); \
    if (status.ok()) response->set_sequence(acts().size());                         \
    return status;                                                                  \
  }
  TXTCHAT_FAKE_ACT(SetTopic)
  TXTCHAT_FAKE_ACT(RenameChannel)
  TXTCHAT_FAKE_ACT(DeleteChannel)
  TXTCHAT_FAKE_ACT(DeleteMessage)
  TXTCHAT_FAKE_ACT(KickMember)
  TXTCHAT_FAKE_ACT(Ban)
  TXTCHAT_FAKE_ACT(Unban)
  TXTCHAT_FAKE_ACT(Mute)
  TXTCHAT_FAKE_ACT(Unmute)
  TXTCHAT_FAKE_ACT(SetRole)
  TXTCHAT_FAKE_ACT(AddMember)
#undef TXTCHAT_FAKE_ACT
  grpc::Status ListSanctions(grpc::ServerContext*, const v1::ListSanctionsRequest*,
                             v1::ListSanctionsResponse*) override;
  grpc::Status CreateInvite(grpc::ServerContext*, const v1::CreateInviteRequest*,
                            v1::CreateInviteResponse*) override;
  grpc::Status ListInvites(grpc::ServerContext*, const v1::ListInvitesRequest*,
                           v1::ListInvitesResponse*) override;
  grpc::Status RevokeInvite(grpc::ServerContext*, const v1::RevokeInviteRequest*,
                            v1::RevokeInviteResponse*) override;

  grpc::Status Record(const grpc::ServerContext& context, const std::string& call,
                      const google::protobuf::Message& request, const std::string& channel_id);

  FakeChatService& chat_;
  mutable absl::Mutex mutex_;
  std::vector<std::string> acts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace txtchat::client
