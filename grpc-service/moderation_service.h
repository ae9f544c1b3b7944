#pragma once

#include "grpc-service/call_runner.h"
#include "txtchat/v1/moderation.grpc.pb.h"

namespace txtchat::rpc {

// Raw bytes, as ChatService takes them, and for the same reason.
using RawModerationService = v1::ModerationService::WithRawCallbackMethod_SetTopic<
    v1::ModerationService::WithRawCallbackMethod_RenameChannel<
        v1::ModerationService::WithRawCallbackMethod_DeleteChannel<
            v1::ModerationService::WithRawCallbackMethod_DeleteMessage<
                v1::ModerationService::WithRawCallbackMethod_KickMember<
                    v1::ModerationService::WithRawCallbackMethod_Ban<
                        v1::ModerationService::WithRawCallbackMethod_Unban<
                            v1::ModerationService::WithRawCallbackMethod_Mute<
                                v1::ModerationService::WithRawCallbackMethod_Unmute<
                                    v1::ModerationService::WithRawCallbackMethod_ListSanctions<
                                        v1::ModerationService::WithRawCallbackMethod_SetRole<
                                            v1::ModerationService::WithRawCallbackMethod_AddMember<
                                                v1::ModerationService::
                                                    WithRawCallbackMethod_CreateInvite<
                                                        v1::ModerationService::
                                                            WithRawCallbackMethod_ListInvites<
                                                                v1::ModerationService::
                                                                    WithRawCallbackMethod_RevokeInvite<
                                                                        v1::ModerationService::
                                                                            Service>>>>>>>>>>>>>>>;

/// The RPCs of txtchat.v1.ModerationService: requests into commands, results into responses. What
/// each call answers is documented in the .proto. Methods are called by gRPC, on any of its
/// threads.
class ModerationService final : public RawModerationService {
 public:
  /// `runner` outlives it.
  explicit ModerationService(CallRunner* runner) : runner_(*runner) {}

  grpc::ServerUnaryReactor* SetTopic(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* RenameChannel(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DeleteChannel(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DeleteMessage(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* KickMember(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Ban(grpc::CallbackServerContext* context,
                                const grpc::ByteBuffer* request,
                                grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Unban(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request,
                                  grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Mute(grpc::CallbackServerContext* context,
                                 const grpc::ByteBuffer* request,
                                 grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Unmute(grpc::CallbackServerContext* context,
                                   const grpc::ByteBuffer* request,
                                   grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListSanctions(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* SetRole(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* AddMember(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* CreateInvite(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListInvites(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* RevokeInvite(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;

 private:
  CallRunner& runner_;
};

}  // namespace txtchat::rpc
