#include "grpc-service/rpc_server.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/stubs/logging.h"
#include "grpc-service/account_service.h"
#include "grpc-service/chat_service.h"
#include "grpc-service/connection_acceptor.h"
#include "grpc-service/moderation_service.h"
#include "grpc-service/other_calls.h"
#include "grpc-service/pump_thread.h"
#include "grpc-service/tls_credentials.h"
#include "grpc/grpc.h"
#include "grpcpp/resource_quota.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"

namespace txtchat::rpc {
namespace {

/// What clients take in one message unless they are told otherwise.
constexpr std::size_t kClientMessageBytesMax = 4 * kMiB;
/// The largest request, unless the limits allow for larger ones.
constexpr std::size_t kRequestBytesDefault = 128 * kKiB;
/// The fields of a request or an event beside its text.
constexpr std::size_t kEnvelopeBytes = 64 * kKiB;
/// A channel id in a request, with its tag and length.
constexpr std::size_t kChannelIdBytes = 64;
/// The name under which the health service says whether the store takes commits.
constexpr char kStoreHealth[] = "txtchat.store";
/// How long before its end a drain begins to cut streams, so that they are told why: longer than
/// `cut_grace_ms`, after which they are broken off. Half of the drain if that is less.
constexpr absl::Duration kCutReserve = absl::Seconds(1);

absl::Status Check(const RpcOptions& options, const Limits& limits) {
  if (limits.text_bytes_max + kEnvelopeBytes > kClientMessageBytesMax ||
      limits.page_bytes_max + kEnvelopeBytes > kClientMessageBytesMax ||
      options.stream.response_bytes_max + kEnvelopeBytes > kClientMessageBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "text_bytes_max (", limits.text_bytes_max, "), page_bytes_max (", limits.page_bytes_max,
        ") and response_bytes_max (", options.stream.response_bytes_max, ") must leave ",
        kEnvelopeBytes, " bytes of the 4 MiB that gRPC clients take in one message"));
  }
  if (options.stream.heartbeat_interval_ms <= 0 || options.stream.write_stall_timeout_ms <= 0 ||
      options.stream.heartbeat_heads_max == 0) {
    return absl::InvalidArgumentError(
        "the heartbeat interval, the write-stall timeout and the heads in a heartbeat must be "
        "positive");
  }
  const CallOptions& calls = options.calls;
  if (calls.calls_max == 0 || calls.reply_stall_timeout_ms <= 0 ||
      calls.reply_stall_pressed_ms <= 0) {
    return absl::InvalidArgumentError("the limits of unary calls must be positive");
  }
  if (calls.unread_reply_bytes_max < 2 * kClientMessageBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "unread_reply_bytes_max (", calls.unread_reply_bytes_max,
        ") must have room for two replies of the 4 MiB that gRPC clients take in one message"));
  }
  return absl::OkStatus();
}

std::size_t RequestBytesMax(const Limits& limits) {
  const std::size_t largest_field =
      std::max(limits.text_bytes_max, limits.channels_per_user_max * kChannelIdBytes);
  return std::max(largest_field + kEnvelopeBytes, kRequestBytesDefault);
}

std::size_t PumpThreads(const RpcOptions& options) {
  if (options.pump_threads != 0) return options.pump_threads;
  return std::max(1u, std::thread::hardware_concurrency() / 2);
}

void Configure(const RpcOptions& options, const Limits& limits, grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(RequestBytesMax(limits)));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.concurrent_calls_max);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, options.metadata_bytes_max);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, options.handshake_timeout_ms);
  if (options.idle_timeout_ms > 0) {
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, options.idle_timeout_ms);
  }
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, options.keepalive_time_ms);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, options.keepalive_timeout_ms);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             options.client_ping_interval_min_ms);
  grpc::ResourceQuota quota("txtchat");
  quota.Resize(options.grpc_memory_bytes_max);
  builder.SetResourceQuota(quota);
}

CallCounts CountsOf(const UnaryCalls& calls) {
  return {calls.admitted(), calls.refused(), calls.held_bytes()};
}

}  // namespace

