#include "server/server.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/chat_engine.h"
#include "core/clock.h"
#include "core/history_reader.h"
#include "core/in_process_sequencer.h"
#include "core/peer_guard.h"
#include "core/retention_sweeper.h"
#include "core/session_ids.h"
#include "gateway/gateway.h"
#include "gateway/line_encoders.h"
#include "grpc-service/proto_encoder.h"
#include "grpc-service/rpc_server.h"
#include "server/file_budget.h"
#include "server/identity_parts.h"
#include "server/login_guard.h"
#include "server/tls_files.h"
#include "server/transport_options.h"
#include "storage/memory_store.h"
#include "storage/sqlite_store.h"

namespace txtchat::server {
namespace {

/// Pages of the store that are read at the same time.
constexpr std::size_t kHistoryThreads = 2;

constexpr const char* kDrainReason = "the server is stopping; reconnect";

/// How long gRPC waits for calls when streams and commands are done. What is left then are calls
/// that end only when broken off: of reflection, and those that came while it was shutting down.
constexpr absl::Duration kLastCallsTimeout = absl::Seconds(1);

/// The configuration with as many connections as the process has files for, and what the core has
/// to know of the limits of peers.
Config Affordable(Config config) {
  // Accounts never end: guests must find room beside them.
  config.limits.accounts_max =
      std::min(config.limits.accounts_max, config.limits.users_max - config.limits.users_max / 5);
  config.limits.commands_per_user_per_s = config.peers.commands_per_user_per_s;
  config.limits.commands_per_user_burst = config.peers.commands_per_user_burst;
  config.limits.bytes_per_user_per_s = config.peers.bytes_per_user_per_s;
  config.limits.bytes_per_user_burst = config.peers.bytes_per_user_burst;
  config.limits.creations_per_user_per_minute = config.peers.creations_per_user_per_minute;
  config.limits.creations_per_user_burst = config.peers.creations_per_user_burst;
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return config;
  const std::size_t files_of_line =
      config.line_tls_listen.on() ? gateway::kFilesOfTlsConnection : 1;
  const bool line = config.line_listen.on() || config.line_tls_listen.on();
  const bool grpc = config.grpc_listen.on() || config.grpc_tls_listen.on();
  const FileBudget budget = SplitFiles(files.rlim_cur, config.reserved_files,
                                       {line ? files_of_line * config.line_connections_max : 0,
                                        grpc ? config.grpc_connections_max : 0});
  config.line_connections_max = std::min(config.line_connections_max, budget.line_connections);
  config.grpc_connections_max = std::min(config.grpc_connections_max, budget.grpc_connections);
  return config;
}

/// Says what is missing to serve as configured.
absl::Status CheckListening(const Config& config) {
  const bool tls = config.line_tls_listen.on() || config.grpc_tls_listen.on();
  if (!tls && !config.line_listen.on() && !config.grpc_listen.on()) {
    return absl::InvalidArgumentError(
        "nothing is listened on; give --line-listen, --grpc-listen, --line-tls-listen or "
        "--grpc-tls-listen an address");
  }
  const bool material =
      !config.tls_cert.empty() || !config.tls_key.empty() || !config.tls_client_ca.empty();
  if (material && !tls) {
    return absl::InvalidArgumentError(
        "files for TLS are given, but nothing is listened on with it; give --line-tls-listen "
        "HOST:9443 or --grpc-tls-listen HOST:50443, too");
  }
  if (tls && (config.tls_cert.empty() || config.tls_key.empty())) {
    return absl::InvalidArgumentError(
        "TLS needs a certificate and its key; give --tls-cert FILE and --tls-key FILE, both PEM");
  }
  return absl::OkStatus();
}

rpc::RpcTls RpcTlsOf(const gateway::TlsMaterial& material) {
  return {material.certificate, material.private_key, material.client_ca,
          material.client_certificate_required};
}

EncoderSet EncodersOf(const EventEncoder* classic, const EventEncoder* tagged,
                      const EventEncoder* proto) {
  EncoderSet encoders{};
  encoders[IndexOf(WireFormat::kClassicLine)] = classic;
  encoders[IndexOf(WireFormat::kTaggedLine)] = tagged;
  encoders[IndexOf(WireFormat::kProto)] = proto;
  return encoders;
}

absl::StatusOr<std::unique_ptr<MessageStore>> OpenStore(const Config& config) {
  if (config.store == StoreKind::kMemory) {
    return std::make_unique<storage::MemoryStore>(config.limits.store_bytes_max);
  }
  storage::SqliteStoreOptions options;
  options.data_dir = config.data_dir;
  options.durability = config.durability;
  options.readers = kHistoryThreads + 1;  // And the retention sweeper.
  absl::StatusOr<std::unique_ptr<storage::SqliteStore>> opened =
      storage::SqliteStore::Open(options);
  if (!opened.ok()) return opened.status();
  return *std::move(opened);
}

RetentionSweeper::Options SweeperOptionsOf(const Config& config) {
  return {.policy = {.age_max_ms = 1'000 * config.retention_age_s,
                     .events_max = config.retention_events,
                     .bytes_max = config.retention_bytes}};
}

/// What is promised of a message that was acknowledged.
std::string DurabilityOf(const Config& config) {
  if (config.store == StoreKind::kMemory) return "none";
  return config.durability == storage::Durability::kFull ? "full" : "normal";
}

/// The clock of the transports: what PeerGuard counts must be counted by one.
std::int64_t SteadyNowMs() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::int64_t Count(std::uint64_t count) { return static_cast<std::int64_t>(count); }

}  // namespace

/// Everything that runs. The order of the members is the order of construction; Stop ends the
/// threads in the order that their dependencies need.
struct Server::Parts {
  Parts(const Config& config_in, const Log& log_in, std::unique_ptr<MessageStore> store_in,
        std::unique_ptr<IdentityParts> identity_in)
      : config(Affordable(config_in)),
        log(log_in),
        store(std::move(store_in)),
        identity(std::move(identity_in)),
        encoders(EncodersOf(&classic_encoder, &tagged_encoder, &proto_encoder)),
        history(store.get(), encoders, config.limits, kHistoryThreads),
        engine(config.limits, encoders, store.get(), identity->names.get()),
        recovered(Recover()),
        sweeper(SweeperOptionsOf(config), store.get(), &clock),
        sequencer(&engine, &clock, config.limits),
        peers(config.peers),
        logins(&peers, &identity->secrets, config.peers.attempts_per_login_per_minute),
        accounts(GateDependencies()),
        gateway(GatewayOptionsOf(config), {.sequencer = &sequencer,
                                           .history = &history,
                                           .clock = &clock,
                                           .session_ids = &session_ids,
                                           .limits = config.limits,
                                           .epoch = engine.state().epoch(),
                                           .secrets = &identity->secrets,
                                           .tokens = identity->tokens.get(),
                                           .certificates = identity->certificates.get(),
                                           .accounts = &accounts,
                                           .peers = &peers}) {}
  ~Parts() { Stop(); }

