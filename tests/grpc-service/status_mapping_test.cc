#include "grpc-service/status_mapping.h"

#include <string>

#include "core/retry_after.h"
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

TEST(StatusMapping, SaysWhenToCallAgain) {
  const grpc::Status status =
      ToGrpcStatus(WithRetryAfter(absl::ResourceExhaustedError("too fast"), 1'250));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(status.error_message(), "too fast; retry after 1250 ms");
  // google.rpc.Status { code: 8, message, details [Any { type_url, RetryInfo { Duration } }] }
  const std::string duration("\x08\x01\x10\x80\xE5\x9A\x77", 7);  // 1 s, 250,000,000 ns.
  const std::string info = "\x0A\x07" + duration;
  const std::string any = "\x0A\x28type.googleapis.com/google.rpc.RetryInfo\x12\x09" + info;
  EXPECT_EQ(status.error_details(),
            "\x08\x08\x12\x1Dtoo fast; retry after 1250 ms\x1A" + std::string(1, '\x35') + any);
  EXPECT_EQ(ToGrpcStatus(absl::NotFoundError("why")).error_details(), "");
}

}  // namespace
}  // namespace txtchat::rpc
