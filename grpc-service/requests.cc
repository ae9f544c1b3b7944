#include "grpc-service/requests.h"

#include <cstdint>
#include <string>
#include <utility>

#include "grpc-service/conversions.h"

namespace txtchat::rpc {
namespace {

/// Of an invite for which none was asked.
constexpr std::int64_t kInviteLifetimeMs = 86'400'000;

absl::StatusOr<Command> SanctionOf(SanctionKind kind, std::string& channel_id, std::string& subject,
                                   const google::protobuf::Duration& duration,
                                   std::string& reason) {
  const absl::StatusOr<std::int64_t> duration_ms = Milliseconds(duration);
  if (!duration_ms.ok()) return duration_ms.status();
  return txtchat::Sanction{std::move(channel_id), kind, std::move(subject), *duration_ms,
                           std::move(reason)};
}

absl::StatusOr<Role> GivenRole(v1::Role role) {
  switch (role) {
    case v1::ROLE_MEMBER:
      return Role::kMember;
    case v1::ROLE_MODERATOR:
      return Role::kModerator;
    case v1::ROLE_OWNER:
      return Role::kOwner;
    default:
      return absl::InvalidArgumentError("role must be ROLE_MEMBER, ROLE_MODERATOR or ROLE_OWNER");
  }
}

}  // namespace

absl::StatusOr<Command> CommandOf(v1::SetTopicRequest& r) {
  return txtchat::SetTopic{std::move(*r.mutable_channel_id()), std::move(*r.mutable_topic())};
}

absl::StatusOr<Command> CommandOf(v1::RenameChannelRequest& r) {
  return txtchat::RenameChannel{std::move(*r.mutable_channel_id()),
                                std::move(*r.mutable_display_name())};
}

absl::StatusOr<Command> CommandOf(v1::DeleteChannelRequest& r) {
  return RemoveChannel{std::move(*r.mutable_channel_id())};
}

absl::StatusOr<Command> CommandOf(v1::DeleteMessageRequest& r) {
  return RemoveMessage{std::move(*r.mutable_channel_id()), r.sequence()};
}

absl::StatusOr<Command> CommandOf(v1::KickMemberRequest& r) {
  return Kick{std::move(*r.mutable_channel_id()), std::move(*r.mutable_user_id()),
              std::move(*r.mutable_reason())};
}

absl::StatusOr<Command> CommandOf(v1::BanRequest& r) {
  return SanctionOf(SanctionKind::kBan, *r.mutable_channel_id(), *r.mutable_subject(), r.duration(),
                    *r.mutable_reason());
}

absl::StatusOr<Command> CommandOf(v1::UnbanRequest& r) {
  return Pardon{std::move(*r.mutable_channel_id()), SanctionKind::kBan,
                std::move(*r.mutable_subject())};
}

absl::StatusOr<Command> CommandOf(v1::MuteRequest& r) {
  return SanctionOf(SanctionKind::kMute, *r.mutable_channel_id(), *r.mutable_user_id(),
                    r.duration(), *r.mutable_reason());
}

absl::StatusOr<Command> CommandOf(v1::UnmuteRequest& r) {
  return Pardon{std::move(*r.mutable_channel_id()), SanctionKind::kMute,
                std::move(*r.mutable_user_id())};
}

absl::StatusOr<Command> CommandOf(v1::ListSanctionsRequest& r) {
  return txtchat::ListSanctions{std::move(*r.mutable_channel_id())};
}

absl::StatusOr<Command> CommandOf(v1::SetRoleRequest& r) {
  const absl::StatusOr<Role> role = GivenRole(r.role());
  if (!role.ok()) return role.status();
  return txtchat::SetRole{std::move(*r.mutable_channel_id()), std::move(*r.mutable_user_id()),
                          *role};
}

absl::StatusOr<Command> CommandOf(v1::AddMemberRequest& r) {
  return txtchat::AddMember{std::move(*r.mutable_channel_id()), std::move(*r.mutable_user_id())};
}

absl::StatusOr<Command> CommandOf(v1::ListInvitesRequest& r) {
  return txtchat::ListInvites{std::move(*r.mutable_channel_id())};
}

absl::StatusOr<Command> CommandOf(v1::RevokeInviteRequest& r) {
  return txtchat::RevokeInvite{std::move(*r.mutable_channel_id()),
                               std::move(*r.mutable_invite_id())};
}

absl::StatusOr<Command> CommandOf(v1::CreateChannelRequest& r) {
  const absl::StatusOr<ChannelKind> kind = CreatableKind(r.kind());
  if (!kind.ok()) return kind.status();
  return txtchat::CreateChannel{std::move(*r.mutable_display_name()), *kind};
}

absl::StatusOr<Command> CommandOf(v1::GetChannelRequest& r) {
  return txtchat::GetChannel{std::move(*r.mutable_channel_id())};
}

absl::StatusOr<Command> CommandOf(v1::ListChannelsRequest& r, const Limits& limits) {
  const absl::StatusOr<std::size_t> size = PageSize(r.page_size(), limits);
  if (!size.ok()) return size.status();
  return txtchat::ListChannels{*size, std::move(*r.mutable_page_token()), r.joined_only()};
}

absl::StatusOr<Command> CommandOf(v1::ListMembersRequest& r, const Limits& limits) {
  const absl::StatusOr<std::size_t> size = PageSize(r.page_size(), limits);
  if (!size.ok()) return size.status();
  return txtchat::ListMembers{std::move(*r.mutable_channel_id()), *size,
                              std::move(*r.mutable_page_token())};
}

absl::StatusOr<Command> CommandOf(v1::JoinChannelRequest& r) {
  return Join{std::move(*r.mutable_channel_id())};
}

absl::StatusOr<Command> CommandOf(v1::OpenDirectChannelRequest& r) {
  return OpenDirect{std::move(*r.mutable_user_id())};
}

absl::StatusOr<Command> CommandOf(v1::LeaveChannelRequest& r) {
  return Leave{std::move(*r.mutable_channel_id())};
}

absl::StatusOr<Command> CommandOf(v1::SendMessageRequest& r) {
  return Send{.channel_id = std::move(*r.mutable_channel_id()),
              .text = std::move(*r.mutable_text()),
              .client_message_id = std::move(*r.mutable_client_message_id())};
}

absl::StatusOr<Command> CommandOf(v1::WhoAmIRequest&) { return txtchat::WhoAmI{}; }

absl::StatusOr<Command> CommandOf(v1::SetDisplayNameRequest& r) {
  return txtchat::SetDisplayName{std::move(*r.mutable_display_name())};
}

absl::StatusOr<Command> CommandOf(v1::ListTokensRequest&) { return txtchat::ListTokens{}; }

absl::StatusOr<Command> CommandOf(v1::RevokeTokenRequest& r) {
  return txtchat::RevokeToken{std::move(*r.mutable_token_id())};
}

absl::StatusOr<Command> CommandOf(v1::RegisterRequest& r, std::string credential,
                                  SecretSource& secrets) {
  return txtchat::Register{.user_id = secrets.NewId(),
                           .display_name = std::move(*r.mutable_display_name()),
                           .credential = std::move(credential)};
}

absl::StatusOr<Command> CommandOf(v1::CreateInviteRequest& r, std::string hash,
                                  SecretSource& secrets) {
  const absl::StatusOr<std::int64_t> lifetime_ms =
      r.has_lifetime() ? Milliseconds(r.lifetime()) : kInviteLifetimeMs;
  if (!lifetime_ms.ok()) return lifetime_ms.status();
  return txtchat::CreateInvite{std::move(*r.mutable_channel_id()), std::move(hash), secrets.NewId(),
                               r.uses_max() == 0 ? 1 : r.uses_max(), *lifetime_ms};
}

absl::StatusOr<Command> CommandOf(v1::JoinByInviteRequest& r, const SecretSource& secrets) {
  return txtchat::JoinByInvite{secrets.HashOf(r.code())};
}

absl::StatusOr<Command> CommandOf(v1::SubscribeRequest& r, const SessionSpec& session) {
  OpenSession open{.session = session};
  for (std::string& id : *r.mutable_channel_ids()) open.channel_ids.push_back(std::move(id));
  for (v1::ChannelPosition& position : *r.mutable_positions()) {
    open.positions.push_back({std::move(*position.mutable_channel_id()), position.after_sequence(),
                              std::move(*position.mutable_epoch())});
  }
  return open;
}

}  // namespace txtchat::rpc