  AccountGate::Dependencies GateDependencies() {
    return {.sequencer = &sequencer,
            .hasher = identity->passwords.get(),
            .secrets = &identity->secrets,
            .names = identity->names.get(),
            .clock = &clock,
            .limits = config.limits,
            .may_try =
                [this](const IpAddress& peer, const std::string& login) {
                  return logins.MayTry(peer, login, SteadyNowMs());
                },
            .was_right =
                [this](const IpAddress& peer, const std::string& login) {
                  logins.WasRight(peer, login, SteadyNowMs());
                }};
  }

  absl::Status Recover() {
    engine.set_commit_observer([this](const absl::Status& status) { OnCommits(status); });
    engine.set_erase_observer([this](ChannelKey channel) {
      if (channel == 0) {
        history.ForgetAll();
      } else {
        history.Forget(channel);
      }
    });
    return engine.Recover(clock.NowUnixMs());
  }

  /// Sequencer thread: the store has begun to refuse commits, or takes them again.
  void OnCommits(const absl::Status& status) {
    store_works = status.ok();
    if (rpc::RpcServer* const serving = serving_rpc) serving->SetStoreServing(status.ok());
    if (status.ok()) {
      log.Info("store works again");
    } else {
      log.Error("store refuses, and senders are told UNAVAILABLE until it works again",
                {{"reason", std::string(status.message())}});
    }
  }

