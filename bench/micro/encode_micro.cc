// Encoding an event, once for each wire format that has subscribers.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

#include "bench/micro/fixture.h"

namespace txtchat::bench {
namespace {

void Encode(benchmark::State& state, WireFormat format) {
  const EventEncoder& encoder = *ServerEncoders()[IndexOf(format)];
  Event event = MessageEvent(static_cast<std::size_t>(state.range(0)));
  event.sequence = 123'456;
  std::string out;
  for (auto _ : state) {
    out.clear();
    encoder.Append(event, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(out.size()));
}
BENCHMARK_CAPTURE(Encode, classic, WireFormat::kClassicLine)
    ->ArgName("text_bytes")
    ->Arg(64)
    ->Arg(4096);
BENCHMARK_CAPTURE(Encode, tagged, WireFormat::kTaggedLine)
    ->ArgName("text_bytes")
    ->Arg(64)
    ->Arg(4096);
BENCHMARK_CAPTURE(Encode, proto, WireFormat::kProto)->ArgName("text_bytes")->Arg(64)->Arg(4096);

}  // namespace
}  // namespace txtchat::bench
