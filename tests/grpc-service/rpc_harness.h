#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/chat_engine.h"
#include "core/clock.h"
#include "core/delivery_lane.h"
#include "core/history_reader.h"
#include "core/in_process_sequencer.h"
#include "core/limits.h"
#include "core/session_ids.h"
#include "grpc-service/proto_encoder.h"
#include "grpc-service/rpc_server.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "gtest/gtest.h"
#include "identity/secrets.h"
#include "storage/memory_store.h"
#include "tests/testing/failing_store.h"
#include "tests/testing/fake_clock.h"
#include "txtchat/v1/chat.grpc.pb.h"

namespace txtchat::rpc {

/// Only to notice that something hangs.
inline constexpr std::chrono::seconds kPatience{60};

/// A whole server: real core, real sequencer, real sockets on a free port.
class RpcHarness {
 public:
  explicit RpcHarness(Limits limits = {}, RpcOptions options = {}, PeerGuard* peers = nullptr);
  ~RpcHarness();

  /// A connection of its own, not shared with other callers.
  std::shared_ptr<grpc::Channel> Connect() const;

  Limits limits;
  ProtoEncoder encoder;
  testing::FakeClock clock{SystemClock().NowUnixMs()};  ///< Stands still.
  SessionIds session_ids;
  identity::SodiumSecrets secrets;
  std::unique_ptr<DeliveryLane> flood_lane;  ///< Of Guest::Flood.
  storage::MemoryStore memory;
  testing::FailingStore store;
  HistoryReader history;
  ChatEngine engine;
  const absl::Status recovered;
  InProcessSequencer sequencer;
  std::unique_ptr<RpcServer> server;
};

/// What one call came to, in short: `OK` or the name of the code.
std::string CodeOf(const grpc::Status& status);

/// When to call again, in milliseconds, as the trailers of a call that has ended say; empty if they
/// do not.
std::string RetryAfter(const grpc::ClientContext& context);

/// A guest with a connection.
class Guest {
 public:
  /// Registers; fails the test if it cannot.
  Guest(const RpcHarness& harness, const std::string& name);

  /// Ready for a call, with the token and a deadline.
  std::unique_ptr<grpc::ClientContext> Context() const;

  std::string Create(const std::string& name);
  grpc::Status Join(const std::string& channel_id);
  grpc::Status Leave(const std::string& channel_id);
  grpc::Status Send(const std::string& channel_id, const std::string& text,
                    v1::Message* stored = nullptr);
  /// Posts `count` texts of `text_bytes` bytes, `prefix` and a number first, through the sequencer
  /// itself: many calls would take long. Returns when all are stored.
  void Flood(RpcHarness& harness, const std::string& channel_id, std::size_t count,
             std::size_t text_bytes) const;

  std::string id;
  std::string token;
  std::shared_ptr<grpc::Channel> connection;
  std::unique_ptr<v1::ChatService::Stub> stub;
};

/// A Subscribe stream that is read event by event.
class TestStream {
 public:
  explicit TestStream(const Guest& guest, const std::vector<std::string>& channel_ids = {});
  TestStream(const Guest& guest, const v1::SubscribeRequest& request);
  /// Cancels if nobody read it to its end.
  ~TestStream();

  /// The next event; none at the end of the stream.
  std::optional<v1::Event> Next();
  /// The next one that is not a heartbeat.
  std::optional<v1::Event> NextNews();
  /// `NextNews` in short: `3 +alice`, `3 -alice`, `3 alice: text`, `gap 1-2` or `(end)`.
  std::string NextLine();
  /// Reads on to the end and answers how the stream ended.
  grpc::Status End();
  /// See rpc::RetryAfter. After End.
  std::string RetryAfter() const { return rpc::RetryAfter(*context_); }
  void Cancel() { context_->TryCancel(); }
  void WaitForInitialMetadata() { reader_->WaitForInitialMetadata(); }

 private:
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReader<v1::SubscribeResponse>> reader_;
  v1::SubscribeResponse response_;
  int next_ = 0;
  std::optional<grpc::Status> end_;
};

/// Waits until `condition`, polled; false if patience ran out.
bool Eventually(const std::function<bool()>& condition);

}  // namespace txtchat::rpc