  absl::Status Start() {
    if (!recovered.ok()) return recovered;
    log.Info("store open", {{"store", config.store == StoreKind::kMemory ? "memory" : "sqlite"},
                            {"data_dir", config.data_dir},
                            {"durability", DurabilityOf(config)},
                            {"epoch", engine.state().epoch()},
                            {"users", Count(engine.state().user_count())},
                            {"channels", Count(engine.state().channel_count())}});
    if (absl::Status s = StartTls(); !s.ok()) return s;
    if (absl::Status s = gateway.Start(); !s.ok()) return s;
    if (absl::Status s = StartRpc(); !s.ok()) return s;
    sweeper.Start(&sequencer);
    if (tls != nullptr) tls->Start();
    if (identity->keys != nullptr) identity->keys->Start();
    LogListening("line", gateway.address(), config.line_connections_max);
    LogListening("line-tls", gateway.tls_address(), gateway.tls_connections_max());
    if (rpc == nullptr) return absl::OkStatus();
    LogListening("grpc", grpc_address(), config.grpc_connections_max);
    LogListening("grpc-tls", AddressOf(config.grpc_tls_listen, rpc->tls_port()),
                 config.grpc_connections_max);
    return absl::OkStatus();
  }

  /// Reads the certificate; from then on it is looked after.
  absl::Status StartTls() {
    if (config.tls_cert.empty()) return absl::OkStatus();
    const TlsPaths paths{config.tls_cert, config.tls_key, config.tls_client_ca,
                         config.tls_client_certificate_required};
    absl::StatusOr<LoadedTls> loaded = LoadTls(paths);
    if (!loaded.ok()) return loaded.status();
    gateway.UseTls(loaded->context);
    tls_at_start = RpcTlsOf(loaded->material);
    tls = std::make_unique<TlsReloader>(
        paths, std::move(loaded->material), [this](const LoadedTls& newer) { UseTls(newer); }, log);
    return absl::OkStatus();
  }

  /// For connections from now on.
  void UseTls(const LoadedTls& newer) {
    gateway.UseTls(newer.context);
    if (rpc != nullptr) rpc->UseTls(RpcTlsOf(newer.material));
  }

  absl::Status StartRpc() {
    if (!config.grpc_listen.on() && !config.grpc_tls_listen.on()) return absl::OkStatus();
    rpc::RpcOptions options = RpcOptionsOf(config);
    options.durability = DurabilityOf(config);
    options.tls = std::exchange(tls_at_start, {});
    absl::StatusOr<std::unique_ptr<rpc::RpcServer>> started =
        rpc::RpcServer::Start({.sequencer = &sequencer,
                               .history = &history,
                               .clock = &clock,
                               .session_ids = &session_ids,
                               .limits = config.limits,
                               .epoch = engine.state().epoch(),
                               .secrets = &identity->secrets,
                               .tokens = identity->tokens.get(),
                               .certificates = identity->certificates.get(),
                               .accounts = &accounts,
                               .peers = &peers},
                              options);
    if (!started.ok()) return started.status();
    rpc = *std::move(started);
    serving_rpc = rpc.get();
    if (!store_works) rpc->SetStoreServing(false);
    return absl::OkStatus();
  }

  void LogListening(const char* transport, const std::string& address, std::size_t max) const {
    if (address.empty()) return;
    log.Info("listening",
             {{"transport", transport}, {"address", address}, {"connections_max", Count(max)}});
  }

  static std::string AddressOf(const HostPort& listen, int port) {
    if (!listen.on()) return "";
    return HostPort{listen.host, static_cast<std::uint16_t>(port)}.ToString();
  }
  std::string grpc_address() const {
    return rpc == nullptr ? "" : AddressOf(config.grpc_listen, rpc->port());
  }

  bool Drain();

  /// The sequencer's thread and the history reader's call into the transports: they end first, the
  /// transports' own threads after them. Idempotent.
  void Stop() {
    if (tls != nullptr) tls->Stop();
    if (identity->keys != nullptr) identity->keys->Stop();
    identity->passwords->Stop();
    sweeper.Stop();
    sequencer.Stop();
    history.Stop();
    gateway.Stop();
    rpc.reset();
  }

