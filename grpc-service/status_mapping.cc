#include "grpc-service/status_mapping.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
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

void PutBytes(int field, std::string_view bytes, std::string& out) {
  PutHead(field, bytes.size(), out);
  out += bytes;
}

/// A google.rpc.Status with the payloads; empty if there are none.
std::string DetailsOf(const absl::Status& status, const std::string& message) {
  std::string details;
  status.ForEachPayload([&details](absl::string_view type, const absl::Cord& payload) {
    google::protobuf::Any any;
    any.set_type_url(std::string(type));
    any.set_value(std::string(payload));
    PutBytes(kStatusDetails, any.SerializeAsString(), details);
  });
  if (details.empty()) return details;
  std::string bytes;
  PutTag(kStatusCode, kVarint, bytes);
  PutVarint(static_cast<std::size_t>(status.code()), bytes);
  PutBytes(kStatusMessage, message, bytes);
  return bytes + details;
}

}  // namespace

absl::Status WithRetryAfter(const absl::Status& status, std::int64_t retry_after_ms) {
  absl::Status with(status.code(),
                    absl::StrCat(status.message(), "; retry after ", retry_after_ms, " ms"));
  google::protobuf::Duration delay;
  delay.set_seconds(retry_after_ms / 1'000);
  delay.set_nanos(static_cast<std::int32_t>(retry_after_ms % 1'000) * 1'000'000);
  std::string info;
  PutBytes(kRetryInfoDelay, delay.SerializeAsString(), info);
  with.SetPayload(kRetryInfoType, absl::Cord(info));
  return with;
}

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

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  // absl::StatusCode has gRPC's own numbers.
  const std::string message = FitMessage({status.message().data(), status.message().size()});
  return {static_cast<grpc::StatusCode>(status.code()), message, DetailsOf(status, message)};
}

}  // namespace txtchat::rpc
