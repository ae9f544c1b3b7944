#include "server/server.h"

#include <algorithm>
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
#include "core/session_ids.h"
#include "gateway/gateway.h"
#include "gateway/line_encoders.h"
#include "grpc-service/proto_encoder.h"
#include "grpc-service/rpc_server.h"
#include "storage/memory_store.h"

namespace txtchat::server {
namespace {

constexpr const char* kDrainReason = "the server is stopping; reconnect";

/// How long gRPC waits for calls when streams and commands are done. What is left then are calls
/// that end only when broken off: health watches, and those that came while it was shutting down.
constexpr absl::Duration kLastCallsTimeout = absl::Seconds(1);

gateway::GatewayOptions GatewayOptionsOf(const Config& config) {
  gateway::GatewayOptions options;
  options.address = config.line_listen.host;
  options.port = config.line_listen.port;
  options.io_threads = config.line_io_threads;
  options.connections_max = config.line_connections_max;
  options.line_bytes_max = config.line_bytes_max;
  options.write_stall_timeout = std::chrono::seconds(config.write_stall_timeout_s);
  options.register_timeout = std::chrono::seconds(config.line_register_timeout_s);
  options.errors = config.line_errors;
  options.reply_backlog_bytes_max = config.line_reply_backlog_bytes_max;
  return options;
}

rpc::RpcOptions RpcOptionsOf(const Config& config) {
  rpc::RpcOptions options;
  options.listen = config.grpc_listen.ToString();
  options.streams_max = config.grpc_streams_max;
  options.concurrent_calls_max = static_cast<int>(config.grpc_calls_per_connection_max);
  options.metadata_bytes_max = static_cast<int>(config.grpc_metadata_bytes_max);
  options.grpc_memory_bytes_max = config.grpc_memory_bytes_max;
  options.stream.heartbeat_interval_ms = 1000 * config.heartbeat_interval_s;
  options.stream.write_stall_timeout_ms = 1000 * config.write_stall_timeout_s;
  return options;
}

EncoderSet EncodersOf(const EventEncoder* classic, const EventEncoder* tagged,
                      const EventEncoder* proto) {
  EncoderSet encoders{};
  encoders[IndexOf(WireFormat::kClassicLine)] = classic;
  encoders[IndexOf(WireFormat::kTaggedLine)] = tagged;
  encoders[IndexOf(WireFormat::kProto)] = proto;
  return encoders;
}

std::int64_t Count(std::uint64_t count) { return static_cast<std::int64_t>(count); }

}  // namespace

/// Everything that runs. The order of the members is the order of construction; Stop ends the
/// threads in the order that their dependencies need.
struct Server::Parts {
  Parts(const Config& config_in, const Log& log_in)
      : config(config_in),
        log(log_in),
        store(config.limits.store_bytes_max),
        encoders(EncodersOf(&classic_encoder, &tagged_encoder, &proto_encoder)),
        history(&store, encoders, config.limits),
        engine(config.limits, encoders, &store),
        sequencer(&engine, &clock, config.limits),
        gateway(GatewayOptionsOf(config),
                {&sequencer, &history, &clock, &session_ids, config.limits}) {}
  ~Parts() { Stop(); }

  absl::Status Start() {
    if (absl::Status s = gateway.Start(); !s.ok()) return s;
    absl::StatusOr<std::unique_ptr<rpc::RpcServer>> started = rpc::RpcServer::Start(
        {&sequencer, &history, &clock, &session_ids, config.limits}, RpcOptionsOf(config));
    if (!started.ok()) return started.status();
    rpc = *std::move(started);
    log.Info("listening", {{"transport", "line"}, {"address", gateway.address()}});
    log.Info("listening", {{"transport", "grpc"}, {"address", grpc_address()}});
    return absl::OkStatus();
  }

  std::string grpc_address() const {
    return HostPort{config.grpc_listen.host, static_cast<std::uint16_t>(rpc->port())}.ToString();
  }

  bool Drain();

  /// The sequencer's thread and the history reader's call into the transports: they end first, the
  /// transports' own threads after them. Idempotent.
  void Stop() {
    sequencer.Stop();
    history.Stop();
    gateway.Stop();
    rpc.reset();
  }

  const Config config;
  const Log& log;
  const SystemClock clock;
  SessionIds session_ids;
  storage::MemoryStore store;
  const gateway::ClassicEncoder classic_encoder;
  const gateway::TaggedEncoder tagged_encoder;
  const rpc::ProtoEncoder proto_encoder;
  const EncoderSet encoders;
  HistoryReader history;
  ChatEngine engine;
  InProcessSequencer sequencer;
  gateway::Gateway gateway;
  std::unique_ptr<rpc::RpcServer> rpc;  ///< Set while it serves.
};

bool Server::Parts::Drain() {
  const absl::Time deadline = absl::Now() + absl::Seconds(config.drain_timeout_s);
  const auto time_left = [&] { return std::max(deadline - absl::Now(), absl::ZeroDuration()); };
  rpc->SetNotServing();
  gateway.StopAccepting();
  rpc->StopAccepting();
  gateway.StopReading();
  // From here on nothing new is accepted; what was accepted is decided and handed to the lanes.
  sequencer.Drain();

  std::size_t lines_cut = 0;
  std::thread flush_lines([&] {
    lines_cut = gateway.FlushAndClose(kDrainReason, absl::ToChronoMilliseconds(time_left()));
  });
  const std::size_t streams_cut = rpc->FlushAndFinish(time_left());
  flush_lines.join();
  rpc->Shutdown(std::min(time_left(), kLastCallsTimeout));
  Stop();

  const gateway::GatewayStats stats = gateway.stats();
  log.Info("drained", {{"line_connections_cut", Count(lines_cut)},
                       {"grpc_streams_cut", Count(streams_cut)},
                       {"line_connections_accepted", Count(stats.accepted)},
                       {"line_connections_refused", Count(stats.refused)},
                       {"line_connections_stalled", Count(stats.stalled)},
                       {"line_connections_unregistered", Count(stats.unregistered)}});
  return lines_cut + streams_cut == 0;
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Server::~Server() = default;

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Config& config, const Log& log) {
  auto parts = std::make_unique<Parts>(config, log);
  if (absl::Status s = parts->Start(); !s.ok()) return s;
  return std::unique_ptr<Server>(new Server(std::move(parts)));
}

std::string Server::line_address() const { return parts_->gateway.address(); }
std::string Server::grpc_address() const { return parts_->grpc_address(); }
bool Server::Drain() { return parts_->Drain(); }

}  // namespace txtchat::server
