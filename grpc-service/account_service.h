#pragma once

#include <cstddef>

#include "grpc-service/call_runner.h"
#include "grpc-service/rpc_options.h"
#include "grpc-service/sealed_position.h"
#include "txtchat/v1/accounts.grpc.pb.h"

namespace txtchat::rpc {

// Raw bytes, as ChatService takes them, and for the same reason.
using RawAccountService = v1::AccountService::WithRawCallbackMethod_CreateAccount<
    v1::AccountService::WithRawCallbackMethod_Login<
        v1::AccountService::WithRawCallbackMethod_WhoAmI<
            v1::AccountService::WithRawCallbackMethod_SetDisplayName<
                v1::AccountService::WithRawCallbackMethod_ChangePassword<
                    v1::AccountService::WithRawCallbackMethod_ListTokens<
                        v1::AccountService::WithRawCallbackMethod_RevokeToken<
                            v1::AccountService::WithRawCallbackMethod_ExportMessages<
                                v1::AccountService::WithRawCallbackMethod_EraseUser<
                                    v1::AccountService::Service>>>>>>>>>;

/// The RPCs of txtchat.v1.AccountService. What each call answers is documented in the .proto.
/// Methods are called by gRPC, on any of its threads.
class AccountService final : public RawAccountService {
 public:
  /// `runner` outlives it.
  AccountService(CallRunner* runner, const RpcOptions& options)
      : runner_(*runner),
        page_bytes_max_(options.history_page_bytes_max),
        positions_(runner->dependencies().secrets) {}

  grpc::ServerUnaryReactor* CreateAccount(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Login(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request,
                                  grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* WhoAmI(grpc::CallbackServerContext* context,
                                   const grpc::ByteBuffer* request,
                                   grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* SetDisplayName(grpc::CallbackServerContext* context,
                                           const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ChangePassword(grpc::CallbackServerContext* context,
                                           const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListTokens(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* RevokeToken(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ExportMessages(grpc::CallbackServerContext* context,
                                           const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* EraseUser(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;

 private:
  CallRunner& runner_;
  const std::size_t page_bytes_max_;
  const PositionSealer positions_;
};

}  // namespace txtchat::rpc
