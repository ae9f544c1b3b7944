#include "grpc-service/call_runner.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/retry_after.h"
#include "grpc-service/bearer.h"
#include "grpc-service/call_peer.h"
#include "grpc/grpc_security_constants.h"
#include "grpcpp/security/auth_context.h"

namespace txtchat::rpc {
namespace {

/// The client's, in PEM; empty if it showed none.
std::string CertificateOf(const grpc::CallbackServerContext& context) {
  const std::shared_ptr<const grpc::AuthContext> auth = context.auth_context();
  if (auth == nullptr || !auth->IsPeerAuthenticated()) return "";
  const std::vector<grpc::string_ref> found =
      auth->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (found.size() != 1) return "";
  return std::string(found.front().data(), found.front().size());
}

/// Whether the connection is encrypted.
bool IsPrivate(const grpc::CallbackServerContext& context) {
  const std::shared_ptr<const grpc::AuthContext> auth = context.auth_context();
  if (auth == nullptr) return false;
  const std::vector<grpc::string_ref> found =
      auth->FindPropertyValues(GRPC_TRANSPORT_SECURITY_TYPE_PROPERTY_NAME);
  return found.size() == 1 && found.front() == GRPC_SSL_TRANSPORT_SECURITY_TYPE;
}

}  // namespace

// --- Whether a peer may call.

PeerKey CallRunner::PeerOf(const grpc::CallbackServerContext& context) {
  return ParsePeer(context.peer()).value_or(PeerKey());
}

std::pair<std::shared_ptr<UnaryCall>, absl::Status> CallRunner::Begin(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer& request,
    grpc::ByteBuffer* response, CallKind kind) {
  const PeerKey peer = PeerOf(*context);
  auto call = UnaryCall::Begin(&calls_, context, request, response, kind, peer,
                               [this, peer] { Strike(peer); });
  absl::Status admission = call->admission();
  if (!admission.ok()) {
    Strike(peer);
  } else {
    admission = MayCall(*context, request.Length());
  }
  return {std::move(call), std::move(admission)};
}

void CallRunner::Strike(const PeerKey& peer) {
  if (dependencies_.peers == nullptr || !peer.address.known()) return;
  if (!dependencies_.peers->MayGoOn(peer, PumpThread::NowMs())) close_(peer);
}

absl::Status CallRunner::MayCall(const grpc::CallbackServerContext& context,
                                 std::size_t request_bytes) {
  const PeerKey peer = PeerOf(context);
  if (dependencies_.peers == nullptr || !peer.address.known()) return absl::OkStatus();
  const Verdict verdict = dependencies_.peers->TryTakeCall(
      peer.address, peer.port, static_cast<std::int64_t>(request_bytes), PumpThread::NowMs());
  if (verdict.ok()) return absl::OkStatus();
  ++calls_too_fast_;
  Strike(peer);
  return WithRetryAfter(TooFast(verdict.whose), verdict.retry_after_ms);
}

absl::Status CallRunner::MayShowPassword(const grpc::CallbackServerContext& context) const {
  return plain_login_ ? absl::OkStatus()
                      : rpc::MayShowPassword(PeerOf(context).address, IsPrivate(context));
}

absl::Status CallRunner::MayCreate(const grpc::CallbackServerContext& context,
                                   const Command& command) {
  if (dependencies_.peers == nullptr) return absl::OkStatus();
  const PeerKey peer = PeerOf(context);
  absl::Status status = dependencies_.peers->MayCreate(peer.address, command, PumpThread::NowMs());
  if (!status.ok()) {
    ++calls_too_fast_;
    Strike(peer);
  }
  return status;
}

// --- Who calls.

absl::StatusOr<Actor> CallRunner::ActorOf(const grpc::CallbackServerContext& context,
                                          Caller caller) const {
  Actor actor;
  actor.address = PeerOf(context).address;
  if (caller == Caller::kAnybody) return actor;
  const auto& metadata = context.client_metadata();
  const auto header = metadata.find("authorization");
  if (header == metadata.end() && dependencies_.certificates != nullptr) {
    absl::StatusOr<Vouched> vouched = dependencies_.certificates->Read(CertificateOf(context));
    if (vouched.ok()) {
      actor.vouched = std::make_shared<const Vouched>(*std::move(vouched));
      return actor;
    }
  }
  if (header == metadata.end()) {
    return absl::UnauthenticatedError(
        "no authorization metadata; send \"Bearer TOKEN\" with the token that Register or Login "
        "answered");
  }
  const absl::StatusOr<std::string_view> token =
      ParseBearer({header->second.data(), header->second.size()});
  if (!token.ok()) return token.status();
  TokenVerifier* const verifier = dependencies_.tokens;
  if (verifier == nullptr || !verifier->IsSigned(*token)) {
    actor.credential = dependencies_.secrets->HashOf(*token);
    return actor;
  }
  absl::StatusOr<Vouched> vouched = verifier->Verify(*token, dependencies_.clock->NowUnixMs());
  if (!vouched.ok()) return vouched.status();
  actor.vouched = std::make_shared<const Vouched>(*std::move(vouched));
  return actor;
}

// --- Commands.

std::size_t CallRunner::ListBytesMax(const Command& command) const {
  const Limits& limits = dependencies_.limits;
  std::size_t page_size = 0;
  std::size_t entry_bytes_max = limits.name_bytes_max + kListEntryBytes;
  if (const auto* channels = std::get_if<ListChannels>(&command)) {
    page_size = channels->page_size;
    entry_bytes_max += limits.topic_bytes_max;
  } else if (const auto* members = std::get_if<ListMembers>(&command)) {
    page_size = members->page_size;
  } else if (std::holds_alternative<ListSanctions>(command)) {
    return limits.sanctions_per_channel_max * (entry_bytes_max + limits.reason_bytes_max);
  } else if (std::holds_alternative<ListInvites>(command)) {
    return limits.invites_per_channel_max * entry_bytes_max;
  } else {
    return 0;
  }
  return std::min(std::min(page_size, limits.page_size_max) * entry_bytes_max,
                  limits.page_bytes_max + entry_bytes_max);
}

absl::Status CallRunner::Submit(Actor actor, Command command, PumpThread& pump, Completion done) {
  Envelope envelope;
  envelope.command = std::move(command);
  envelope.actor = std::move(actor);
  envelope.lane = &pump;
  envelope.done = std::move(done);
  envelope.time_unix_ms = dependencies_.clock->NowUnixMs();
  envelope.entropy = dependencies_.secrets->RandomBits();
  return StatusOf(dependencies_.sequencer->Submit(envelope));
}

}  // namespace txtchat::rpc
