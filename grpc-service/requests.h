// Requests of the API as commands of the core. Pure functions, thread-safe; they take the strings
// of a request away. INVALID_ARGUMENT where a request asks for what no command can be made of.
#pragma once

#include "absl/status/statusor.h"
#include "core/command.h"
#include "core/identity.h"
#include "core/limits.h"
#include "txtchat/v1/accounts.pb.h"
#include "txtchat/v1/chat.pb.h"
#include "txtchat/v1/moderation.pb.h"

namespace txtchat::rpc {

absl::StatusOr<Command> CommandOf(v1::SetTopicRequest& request);
absl::StatusOr<Command> CommandOf(v1::RenameChannelRequest& request);
absl::StatusOr<Command> CommandOf(v1::DeleteChannelRequest& request);
absl::StatusOr<Command> CommandOf(v1::DeleteMessageRequest& request);
absl::StatusOr<Command> CommandOf(v1::KickMemberRequest& request);
absl::StatusOr<Command> CommandOf(v1::BanRequest& request);
absl::StatusOr<Command> CommandOf(v1::UnbanRequest& request);
absl::StatusOr<Command> CommandOf(v1::MuteRequest& request);
absl::StatusOr<Command> CommandOf(v1::UnmuteRequest& request);
absl::StatusOr<Command> CommandOf(v1::ListSanctionsRequest& request);
absl::StatusOr<Command> CommandOf(v1::SetRoleRequest& request);
absl::StatusOr<Command> CommandOf(v1::AddMemberRequest& request);
absl::StatusOr<Command> CommandOf(v1::ListInvitesRequest& request);
absl::StatusOr<Command> CommandOf(v1::RevokeInviteRequest& request);
absl::StatusOr<Command> CommandOf(v1::CreateChannelRequest& request);
absl::StatusOr<Command> CommandOf(v1::GetChannelRequest& request);
absl::StatusOr<Command> CommandOf(v1::ListChannelsRequest& request, const Limits& limits);
absl::StatusOr<Command> CommandOf(v1::ListMembersRequest& request, const Limits& limits);
absl::StatusOr<Command> CommandOf(v1::JoinChannelRequest& request);
absl::StatusOr<Command> CommandOf(v1::OpenDirectChannelRequest& request);
absl::StatusOr<Command> CommandOf(v1::LeaveChannelRequest& request);
absl::StatusOr<Command> CommandOf(v1::SendMessageRequest& request);
absl::StatusOr<Command> CommandOf(v1::WhoAmIRequest&);
absl::StatusOr<Command> CommandOf(v1::SetDisplayNameRequest& request);
absl::StatusOr<Command> CommandOf(v1::ListTokensRequest&);
absl::StatusOr<Command> CommandOf(v1::RevokeTokenRequest& request);

/// Opens `session` as the stream.
absl::StatusOr<Command> CommandOf(v1::SubscribeRequest& request, const SessionSpec& session);

// --- Those that need secrets; `secrets` may be called on any thread.
/// `credential`: the hash of the token that the caller will get.
absl::StatusOr<Command> CommandOf(v1::RegisterRequest& request, std::string credential,
                                  SecretSource& secrets);
/// `hash`: of the code that the caller will get.
absl::StatusOr<Command> CommandOf(v1::CreateInviteRequest& request, std::string hash,
                                  SecretSource& secrets);
absl::StatusOr<Command> CommandOf(v1::JoinByInviteRequest& request, const SecretSource& secrets);

/// Picks the right one of those that need nothing else.
inline constexpr auto kToCommand = [](auto& request) { return CommandOf(request); };

}  // namespace txtchat::rpc
