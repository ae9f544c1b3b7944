// Between the core's types and those of the API. Pure functions, thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "core/command.h"
#include "core/limits.h"
#include "grpcpp/grpcpp.h"
#include "txtchat/v1/chat.pb.h"
#include "txtchat/v1/moderation.pb.h"

namespace txtchat::rpc {

/// The size of a page that was asked for: a list that waits counts as what it may bring forth.
/// INVALID_ARGUMENT  the size is negative
absl::StatusOr<std::size_t> PageSize(std::int32_t requested, const Limits& limits);

/// The most that a channel or a user takes in a list beside its name: its id, and the core's
/// estimate of the rest.
inline constexpr std::size_t kListEntryBytes = 96;

/// INVALID_ARGUMENT  channels of this kind are not made so
absl::StatusOr<ChannelKind> CreatableKind(v1::ChannelKind kind);
/// Nothing, or 0, is 0. INVALID_ARGUMENT  it is negative, or too long
absl::StatusOr<std::int64_t> Milliseconds(const google::protobuf::Duration& duration);

void SetTime(std::int64_t unix_ms, google::protobuf::Timestamp& out);
v1::Role RoleOf(Role role);
void SetUser(const UserInfo& user, v1::User& out);
void SetChannel(const ChannelInfo& channel, v1::Channel& out);
void SetStanding(const MemberInfo& member, v1::MemberStanding& out);
void SetMessage(const Event& event, v1::Message& out);

/// INVALID_ARGUMENT  the bytes are no such message, or a string in it is not UTF-8
template <typename Request>
absl::StatusOr<Request> Parse(const grpc::ByteBuffer& bytes) {
  grpc::ByteBuffer shared = bytes;  // Parsing clears it.
  Request request;
  if (!grpc::SerializationTraits<Request>::Deserialize(&shared, &request).ok()) {
    return absl::InvalidArgumentError(absl::StrCat("the request is not a valid ",
                                                   Request::descriptor()->name(),
                                                   ", or a string in it is not UTF-8"));
  }
  return request;
}

template <typename Response>
absl::Status Serialize(const Response& response, grpc::ByteBuffer* bytes) {
  bool owned = false;
  const grpc::Status status =
      grpc::SerializationTraits<Response>::Serialize(response, bytes, &owned);
  if (!status.ok()) return absl::InternalError("the response could not be serialised");
  return absl::OkStatus();
}

}  // namespace txtchat::rpc
