#include "grpc-service/status_mapping.h"

namespace txtchat::rpc {

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
  return {static_cast<grpc::StatusCode>(status.code()),
          FitMessage({status.message().data(), status.message().size()})};
}

}  // namespace txtchat::rpc