class RpcServer::Impl {
 public:
  Impl(const RpcDependencies& dependencies, const RpcOptions& options)
      : plain_(!options.listen.empty()),
        with_tls_(!options.tls_listen.empty()),
        tls_(options.tls),
        service_(dependencies, options, &pumps_,
                 [this](const PeerKey& peer) { acceptor_->CloseConnection(peer); }),
        moderation_(&service_.runner()),
        accounts_(&service_.runner(), options),
        others_(options.other_calls,
                {v1::ChatService::service_full_name(), v1::ModerationService::service_full_name(),
                 v1::AccountService::service_full_name()},
                [this](const PeerKey& peer) { service_.runner().Strike(peer); }) {
    others_.health().Set(kStoreHealth, true);
    others_.health().Set("txtchat.durability." + options.durability, true);
    // One of them looks after the unary calls.
    std::vector<UnaryCalls*> calls{&service_.calls(), &others_.calls()};
    for (std::size_t i = 0; i < PumpThreads(options); ++i) {
      pumps_.push_back(
          std::make_unique<PumpThread>(dependencies.history, options, std::exchange(calls, {})));
    }
  }

  ~Impl() {
    Shutdown(absl::ZeroDuration());
    // What gRPC still has to say of calls broken off goes to the service and its pumps.
    service_.streams().AwaitNone(absl::InfiniteDuration());
    service_.calls().AwaitGone();
    others_.calls().AwaitGone();
    server_.reset();
    for (const auto& pump : pumps_) pump->Stop();
  }

  absl::Status Listen(const RpcOptions& options, const Limits& limits, PeerGuard* peers) {
    // `others_` answers for health: it counts who asks.
    grpc::EnableDefaultHealthCheckService(false);
    grpc::ServerBuilder builder;
    Configure(options, limits, builder);
    if (absl::Status s = Accept(options, peers, builder); !s.ok()) return s;
    builder.RegisterService(&service_);
    builder.RegisterService(&moderation_);
    builder.RegisterService(&accounts_);
    builder.RegisterCallbackGenericService(&others_);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) return absl::UnavailableError("gRPC cannot start its server");
    acceptor_->Start([this](int fd, std::size_t address) {
      Taker::NewConnectionParameters connection;
      connection.fd = fd;
      takers_[address]->HandleNewConnection(&connection);
    });
    return absl::OkStatus();
  }

  int port() const { return plain_ ? acceptor_->port() : 0; }
  int tls_port() const { return with_tls_ ? acceptor_->port(plain_ ? 1 : 0) : 0; }
  void UseTls(RpcTls tls) { tls_.Set(std::move(tls)); }
  std::uint64_t refused_connections() const { return acceptor_->refused(); }
  std::uint64_t closed_connections() const { return acceptor_->closed(); }
  ChatService& service() { return service_; }
  const UnaryCalls& other_calls() { return others_.calls(); }
  void SetStoreServing(bool serving) { others_.health().Set(kStoreHealth, serving); }
  void SetNotServing() { others_.health().SetAll(false); }

  std::size_t FlushAndFinish(absl::Duration timeout) {
    for (const auto& pump : pumps_) pump->EndStreams(DrainingStatus());
    const absl::Duration reserve = std::min(kCutReserve, timeout / 2);
    const std::size_t left = AwaitCalls(timeout - reserve);
    if (left != 0) {
      service_.calls().BreakOffAdmitted();
      Cut(reserve);
    }
    return left;
  }

  void Shutdown(absl::Duration timeout) {
    if (server_ == nullptr || shut_down_) return;
    shut_down_ = true;
    const absl::Time deadline = absl::Now() + timeout;
    service_.StopAccepting();
    others_.health().End();
    if (service_.streams().open() != 0) Cut(timeout);
    acceptor_->Stop();
    server_->Shutdown(absl::ToChronoTime(deadline));
    server_->Wait();
  }

 private:
  using Taker = grpc::experimental::ExternalConnectionAcceptor;

  /// Opens what is to be listened on; what comes there goes to gRPC when it is started.
  absl::Status Accept(const RpcOptions& options, PeerGuard* peers, grpc::ServerBuilder& builder) {
    std::vector<std::string> addresses;
    const auto add = [&](const std::string& address,
                         std::shared_ptr<grpc::ServerCredentials> credentials) {
      addresses.push_back(address);
      takers_.push_back(builder.experimental().AddExternalConnectionAcceptor(
          grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
          std::move(credentials)));
    };
    if (plain_) add(options.listen, grpc::InsecureServerCredentials());
    if (with_tls_) {
      std::shared_ptr<grpc::ServerCredentials> credentials = tls_.MakeCredentials();
      if (credentials == nullptr) return absl::UnavailableError("gRPC makes no TLS credentials");
      add(options.tls_listen, std::move(credentials));
    }
    auto acceptor = ConnectionAcceptor::Listen(addresses, options.connections_max,
                                               options.keepalive_timeout_ms, peers);
    if (!acceptor.ok()) {
      return absl::UnavailableError(
          absl::StrCat("cannot listen for gRPC on ", acceptor.status().message(),
                       ": is it HOST:PORT, an address of this machine, and free?"));
    }
    acceptor_ = *std::move(acceptor);
    return absl::OkStatus();
  }

  /// Waits for streams and admitted unary calls; answers how many are still open.
  std::size_t AwaitCalls(absl::Duration timeout) {
    const absl::Time deadline = absl::Now() + timeout;
    const std::size_t streams = service_.streams().AwaitNone(timeout);
    return streams + service_.calls().AwaitAdmitted(deadline - absl::Now());
  }

  /// Waits until every stream has ended, `timeout` at the most.
  void Cut(absl::Duration timeout) {
    const absl::Status cut =
        absl::UnavailableError("the server stopped before everything was delivered; reconnect");
    for (const auto& pump : pumps_) pump->CutStreams(cut);
    service_.streams().AwaitNone(timeout);
  }

  std::vector<std::unique_ptr<PumpThread>> pumps_;
  const bool plain_;
  const bool with_tls_;
  TlsCredentials tls_;
  ChatService service_;
  ModerationService moderation_;
  AccountService accounts_;
  OtherCalls others_;
  std::unique_ptr<grpc::Server> server_;
  // Accepts, bounded; gRPC itself listens on nothing and takes the connections from here.
  std::unique_ptr<ConnectionAcceptor> acceptor_;
  std::vector<std::unique_ptr<Taker>> takers_;  ///< As the acceptor's addresses.
  bool shut_down_ = false;
};

