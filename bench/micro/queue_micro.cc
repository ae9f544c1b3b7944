// Publishing to a channel's queue, and reading from it.
#include <benchmark/benchmark.h>

#include <cstdint>

#include "bench/micro/fixture.h"
#include "core/broadcast_queue.h"

namespace txtchat::bench {
namespace {

constexpr std::size_t kTextBytes = 64;

/// One event to a queue with subscribers of the first `formats` formats.
void PublishToQueue(benchmark::State& state) {
  const EncoderSet encoders = ServerEncoders();
  BroadcastQueue queue(1, "0123456789", QueueLimits{});
  for (std::int64_t format = 0; format < state.range(0); ++format) {
    queue.StartFormat(static_cast<WireFormat>(format));
  }
  Event event = MessageEvent(kTextBytes);
  for (auto _ : state) {
    event.sequence = queue.head() + 1;
    queue.Append(event, encoders);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(PublishToQueue)->ArgName("formats")->DenseRange(0, 3);

/// One look into the queue by a reader that is `backlog` events behind. What it gets is one slice,
/// whatever the backlog: that is the point.
void ReadFromQueue(benchmark::State& state) {
  const EncoderSet encoders = ServerEncoders();
  BroadcastQueue queue(1, "0123456789", QueueLimits{});
  queue.StartFormat(WireFormat::kClassicLine);
  Event event = MessageEvent(kTextBytes);
  for (std::uint64_t sequence = 1; sequence <= 1'000; ++sequence) {
    event.sequence = sequence;
    queue.Append(event, encoders);
  }
  const std::uint64_t head = queue.head();
  const std::uint64_t cursor = head - static_cast<std::uint64_t>(state.range(0));
  for (auto _ : state) {
    ReadResult result = queue.Read(WireFormat::kClassicLine, cursor, head, 256 * 1024);
    benchmark::DoNotOptimize(result);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ReadFromQueue)->ArgName("backlog")->Arg(0)->Arg(1)->Arg(50)->Arg(999);
BENCHMARK(ReadFromQueue)->ArgName("backlog")->Arg(50)->Threads(2);

}  // namespace
}  // namespace txtchat::bench
