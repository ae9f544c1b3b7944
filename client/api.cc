#include "client/api.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include "client/exit_code.h"
#include "client/terminal_text.h"

namespace txtchat::client {
namespace {

// One response carries at most a few MiB of events; this is a guard, not a plan.
constexpr int kResponseBytesMax = 64 << 20;

std::shared_ptr<grpc::ChannelCredentials> CredentialsFor(const TlsChoice& tls) {
  if (!tls.on) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = tls.ca;
  options.pem_cert_chain = tls.certificate;
  options.pem_private_key = tls.key;
  return grpc::SslCredentials(options);
}

}  // namespace

std::shared_ptr<grpc::Channel> MakeChannel(const Endpoint& server) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(kResponseBytesMax);
  arguments.SetUserAgentPrefix("txtchat/" TXTCHAT_VERSION);
  return grpc::CreateCustomChannel(server.ToString(), CredentialsFor(server.tls), arguments);
}

void PrepareContext(grpc::ClientContext& context, std::string_view token,
                    std::chrono::milliseconds timeout) {
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  if (!token.empty()) context.AddMetadata("authorization", "Bearer " + std::string(token));
}

std::string BriefReason(const grpc::Status& status) {
  std::string reason = SanitizeLine(status.error_message());
  // gRPC tells the way there, too: "failed to connect to all addresses; last error: UNKNOWN:
  // ipv4:127.0.0.1:1: Failed to connect to remote host: Connection refused".
  if (reason.rfind("failed to connect to all addresses", 0) == 0) {
    if (const std::size_t colon = reason.rfind(": "); colon != std::string::npos) {
      reason.erase(0, colon + 2);
    }
  }
  if (!reason.empty()) return reason;
  return status.ok() ? "the server ended it"
                     : "the server gave no reason, code " + std::to_string(status.error_code());
}

std::string ExplainFailure(const std::string& what, const Endpoint& server,
                           const grpc::Status& status) {
  const std::string detail = BriefReason(status);
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      return what + ": " + server.ToString() + " is not available (" + detail +
             "). Is the server running, and is this its gRPC port " +
             (server.tls.on
                  ? "for TLS (50443 in the examples), and does --tls-ca name who signed its "
                    "certificate? "
                  : "(50051 unless configured)? ") +
             "--server HOST:PORT chooses another.";
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return what + ": no answer from " + server.ToString() +
             " in time. Is this a Txt Chat gRPC port? --timeout SECONDS waits longer.";
    case grpc::StatusCode::UNAUTHENTICATED:
      return what + ": " + detail +
             ". A guest ends after a while without a call or an open stream (60 s unless "
             "configured): `txtchat register` makes a new one. The token of an account ends at "
             "its time, or when it is revoked: `txtchat account login` gets another.";
    case grpc::StatusCode::UNIMPLEMENTED:
      return what + ": " + server.ToString() + " does not offer this (" + detail +
             "). Is it a Txt Chat server of this version?";
    default:
      return what + ": " + detail;
  }
}

int ExitCodeOf(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      return kExitOk;
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return kExitUnreachable;
    default:
      return kExitError;
  }
}

bool SurelyNotDone(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::NOT_FOUND:
    case grpc::StatusCode::PERMISSION_DENIED:
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::UNIMPLEMENTED:
      return true;
    default:
      return false;
  }
}

}  // namespace txtchat::client
