#include "gateway/gateway.h"

#include <sys/resource.h>

#include <algorithm>
#include <limits>
#include <thread>

#include "absl/time/time.h"
#include "gateway/io_thread.h"
#include "gateway/listener.h"

namespace txtchat::gateway {
namespace {

constexpr std::size_t kThreadsMax = 256;
// The longest command around a text: names, ids, separators.
constexpr std::size_t kCommandBytes = 1'024;

// So many that the process can still open others.
std::size_t FilesMax(const GatewayOptions& options) {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return std::numeric_limits<std::size_t>::max();
  const std::size_t least = options.tls_address.empty() ? 1 : kFilesOfTlsConnection;
  return files.rlim_cur > options.reserved_files + least ? files.rlim_cur - options.reserved_files
                                                         : least;
}

GatewayOptions Resolved(GatewayOptions options, const Limits& limits) {
  if (options.io_threads == 0) options.io_threads = std::thread::hardware_concurrency();
  options.io_threads = std::clamp<std::size_t>(options.io_threads, 1, kThreadsMax);
  options.commands_in_flight_max =
      std::clamp<std::size_t>(options.commands_in_flight_max, 1, kCommandsInFlightLimit);
  if (options.line_bytes_max == 0) options.line_bytes_max = limits.text_bytes_max + kCommandBytes;
  return options;
}

}  // namespace

Gateway::Gateway(const GatewayOptions& options, const Dependencies& dependencies)
    : connections_(std::min(options.connections_max, FilesMax(options)), FilesMax(options)),
      handshakes_(options.tls_handshakes_max, options.tls_handshakes_max),
      options_(Resolved(options, dependencies.limits)) {
  const Environment environment{
      .options = options_,
      .sequencer = dependencies.sequencer,
      .history = dependencies.history,
      .clock = dependencies.clock,
      .session_ids = dependencies.session_ids,
      .epoch = dependencies.epoch,
      .history_scan_events_max = dependencies.limits.history_scan_events_max,
      .connections = &connections_,
      .handshakes = &handshakes_,
      .secrets = dependencies.secrets,
      .tokens = dependencies.tokens,
      .certificates = dependencies.certificates,
      .accounts = dependencies.accounts,
      .peers = dependencies.peers,
      .counters = &counters_,
      .light = &light_,
      // Who lifts the limit of commands trusts everybody, and wants all that can be had.
      .turns = dependencies.peers != nullptr &&
               !dependencies.peers->commands_per_connection().unlimited(),
      .busy_in_flight_max = std::max(
          kBusyInFlightMax / static_cast<std::int64_t>(options_.io_threads), kCostPerTurn)};
  for (std::size_t i = 0; i < options_.io_threads; ++i) {
    threads_.push_back(std::make_shared<IoThread>(&environment));
  }
  if (!options_.address.empty()) listener_ = std::make_unique<Listener>(&threads_, nullptr);
  if (!options_.tls_address.empty()) {
    tls_listener_ = std::make_unique<Listener>(&threads_, &tls_context_);
  }
}

Gateway::~Gateway() { Stop(); }

absl::Status Gateway::Start() {
  if (tls_listener_ != nullptr && tls_context_.Get() == nullptr) {
    return absl::InvalidArgumentError("TLS is to be served without a certificate");
  }
  if (listener_ != nullptr) {
    absl::Status opened = listener_->Open(options_.address, options_.port);
    if (!opened.ok()) return opened;
  }
  if (tls_listener_ != nullptr) {
    absl::Status opened = tls_listener_->Open(options_.tls_address, options_.tls_port);
    if (!opened.ok()) return opened;
  }
  for (const std::shared_ptr<IoThread>& thread : threads_) thread->Start();
  running_ = true;
  threads_.front()->RunAndWait([this] {
    if (listener_ != nullptr) listener_->Start();
    if (tls_listener_ != nullptr) tls_listener_->Start();
  });
  return absl::OkStatus();
}

std::string Gateway::address() const { return listener_ == nullptr ? "" : listener_->address(); }
std::uint16_t Gateway::port() const { return listener_ == nullptr ? 0 : listener_->port(); }
std::string Gateway::tls_address() const {
  return tls_listener_ == nullptr ? "" : tls_listener_->address();
}
std::uint16_t Gateway::tls_port() const {
  return tls_listener_ == nullptr ? 0 : tls_listener_->port();
}

void Gateway::StopAccepting() {
  threads_.front()->RunAndWait([this] {
    if (listener_ != nullptr) listener_->Stop();
    if (tls_listener_ != nullptr) tls_listener_->Stop();
  });
}

void Gateway::StopReading() {
  for (const std::shared_ptr<IoThread>& thread : threads_) {
    thread->RunAndWait([&] { thread->StopReading(); });
  }
}

std::size_t Gateway::FlushAndClose(const std::string& reason, std::chrono::milliseconds timeout) {
  for (const std::shared_ptr<IoThread>& thread : threads_) {
    thread->RunAndWait([&] { thread->BeginFlush(reason); });
  }
  if (running_) connections_.AwaitNone(absl::FromChrono(timeout));
  std::size_t cut = 0;
  for (const std::shared_ptr<IoThread>& thread : threads_) {
    thread->RunAndWait([&] { cut += thread->CloseAll(); });
  }
  return cut;
}

void Gateway::Stop() {
  if (!running_) return;
  running_ = false;
  StopAccepting();
  for (const std::shared_ptr<IoThread>& thread : threads_) thread->Stop();
}

GatewayStats Gateway::stats() const {
  return {.connections = connections_.open(),
          .connections_max = connections_.max(),
          .accepted = counters_.accepted,
          .refused = counters_.refused,
          .accept_pauses = counters_.accept_pauses,
          .stalled = counters_.stalled,
          .unregistered = counters_.unregistered,
          .exceptions = counters_.exceptions,
          .handshakes_failed = counters_.handshakes_failed,
          .slowed = counters_.slowed,
          .turns_awaited = counters_.turns_awaited,
          .proxy_failed = counters_.proxy_failed};
}

}  // namespace txtchat::gateway
