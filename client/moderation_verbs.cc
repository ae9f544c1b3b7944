#include "client/moderation_verbs.h"

#include <cmath>

#include "client/caller.h"
#include "client/exit_code.h"
#include "client/json_output.h"
#include "client/terminal_text.h"
#include "txtchat/v1/chat.grpc.pb.h"
#include "txtchat/v1/moderation.grpc.pb.h"

namespace txtchat::client {
namespace {

using Moderation = Caller<v1::ModerationService>;
using Stub = v1::ModerationService::Stub;

// Makes a call about the channel. Says why it could not `what`, if it could not.
template <typename Request, typename Response>
int CallAbout(const ModerationOptions& options, Moderation::Method<Request, Response> method,
              Request request, Response* response, const std::string& what) {
  request.set_channel_id(options.channel);
  const grpc::Status status = Moderation(options.script).Call(method, request, response);
  return status.ok() ? kExitOk : Fail(options.script, "cannot " + what, status);
}

// The same, of which the response is the sequence number of what was done.
template <typename Request, typename Response>
int Act(const ModerationOptions& options, Moderation::Method<Request, Response> method,
        Request request, const std::string& what) {
  Response response;
  const int code = CallAbout(options, method, std::move(request), &response, what);
  if (code == kExitOk && options.script.json) {
    PrintLine(JsonOfAct(options.channel, response.sequence()));
  }
  return code;
}

std::string Whom(const ModerationOptions& options) { return SanitizeLine(options.subject); }

template <typename Request>
void SetDuration(const ModerationOptions& options, Request* request) {
  if (options.seconds <= 0) return;
  request->mutable_duration()->set_seconds(static_cast<std::int64_t>(std::ceil(options.seconds)));
}

}  // namespace

int RunInvite(const ModerationOptions& options) {
  v1::CreateInviteRequest request;
  request.set_uses_max(options.uses);
  if (options.seconds > 0) {
    request.mutable_lifetime()->set_seconds(static_cast<std::int64_t>(std::ceil(options.seconds)));
  }
  v1::CreateInviteResponse response;
  const int code =
      CallAbout(options, &Stub::CreateInvite, std::move(request), &response, "make an invite");
  if (code != kExitOk) return code;
  PrintLine(options.script.json ? JsonOfInvite(options.channel, response)
                                : SanitizeLine(response.code()));
  return kExitOk;
}

int RunInvites(const ModerationOptions& options) {
  v1::ListInvitesResponse response;
  const int code = CallAbout(options, &Stub::ListInvites, v1::ListInvitesRequest(), &response,
                             "list the invites");
  if (code != kExitOk) return code;
  for (const v1::Invite& invite : response.invites()) {
    PrintLine(options.script.json
                  ? JsonOf(options.channel, invite)
                  : SanitizeLine(invite.id()) + "  " + std::to_string(invite.uses_left()) +
                        (invite.uses_left() == 1 ? " use" : " uses") + "  until " +
                        Rfc3339(invite.expire_time()) + "  by " +
                        SanitizeLine(invite.by_user_id()));
  }
  return kExitOk;
}

int RunRevokeInvite(const ModerationOptions& options) {
  v1::RevokeInviteRequest request;
  request.set_invite_id(options.subject);
  v1::RevokeInviteResponse response;
  return CallAbout(options, &Stub::RevokeInvite, std::move(request), &response, "end the invite");
}

int RunAddMember(const ModerationOptions& options) {
  v1::AddMemberRequest request;
  request.set_user_id(options.subject);
  return Act<v1::AddMemberRequest, v1::AddMemberResponse>(
      options, &Stub::AddMember, std::move(request), "add " + Whom(options));
}

int RunJoinBy(const ScriptOptions& options, const std::string& code) {
  v1::JoinByInviteRequest request;
  request.set_code(code);
  v1::JoinByInviteResponse response;
  const grpc::Status status = Caller<v1::ChatService>(options).Call(
      &v1::ChatService::Stub::JoinByInvite, request, &response);
  if (!status.ok()) return Fail(options, "cannot join by this invite", status);
  PrintLine(options.json ? JsonOf(response.channel()) : SanitizeLine(response.channel().id()));
  return kExitOk;
}

int RunKick(const ModerationOptions& options) {
  v1::KickMemberRequest request;
  request.set_user_id(options.subject);
  request.set_reason(options.text);
  return Act<v1::KickMemberRequest, v1::KickMemberResponse>(
      options, &Stub::KickMember, std::move(request), "kick " + Whom(options));
}

int RunBan(const ModerationOptions& options) {
  v1::BanRequest request;
  request.set_subject(options.subject);
  request.set_reason(options.text);
  SetDuration(options, &request);
  return Act<v1::BanRequest, v1::BanResponse>(options, &Stub::Ban, std::move(request),
                                              "ban " + Whom(options));
}

int RunUnban(const ModerationOptions& options) {
  v1::UnbanRequest request;
  request.set_subject(options.subject);
  return Act<v1::UnbanRequest, v1::UnbanResponse>(options, &Stub::Unban, std::move(request),
                                                  "take back the ban of " + Whom(options));
}

int RunMute(const ModerationOptions& options) {
  v1::MuteRequest request;
  request.set_user_id(options.subject);
  request.set_reason(options.text);
  SetDuration(options, &request);
  return Act<v1::MuteRequest, v1::MuteResponse>(options, &Stub::Mute, std::move(request),
                                                "mute " + Whom(options));
}

int RunUnmute(const ModerationOptions& options) {
  v1::UnmuteRequest request;
  request.set_user_id(options.subject);
  return Act<v1::UnmuteRequest, v1::UnmuteResponse>(options, &Stub::Unmute, std::move(request),
                                                    "end the mute of " + Whom(options));
}

int RunRole(const ModerationOptions& options) {
  v1::SetRoleRequest request;
  request.set_user_id(options.subject);
  for (const v1::Role role : {v1::ROLE_MEMBER, v1::ROLE_MODERATOR, v1::ROLE_OWNER}) {
    if (RoleName(role) == options.role) request.set_role(role);
  }
  return Act<v1::SetRoleRequest, v1::SetRoleResponse>(options, &Stub::SetRole, std::move(request),
                                                      "give " + Whom(options) + " another role");
}

int RunTopic(const ModerationOptions& options) {
  v1::SetTopicRequest request;
  request.set_topic(options.text);
  return Act<v1::SetTopicRequest, v1::SetTopicResponse>(options, &Stub::SetTopic,
                                                        std::move(request), "set the topic");
}

int RunRename(const ModerationOptions& options) {
  v1::RenameChannelRequest request;
  request.set_display_name(options.text);
  return Act<v1::RenameChannelRequest, v1::RenameChannelResponse>(
      options, &Stub::RenameChannel, std::move(request), "rename the channel");
}

int RunDeleteMessage(const ModerationOptions& options) {
  v1::DeleteMessageRequest request;
  request.set_sequence(options.sequence);
  return Act<v1::DeleteMessageRequest, v1::DeleteMessageResponse>(
      options, &Stub::DeleteMessage, std::move(request), "delete the message");
}

int RunDeleteChannel(const ModerationOptions& options) {
  return Act<v1::DeleteChannelRequest, v1::DeleteChannelResponse>(
      options, &Stub::DeleteChannel, v1::DeleteChannelRequest(), "delete the channel");
}

int RunBans(const ModerationOptions& options) {
  v1::ListSanctionsResponse response;
  const int code = CallAbout(options, &Stub::ListSanctions, v1::ListSanctionsRequest(), &response,
                             "list the bans");
  if (code != kExitOk) return code;
  for (const v1::Sanction& sanction : response.sanctions()) {
    if (options.script.json) {
      PrintLine(JsonOf(sanction));
      continue;
    }
    std::string line = sanction.kind() == v1::Sanction::KIND_MUTE ? "mute  " : "ban   ";
    line += SanitizeLine(sanction.subject());
    line += sanction.has_until() ? "  until " + Rfc3339(sanction.until()) : "  for good";
    if (!sanction.subject_name().empty()) line += "  " + SanitizeLine(sanction.subject_name());
    if (!sanction.reason().empty()) line += "  (" + SanitizeLine(sanction.reason()) + ")";
    PrintLine(line);
  }
  return kExitOk;
}

}  // namespace txtchat::client
