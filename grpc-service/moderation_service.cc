#include "grpc-service/moderation_service.h"

#include <string>
#include <utility>
#include <variant>

#include "grpc-service/conversions.h"
#include "grpc-service/requests.h"

namespace txtchat::rpc {
namespace {

/// The answer of every act.
template <typename Response>
void SetSequence(Result& result, Response& answer) {
  answer.set_sequence(std::get<Acted>(result).event->sequence);
}

void SetSanction(const SanctionRow& row, v1::Sanction& out) {
  out.set_kind(row.kind == SanctionKind::kBan ? v1::Sanction::KIND_BAN : v1::Sanction::KIND_MUTE);
  out.set_subject(row.subject);
  out.set_subject_name(row.subject_name);
  if (row.until_unix_ms != 0) SetTime(row.until_unix_ms, *out.mutable_until());
  out.set_reason(row.reason);
  out.set_by_user_id(row.by_user_id);
  SetTime(row.time_unix_ms, *out.mutable_create_time());
}

void SetInvite(const InviteRow& row, v1::Invite& out) {
  out.set_id(row.id);
  out.set_uses_left(row.uses_left);
  SetTime(row.expire_time_unix_ms, *out.mutable_expire_time());
  out.set_by_user_id(row.by_user_id);
}

}  // namespace

grpc::ServerUnaryReactor* ModerationService::SetTopic(grpc::CallbackServerContext* context,
                                                      const grpc::ByteBuffer* request,
                                                      grpc::ByteBuffer* response) {
  return runner_.Run<v1::SetTopicRequest, v1::SetTopicResponse>(
      context, request, response, CallKind::kChange, CallRunner::Caller::kUser, kToCommand,
      &SetSequence<v1::SetTopicResponse>);
}

grpc::ServerUnaryReactor* ModerationService::RenameChannel(grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer* request,
                                                           grpc::ByteBuffer* response) {
  return runner_.Run<v1::RenameChannelRequest, v1::RenameChannelResponse>(
      context, request, response, CallKind::kChange, CallRunner::Caller::kUser, kToCommand,
      &SetSequence<v1::RenameChannelResponse>);
}

grpc::ServerUnaryReactor* ModerationService::DeleteChannel(grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer* request,
                                                           grpc::ByteBuffer* response) {
  return runner_.Run<v1::DeleteChannelRequest, v1::DeleteChannelResponse>(
      context, request, response, CallKind::kChange, CallRunner::Caller::kUser, kToCommand,
      &SetSequence<v1::DeleteChannelResponse>);
}

grpc::ServerUnaryReactor* ModerationService::DeleteMessage(grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer* request,
                                                           grpc::ByteBuffer* response) {
  return runner_.Run<v1::DeleteMessageRequest, v1::DeleteMessageResponse>(
      context, request, response, CallKind::kChange, CallRunner::Caller::kUser, kToCommand,
      &SetSequence<v1::DeleteMessageResponse>);
}

grpc::ServerUnaryReactor* ModerationService::KickMember(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  return runner_.Run<v1::KickMemberRequest, v1::KickMemberResponse>(
      context, request, response, CallKind::kChange, CallRunner::Caller::kUser, kToCommand,
      &SetSequence<v1::KickMemberResponse>);
}

grpc::ServerUnaryReactor* ModerationService::Ban(grpc::CallbackServerContext* context,
                                                 const grpc::ByteBuffer* request,
                                                 grpc::ByteBuffer* response) {
  return runner_.Run<v1::BanRequest, v1::BanResponse>(context, request, response, CallKind::kChange,
                                                      CallRunner::Caller::kUser, kToCommand,
                                                      &SetSequence<v1::BanResponse>);
}

grpc::ServerUnaryReactor* ModerationService::Unban(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  return runner_.Run<v1::UnbanRequest, v1::UnbanResponse>(
      context, request, response, CallKind::kChange, CallRunner::Caller::kUser, kToCommand,
      &SetSequence<v1::UnbanResponse>);
}

grpc::ServerUnaryReactor* ModerationService::Mute(grpc::CallbackServerContext* context,
                                                  const grpc::ByteBuffer* request,
                                                  grpc::ByteBuffer* response) {
  return runner_.Run<v1::MuteRequest, v1::MuteResponse>(
      context, request, response, CallKind::kChange, CallRunner::Caller::kUser, kToCommand,
      &SetSequence<v1::MuteResponse>);
}

grpc::ServerUnaryReactor* ModerationService::Unmute(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return runner_.Run<v1::UnmuteRequest, v1::UnmuteResponse>(
      context, request, response, CallKind::kChange, CallRunner::Caller::kUser, kToCommand,
      &SetSequence<v1::UnmuteResponse>);
}

grpc::ServerUnaryReactor* ModerationService::ListSanctions(grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer* request,
                                                           grpc::ByteBuffer* response) {
  return runner_.Run<v1::ListSanctionsRequest, v1::ListSanctionsResponse>(
      context, request, response, CallKind::kRead, CallRunner::Caller::kUser, kToCommand,
      [](Result& result, v1::ListSanctionsResponse& answer) {
        for (const SanctionRow& row : std::get<SanctionList>(result).sanctions) {
          SetSanction(row, *answer.add_sanctions());
        }
      });
}

grpc::ServerUnaryReactor* ModerationService::SetRole(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  return runner_.Run<v1::SetRoleRequest, v1::SetRoleResponse>(
      context, request, response, CallKind::kChange, CallRunner::Caller::kUser, kToCommand,
      &SetSequence<v1::SetRoleResponse>);
}

grpc::ServerUnaryReactor* ModerationService::AddMember(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer* request,
                                                       grpc::ByteBuffer* response) {
  return runner_.Run<v1::AddMemberRequest, v1::AddMemberResponse>(
      context, request, response, CallKind::kChange, CallRunner::Caller::kUser, kToCommand,
      &SetSequence<v1::AddMemberResponse>);
}

grpc::ServerUnaryReactor* ModerationService::CreateInvite(grpc::CallbackServerContext* context,
                                                          const grpc::ByteBuffer* request,
                                                          grpc::ByteBuffer* response) {
  SecretSource& secrets = *runner_.dependencies().secrets;
  std::string code = secrets.NewSecret();
  std::string hash = secrets.HashOf(code);
  return runner_.Run<v1::CreateInviteRequest, v1::CreateInviteResponse>(
      context, request, response, CallKind::kChange, CallRunner::Caller::kUser,
      [&](v1::CreateInviteRequest& r) -> absl::StatusOr<Command> {
        return CommandOf(r, std::move(hash), secrets);
      },
      [code](Result& result, v1::CreateInviteResponse& answer) {
        SetInvite(std::get<InviteRow>(result), *answer.mutable_invite());
        answer.set_code(code);
      });
}

grpc::ServerUnaryReactor* ModerationService::ListInvites(grpc::CallbackServerContext* context,
                                                         const grpc::ByteBuffer* request,
                                                         grpc::ByteBuffer* response) {
  return runner_.Run<v1::ListInvitesRequest, v1::ListInvitesResponse>(
      context, request, response, CallKind::kRead, CallRunner::Caller::kUser, kToCommand,
      [](Result& result, v1::ListInvitesResponse& answer) {
        for (const InviteRow& row : std::get<InviteList>(result).invites) {
          SetInvite(row, *answer.add_invites());
        }
      });
}

grpc::ServerUnaryReactor* ModerationService::RevokeInvite(grpc::CallbackServerContext* context,
                                                          const grpc::ByteBuffer* request,
                                                          grpc::ByteBuffer* response) {
  return runner_.Run<v1::RevokeInviteRequest, v1::RevokeInviteResponse>(
      context, request, response, CallKind::kChange, CallRunner::Caller::kUser, kToCommand,
      [](Result&, v1::RevokeInviteResponse&) {});
}

}  // namespace txtchat::rpc
