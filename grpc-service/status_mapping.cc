#include "grpc-service/status_mapping.h"

#include <cstdint>
#include <optional>

#include "core/retry_after.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/duration.pb.h"
#include "grpc-service/proto_wire.h"

namespace txtchat::rpc {
namespace {

constexpr char kRetryInfoType[] = "type.googleapis.com/google.rpc.RetryInfo";

// google/rpc/status.proto and error_details.proto are no part of Debian's protobuf. What is needed
// of them is three fields.
constexpr int kStatusCode = 1;
constexpr int kStatusMessage = 2;
constexpr int kStatusDetails = 3;
constexpr int kRetryInfoDelay = 1;

/// A google.rpc.Status with a google.rpc.RetryInfo.
std::string DetailsOf(const grpc::Status& status, std::int64_t retry_after_ms) {
  google::protobuf::Duration delay;
  delay.set_seconds(retry_after_ms / 1'000);
  delay.set_nanos(static_cast<std::int32_t>(retry_after_ms % 1'000) * 1'000'000);
  std::string info;
  PutBytes(kRetryInfoDelay, delay.SerializeAsString(), info);
  google::protobuf::Any any;
  any.set_type_url(kRetryInfoType);
  any.set_value(info);
  std::string details;
  PutTag(kStatusCode, kVarint, details);
  PutVarint(static_cast<std::size_t>(status.error_code()), details);
  PutBytes(kStatusMessage, status.error_message(), details);
  PutBytes(kStatusDetails, any.SerializeAsString(), details);
  return details;
}

}  // namespace

std::string FitMessage(std::string_view message) {
  if (message.size() <= kStatusMessageBytesMax) return std::string(message);
  constexpr std::string_view kEllipsis = "…";
  std::size_t end = kStatusMessageBytesMax - kEllipsis.size();
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
  while (end > 0 && continues(message[end])) --end;
  std::string fitting(message.substr(0, end));
  fitting += kEllipsis;
  return fitting;
}

grpc::Status ToGrpcStatus(const absl::Status& status, grpc::CallbackServerContext* context) {
  if (status.ok()) return grpc::Status::OK;
  // absl::StatusCode has gRPC's own numbers.
  grpc::Status short_one(static_cast<grpc::StatusCode>(status.code()),
                         FitMessage({status.message().data(), status.message().size()}));
  const std::optional<std::int64_t> retry_after_ms = RetryAfterMs(status);
  if (!retry_after_ms.has_value()) return short_one;
  if (context != nullptr) {
    context->AddTrailingMetadata(kRetryAfterKey, std::to_string(*retry_after_ms));
  }
  return {short_one.error_code(), short_one.error_message(), DetailsOf(short_one, *retry_after_ms)};
}

}  // namespace txtchat::rpc
