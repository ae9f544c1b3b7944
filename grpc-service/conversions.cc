#include "grpc-service/conversions.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "grpc-service/credentials.h"

namespace txtchat::rpc {

absl::Status DrainingStatus() {
  return absl::UnavailableError("the server is draining; reconnect");
}

absl::StatusOr<Actor> ActorOf(const grpc::CallbackServerContext& context) {
  const auto& metadata = context.client_metadata();
  const auto header = metadata.find("authorization");
  if (header == metadata.end()) {
    return absl::UnauthenticatedError(
        "no authorization metadata; send \"Bearer TOKEN\" with the token that Register answered");
  }
  const absl::StatusOr<std::string_view> token =
      ParseBearer({header->second.data(), header->second.size()});
  if (!token.ok()) return token.status();
  return Actor{.credential = HashToken(*token)};
}

absl::StatusOr<std::size_t> PageSize(std::int32_t requested, const Limits& limits) {
  if (requested < 0) return absl::InvalidArgumentError("page_size must not be negative");
  if (requested == 0) return limits.page_size_default;
  return std::min(static_cast<std::size_t>(requested), limits.page_size_max);
}

namespace {

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
