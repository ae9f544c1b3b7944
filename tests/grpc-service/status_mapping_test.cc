#include "grpc-service/status_mapping.h"

#include <string>

#include "core/text.h"
#include "gtest/gtest.h"

namespace txtchat::rpc {
namespace {

TEST(StatusMapping, KeepsEachCodeAndTheMessage) {
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
  const struct {
    absl::StatusCode from;
    grpc::StatusCode to;
  } kCodes[] = {
      {absl::StatusCode::kCancelled, grpc::StatusCode::CANCELLED},
      {absl::StatusCode::kUnknown, grpc::StatusCode::UNKNOWN},
      {absl::StatusCode::kInvalidArgument, grpc::StatusCode::INVALID_ARGUMENT},
      {absl::StatusCode::kDeadlineExceeded, grpc::StatusCode::DEADLINE_EXCEEDED},
      {absl::StatusCode::kNotFound, grpc::StatusCode::NOT_FOUND},
      {absl::StatusCode::kAlreadyExists, grpc::StatusCode::ALREADY_EXISTS},
      {absl::StatusCode::kPermissionDenied, grpc::StatusCode::PERMISSION_DENIED},
      {absl::StatusCode::kResourceExhausted, grpc::StatusCode::RESOURCE_EXHAUSTED},
      {absl::StatusCode::kFailedPrecondition, grpc::StatusCode::FAILED_PRECONDITION},
      {absl::StatusCode::kAborted, grpc::StatusCode::ABORTED},
      {absl::StatusCode::kOutOfRange, grpc::StatusCode::OUT_OF_RANGE},
      {absl::StatusCode::kUnimplemented, grpc::StatusCode::UNIMPLEMENTED},
      {absl::StatusCode::kInternal, grpc::StatusCode::INTERNAL},
      {absl::StatusCode::kUnavailable, grpc::StatusCode::UNAVAILABLE},
      {absl::StatusCode::kDataLoss, grpc::StatusCode::DATA_LOSS},
      {absl::StatusCode::kUnauthenticated, grpc::StatusCode::UNAUTHENTICATED},
  };
  for (const auto& code : kCodes) {
    const grpc::Status status = ToGrpcStatus(absl::Status(code.from, "why"));
    EXPECT_EQ(status.error_code(), code.to);
    EXPECT_EQ(status.error_message(), "why");
  }
}

TEST(StatusMapping, CutsALongMessageAtACharacter) {
  std::string message;
  while (message.size() < 10'000) message += "ü";
  for (const std::string& long_one : {message, "a" + message, "ab" + message}) {
    const std::string cut = ToGrpcStatus(absl::NotFoundError(long_one)).error_message();
    EXPECT_LE(cut.size(), kStatusMessageBytesMax);
    EXPECT_GT(cut.size(), kStatusMessageBytesMax - 4);
    EXPECT_TRUE(IsValidUtf8(cut));
    EXPECT_EQ(cut.substr(cut.size() - 3), "…");
  }
  const std::string just_fits(kStatusMessageBytesMax, 'x');
  EXPECT_EQ(FitMessage(just_fits), just_fits);
}

}  // namespace
}  // namespace txtchat::rpc
