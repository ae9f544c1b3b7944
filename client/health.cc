#include "client/health.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/generic/generic_stub.h>

#include <cstdio>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/notification.h"
#include "client/api.h"
#include "client/exit_code.h"
#include "client/json_output.h"

namespace txtchat::client {
namespace {

// Debian ships the service in libgrpc++ but neither its .proto nor its stub; the request is an
// empty message and the response has one field, so the bytes are read by hand.
constexpr char kMethod[] = "/grpc.health.v1.Health/Check";
constexpr int kServing = 1;

std::string Bytes(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

}  // namespace

absl::StatusOr<int> DecodeHealthStatus(std::string_view bytes) {
  using google::protobuf::internal::WireFormatLite;
  google::protobuf::io::CodedInputStream input(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                               static_cast<int>(bytes.size()));
  const auto malformed = absl::DataLossError("the answer is not a health response");
  std::uint32_t status = 0;  // UNKNOWN, and what proto3 means by an absent field
  while (const std::uint32_t tag = input.ReadTag()) {
    const bool wanted = tag == WireFormatLite::MakeTag(1, WireFormatLite::WIRETYPE_VARINT);
    if (wanted ? !input.ReadVarint32(&status) : !WireFormatLite::SkipField(&input, tag)) {
      return malformed;
    }
  }
  if (!input.ConsumedEntireMessage()) return malformed;
  return static_cast<int>(status);
}

std::string HealthStatusName(int status) {
  switch (status) {
    case 0:
      return "UNKNOWN";
    case kServing:
      return "SERVING";
    case 2:
      return "NOT_SERVING";
    case 3:
      return "SERVICE_UNKNOWN";
    default:
      return "STATUS_" + std::to_string(status);
  }
}

int RunHealth(const Endpoint& server, std::chrono::milliseconds timeout, bool json) {
  grpc::GenericStub stub(MakeChannel(server));
  grpc::ClientContext context;
  PrepareContext(context, "", timeout);
  const grpc::Slice empty;
  const grpc::ByteBuffer request(&empty, 1);
  grpc::ByteBuffer response;
  grpc::Status status;
  absl::Notification answered;
  stub.UnaryCall(&context, kMethod, grpc::StubOptions(), &request, &response,
                 [&](grpc::Status result) {
                   status = std::move(result);
                   answered.Notify();
                 });
  answered.WaitForNotification();
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", ExplainFailure("cannot check the health", server, status).c_str());
    return ExitCodeOf(status);
  }
  const absl::StatusOr<int> health = DecodeHealthStatus(Bytes(response));
  if (!health.ok()) {
    std::fprintf(stderr, "%s: %s\n", server.ToString().c_str(),
                 std::string(health.status().message()).c_str());
    return kExitError;
  }
  const std::string name = HealthStatusName(*health);
  std::printf("%s\n", json ? JsonOfHealth(name, *health == kServing).c_str() : name.c_str());
  return *health == kServing ? kExitOk : kExitError;
}

}  // namespace txtchat::client