RpcServer::RpcServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RpcServer::~RpcServer() = default;

absl::StatusOr<std::unique_ptr<RpcServer>> RpcServer::Start(const RpcDependencies& dependencies,
                                                            const RpcOptions& options) {
  if (absl::Status s = Check(options, dependencies.limits); !s.ok()) return s;
  google::protobuf::SetLogHandler(nullptr);
  // gRPC tears itself down with its last user, and at times takes 10 s for it (its timers). A
  // program that ends has no use for that: this user stays.
  static const bool kept = (grpc_init(), true);
  static_cast<void>(kept);
  auto impl = std::make_unique<Impl>(dependencies, options);
  if (absl::Status s = impl->Listen(options, dependencies.limits, dependencies.peers); !s.ok())
    return s;
  return std::unique_ptr<RpcServer>(new RpcServer(std::move(impl)));
}

int RpcServer::port() const { return impl_->port(); }
int RpcServer::tls_port() const { return impl_->tls_port(); }
void RpcServer::UseTls(RpcTls tls) { impl_->UseTls(std::move(tls)); }
std::uint64_t RpcServer::refused_connections() const { return impl_->refused_connections(); }
std::uint64_t RpcServer::closed_connections() const { return impl_->closed_connections(); }
std::size_t RpcServer::open_streams() const { return impl_->service().streams().open(); }
CallCounts RpcServer::open_calls() const { return CountsOf(impl_->service().calls()); }
CallCounts RpcServer::open_other_calls() const { return CountsOf(impl_->other_calls()); }
std::uint64_t RpcServer::calls_too_fast() const { return impl_->service().calls_too_fast(); }
void RpcServer::SetNotServing() { impl_->SetNotServing(); }
void RpcServer::SetStoreServing(bool serving) { impl_->SetStoreServing(serving); }
void RpcServer::StopAccepting() { impl_->service().StopAccepting(); }
std::size_t RpcServer::FlushAndFinish(absl::Duration timeout) {
  return impl_->FlushAndFinish(timeout);
}
void RpcServer::Shutdown(absl::Duration timeout) { impl_->Shutdown(timeout); }

}  // namespace txtchat::rpc