  const Config config;
  const Log& log;
  const SystemClock clock;
  SessionIds session_ids;
  const std::unique_ptr<MessageStore> store;
  const std::unique_ptr<IdentityParts> identity;
  const gateway::ClassicEncoder classic_encoder;
  const gateway::TaggedEncoder tagged_encoder;
  const rpc::ProtoEncoder proto_encoder;
  const EncoderSet encoders;
  HistoryReader history;
  std::atomic<bool> store_works{true};
  std::atomic<rpc::RpcServer*> serving_rpc{nullptr};
  ChatEngine engine;
  const absl::Status recovered;
  RetentionSweeper sweeper;
  InProcessSequencer sequencer;
  PeerGuard peers;
  LoginGuard logins;
  AccountGate accounts;
  gateway::Gateway gateway;
  std::unique_ptr<rpc::RpcServer> rpc;  ///< Set while it serves.
  rpc::RpcTls tls_at_start;             ///< Until rpc has it.
  std::unique_ptr<TlsReloader> tls;     ///< Null without TLS.
};

bool Server::Parts::Drain() {
  const absl::Time deadline = absl::Now() + absl::Seconds(config.drain_timeout_s);
  const auto time_left = [&] { return std::max(deadline - absl::Now(), absl::ZeroDuration()); };
  if (rpc != nullptr) rpc->SetNotServing();
  gateway.StopAccepting();
  if (rpc != nullptr) rpc->StopAccepting();
  gateway.StopReading();
  // From here on nothing new is accepted; what was accepted is decided and handed to the lanes.
  sweeper.Stop();
  const bool all_decided = sequencer.Drain(time_left());
  // Whatever a password is still checked for, nobody decides it any more.
  identity->passwords->Stop();

  std::size_t lines_cut = 0;
  std::thread flush_lines([&] {
    lines_cut = gateway.FlushAndClose(kDrainReason, absl::ToChronoMilliseconds(time_left()));
  });
  const std::size_t calls_cut = rpc == nullptr ? 0 : rpc->FlushAndFinish(time_left());
  flush_lines.join();
  std::uint64_t grpc_refused = 0;
  std::uint64_t grpc_too_fast = 0;
  std::uint64_t grpc_closed = 0;
  if (rpc != nullptr) {
    rpc->Shutdown(std::min(time_left(), kLastCallsTimeout));
    grpc_refused = rpc->refused_connections();
    grpc_too_fast = rpc->calls_too_fast();
    grpc_closed = rpc->closed_connections();
  }
  Stop();

  const gateway::GatewayStats stats = gateway.stats();
  log.Info("drained", {{"line_connections_cut", Count(lines_cut)},
                       {"grpc_calls_cut", Count(calls_cut)},
                       {"line_connections_accepted", Count(stats.accepted)},
                       {"line_connections_refused", Count(stats.refused)},
                       {"line_connections_stalled", Count(stats.stalled)},
                       {"line_connections_unregistered", Count(stats.unregistered)},
                       {"line_tls_handshakes_failed", Count(stats.handshakes_failed)},
                       {"line_connections_slowed", Count(stats.slowed)},
                       {"line_turns_awaited", Count(stats.turns_awaited)},
                       {"line_proxies_failed", Count(stats.proxy_failed)},
                       {"grpc_connections_refused", Count(grpc_refused)},
                       {"grpc_connections_closed", Count(grpc_closed)},
                       {"grpc_calls_too_fast", Count(grpc_too_fast)}});
  return all_decided && lines_cut + calls_cut == 0;
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Server::~Server() = default;

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Config& config, const Log& log) {
  if (absl::Status s = CheckListening(config); !s.ok()) return s;
  absl::StatusOr<std::unique_ptr<MessageStore>> store = OpenStore(config);
  if (!store.ok()) return store.status();
  absl::StatusOr<std::unique_ptr<IdentityParts>> identity = IdentityParts::Make(config, log);
  if (!identity.ok()) return identity.status();
  auto parts = std::make_unique<Parts>(config, log, *std::move(store), *std::move(identity));
  if (absl::Status s = parts->Start(); !s.ok()) return s;
  return std::unique_ptr<Server>(new Server(std::move(parts)));
}

std::string Server::line_address() const { return parts_->gateway.address(); }
std::string Server::grpc_address() const { return parts_->grpc_address(); }
void Server::ReloadFiles() {
  if (parts_->tls != nullptr) parts_->tls->Look();
  if (parts_->identity->keys != nullptr) parts_->identity->keys->Look();
}
bool Server::Drain() { return parts_->Drain(); }

}  // namespace txtchat::server
