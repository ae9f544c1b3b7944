// Deciding, storing and publishing messages: the sequencer's whole work, without its thread.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "bench/micro/fixture.h"
#include "core/chat_engine.h"
#include "core/delivery_lane.h"
#include "storage/memory_store.h"

namespace txtchat::bench {
namespace {

constexpr std::int64_t kNowUnixMs = 1'700'000'000'000;
constexpr std::size_t kTextBytes = 64;

/// Answers the commands and delivers nothing.
class AnsweringLane final : public DeliveryLane {
 public:
  void Deliver(LaneBatch batch) override {
    for (LaneBatch::Item& item : batch.items) {
      if (auto* reply = std::get_if<Reply>(&item)) reply->done(std::move(reply->result));
    }
  }
};

/// One line user in one channel.
class World {
 public:
  World() : store_(limits_.store_bytes_max / 8), engine_(limits_, ServerEncoders(), &store_) {
    const SessionSpec session{
        .id = 1, .lane = &lane_, .format = WireFormat::kClassicLine, .sees_own_creation = false};
    Do(Register{"127.0.0.1:54102", "alice", "", session});
    channel_id_ = std::get<ChannelInfo>(Do(CreateChannel{"general"})).id;
  }

  /// `count` messages in one batch.
  void Fill(std::vector<Envelope>& batch, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      batch.push_back(EnvelopeOf(Send{channel_id_, std::string(kTextBytes, 'x'), "", true}));
      batch.back().done = [this](absl::StatusOr<Result> result) { refused_ += !result.ok(); };
    }
  }
  void Process(std::vector<Envelope>& batch) { engine_.Process(batch, kNowUnixMs); }
  std::int64_t refused() const { return refused_; }

 private:
  Envelope EnvelopeOf(Command command) {
    Envelope envelope;
    envelope.command = std::move(command);
    envelope.actor.session = 1;
    envelope.lane = &lane_;
    envelope.time_unix_ms = kNowUnixMs;
    envelope.entropy = 0x9e3779b97f4a7c15u * ++commands_;
    return envelope;
  }
  Result Do(Command command) {
    Result answer;
    std::vector<Envelope> batch;
    batch.push_back(EnvelopeOf(std::move(command)));
    batch.back().done = [&](absl::StatusOr<Result> result) { answer = *std::move(result); };
    Process(batch);
    return answer;
  }

  const Limits limits_;
  AnsweringLane lane_;
  storage::MemoryStore store_;
  ChatEngine engine_;
  std::string channel_id_;
  std::uint64_t commands_ = 0;
  std::int64_t refused_ = 0;
};

/// Messages that arrive `batch` at a time. Putting the commands together is the transports' work
/// and part of the time here; it is the same for every batch size.
void DecideSend(benchmark::State& state) {
  World world;
  std::vector<Envelope> batch;
  for (auto _ : state) {
    world.Fill(batch, state.range(0));
    world.Process(batch);
    batch.clear();
  }
  if (world.refused() > 0) state.SkipWithError("messages were refused");
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(DecideSend)->ArgName("batch")->Arg(1)->Arg(16)->Arg(256)->Arg(4096);

}  // namespace
}  // namespace txtchat::bench
