#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "core/chat_engine.h"
#include "core/clock.h"
#include "core/history_reader.h"
#include "core/in_process_sequencer.h"
#include "core/session_ids.h"
#include "gateway/gateway.h"
#include "gateway/line_encoders.h"
#include "gtest/gtest.h"
#include "identity/secrets.h"
#include "storage/memory_store.h"
#include "tests/testing/line_client.h"

namespace txtchat::gateway {

struct LineServerConfig {
  Limits limits;
  GatewayOptions options;
  MessageStore* store = nullptr;  ///< Null: a memory store of its own.
  std::size_t history_threads = 1;
  TlsContext tls = nullptr;  ///< For `options.tls_address`.
  PeerGuard* peers = nullptr;
  const CertificateReader* certificates = nullptr;
};

/// A whole line server inside the test, on a free port of the loopback.
class LineServer {
 public:
  explicit LineServer(LineServerConfig config = {})
      : memory_(config.limits.store_bytes_max),
        store_(config.store == nullptr ? &memory_ : config.store),
        encoders_{&classic_, &tagged_, nullptr},
        history_(store_, encoders_, config.limits, config.history_threads),
        engine_(config.limits, encoders_, store_),
        recovered_(engine_.Recover(clock_.NowUnixMs())),
        sequencer_(&engine_, &clock_, config.limits) {
    EXPECT_TRUE(recovered_.ok()) << recovered_;
    config.options.address = "127.0.0.1";
    config.options.port = 0;
    if (config.options.io_threads == 0) config.options.io_threads = 2;
    gateway_ = std::make_unique<Gateway>(config.options,
                                         Gateway::Dependencies{.sequencer = &sequencer_,
                                                               .history = &history_,
                                                               .clock = &clock_,
                                                               .session_ids = &session_ids_,
                                                               .limits = config.limits,
                                                               .epoch = engine_.state().epoch(),
                                                               .secrets = &secrets_,
                                                               .certificates = config.certificates,
                                                               .peers = config.peers});
    gateway_->UseTls(std::move(config.tls));
    const absl::Status started = gateway_->Start();
    EXPECT_TRUE(started.ok()) << started;
  }
  ~LineServer() { Stop(); }
  LineServer(const LineServer&) = delete;
  LineServer& operator=(const LineServer&) = delete;

  std::uint16_t port() const { return gateway_->port(); }
  Gateway& gateway() const { return *gateway_; }

  /// Ends in good order; answers how many connections were cut.
  std::size_t Drain(std::chrono::milliseconds timeout = std::chrono::seconds(30)) {
    gateway_->StopAccepting();
    gateway_->StopReading();
    sequencer_.Drain();
    return gateway_->FlushAndClose("the server is stopping", timeout);
  }
  void Stop() {
    gateway_->Stop();
    sequencer_.Stop();
    history_.Stop();
  }

 private:
  SystemClock clock_;
  SessionIds session_ids_;
  identity::SodiumSecrets secrets_;
  storage::MemoryStore memory_;
  MessageStore* const store_;
  ClassicEncoder classic_;
  TaggedEncoder tagged_;
  const EncoderSet encoders_;
  HistoryReader history_;
  ChatEngine engine_;
  const absl::Status recovered_;
  std::unique_ptr<Gateway> gateway_;
  // Last, so that its thread ends before the lanes it delivers on.
  InProcessSequencer sequencer_;
};

/// What a user of the line protocol says, on a client of any kind.
template <typename Client>
class Speaker : public Client {
 public:
  using Client::Client;

  std::string Line() { return this->ReadLine().value_or("(nothing)"); }
  std::string Create(const std::string& name) {
    this->SendLine("create_chan$-$" + name);
    return Line();
  }
  void Join(const std::string& channel) {
    this->SendLine("join$-$" + channel);
    EXPECT_EQ(Line(), "$$joined: " + channel);
  }
  void Say(const std::string& channel, const std::string& text) {
    this->SendLine("send_msg$-$" + channel + "$" + text);
  }
  /// Asserts that everything the server had for this client until now has been read: the answer to
  /// a ping is the next line.
  void ExpectQuiet() {
    const std::string word = "quiet-" + std::to_string(++pings_);
    this->SendLine("ping$" + word);
    EXPECT_EQ(Line(), "$$pong: " + word);
  }

 protected:
  int pings_ = 0;
};

/// A client that has read the welcome.
class Guest : public Speaker<testing::LineClient> {
 public:
  explicit Guest(const LineServer& server, int receive_buffer_bytes = 0)
      : Speaker(server.port(), receive_buffer_bytes) {
    EXPECT_EQ(ReadLine(), std::string(kWelcome));
  }
  /// … and has registered.
  Guest(const LineServer& server, const std::string& name, int receive_buffer_bytes = 0)
      : Guest(server, receive_buffer_bytes) {
    SendLine("reg$" + name);
    EXPECT_EQ(ReadLine(), LocalAddress());
  }

  /// The lines up to the answer to a ping.
  std::string ReadToNow() {
    const std::string word = "now-" + std::to_string(++pings_);
    SendLine("ping$" + word);
    std::string lines;
    for (std::string line = Line(); line != "$$pong: " + word; line = Line()) {
      lines += line + "\n";
      if (line == "(nothing)") break;
    }
    return lines;
  }
};

/// A text of about 200 bytes that says which one it is.
inline std::string Numbered(int i) { return std::to_string(i) + " " + std::string(200, 'x'); }

/// Says these numbers in a channel, a hundred at a time, and hears each.
inline void SayNumbered(Guest& guest, const std::string& channel, int from, int to) {
  for (int i = from; i < to; i += 100) {
    for (int j = i; j < i + 100; ++j) guest.Say(channel, Numbered(j));
    for (int j = i; j < i + 100; ++j) ASSERT_EQ(guest.Line(), Numbered(j));
  }
}

}  // namespace txtchat::gateway
