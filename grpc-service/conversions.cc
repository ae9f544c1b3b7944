#include "grpc-service/conversions.h"

#include <algorithm>
#include <string>

namespace txtchat::rpc {

absl::StatusOr<std::size_t> PageSize(std::int32_t requested, const Limits& limits) {
  if (requested < 0) return absl::InvalidArgumentError("page_size must not be negative");
  if (requested == 0) return limits.page_size_default;
  return std::min(static_cast<std::size_t>(requested), limits.page_size_max);
}

absl::StatusOr<ChannelKind> CreatableKind(v1::ChannelKind kind) {
  switch (kind) {
    case v1::CHANNEL_KIND_UNSPECIFIED:
    case v1::CHANNEL_KIND_PUBLIC:
      return ChannelKind::kPublic;
    case v1::CHANNEL_KIND_PRIVATE:
      return ChannelKind::kPrivate;
    default:
      return absl::InvalidArgumentError(
          "a channel is made public or private; OpenDirectChannel makes direct ones");
  }
}

absl::StatusOr<std::int64_t> Milliseconds(const google::protobuf::Duration& duration) {
  constexpr std::int64_t kSecondsMax = 315'576'000'000;  // As duration.proto says.
  if (duration.seconds() < 0 || duration.nanos() < 0 || duration.nanos() > 999'999'999 ||
      duration.seconds() > kSecondsMax) {
    return absl::InvalidArgumentError("the duration must be from 0 to 10,000 years");
  }
  // Rounded up: what is given is not nothing.
  return duration.seconds() * 1'000 + (duration.nanos() + 999'999) / 1'000'000;
}

void SetTime(std::int64_t unix_ms, google::protobuf::Timestamp& out) {
  std::int64_t seconds = unix_ms / 1000;
  std::int64_t rest_ms = unix_ms % 1000;
  if (rest_ms < 0) {
    rest_ms += 1000;
    --seconds;
  }
  out.set_seconds(seconds);
  out.set_nanos(static_cast<std::int32_t>(rest_ms * 1'000'000));
}

v1::Role RoleOf(Role role) {
  switch (role) {
    case Role::kMember:
      return v1::ROLE_MEMBER;
    case Role::kModerator:
      return v1::ROLE_MODERATOR;
    case Role::kOwner:
      return v1::ROLE_OWNER;
  }
  return v1::ROLE_UNSPECIFIED;
}

namespace {

v1::ChannelKind KindOf(ChannelKind kind) {
  switch (kind) {
    case ChannelKind::kPublic:
      return v1::CHANNEL_KIND_PUBLIC;
    case ChannelKind::kPersonal:
      return v1::CHANNEL_KIND_PERSONAL;
    case ChannelKind::kPrivate:
      return v1::CHANNEL_KIND_PRIVATE;
    case ChannelKind::kDirect:
      return v1::CHANNEL_KIND_DIRECT;
  }
  return v1::CHANNEL_KIND_UNSPECIFIED;
}

}  // namespace

void SetUser(const UserInfo& user, v1::User& out) {
  out.set_id(user.id);
  out.set_display_name(user.display_name);
}

void SetChannel(const ChannelInfo& channel, v1::Channel& out) {
  out.set_id(channel.id);
  out.set_display_name(channel.display_name);
  SetTime(channel.create_time_unix_ms, *out.mutable_create_time());
  out.set_head_sequence(channel.head_sequence);
  out.set_member_count(static_cast<std::uint32_t>(channel.member_count));
  out.set_kind(KindOf(channel.kind));
  out.set_topic(channel.topic);
}

void SetStanding(const MemberInfo& member, v1::MemberStanding& out) {
  out.set_role(RoleOf(member.role));
  out.set_muted(member.muted);
  if (member.muted_until_unix_ms != 0) {
    SetTime(member.muted_until_unix_ms, *out.mutable_muted_until());
  }
}

void SetMessage(const Event& event, v1::Message& out) {
  out.set_channel_id(event.channel_id);
  out.set_sequence(event.sequence);
  SetTime(event.time_unix_ms, *out.mutable_create_time());
  SetUser({event.user_id, event.user_name}, *out.mutable_sender());
  out.set_text(event.text);
  out.set_client_message_id(event.client_message_id);
}

}  // namespace txtchat::rpc
