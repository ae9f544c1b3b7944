// One channel, very many clients: see tests/e2e/README.md. Starts the real server, and checks that
// everybody gets every message, in the same order, once; that clients who do not read harm nobody
// and get everything later; and that the server's memory stays bounded.
//
//   fan_out_test TXTCHATD [LINE_RECEIVERS GRPC_STREAMS STALLED MESSAGES_PER_SENDER RSS_MIB_MAX
//   PATIENCE_S]
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/e2e/fan_out/grpc_swarm.h"
#include "tests/e2e/fan_out/line_swarm.h"
#include "tests/e2e/fan_out/progress.h"
#include "tests/e2e/fan_out/server_process.h"
#include "tests/e2e/fan_out/tally.h"

namespace txtchat::e2e {
namespace {

constexpr std::uint32_t kLineSenders = 5;
constexpr std::uint32_t kGrpcSenders = 5;

struct Sizes {
  std::uint32_t line_receivers = 1'000;
  std::uint32_t grpc_streams = 200;
  std::uint32_t stalled = 50;
  std::uint32_t messages_each = 1'000;
  std::uint32_t rss_mib_max = 256;
  std::uint32_t patience_s = 120;
};

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Whether all have everything, in the order of the first.
bool SameOrder(const std::vector<const Tally*>& tallies) {
  const std::vector<std::uint64_t>& first = tallies.front()->order();
  for (std::size_t i = 0; i < tallies.size(); ++i) {
    const Tally& tally = *tallies[i];
    if (!tally.complete()) {
      std::fprintf(stderr, "fan_out: receiver %zu: %s\n", i, tally.Missing().c_str());
      return false;
    }
    for (std::size_t note = 0; note < first.size(); ++note) {
      if (tally.order()[note] == first[note]) continue;
      std::fprintf(stderr, "fan_out: receiver %zu got another order, up to message %zu\n", i,
                   (note + 1) * Tally::kNoteEvery);
      return false;
    }
  }
  return true;
}

struct Measured {
  double setup_s = 0;
  double fan_out_s = 0;
  double catch_up_s = 0;
  std::size_t held_bytes_max = 0;
};

/// Connects everybody, lets them chat, wakes the stalled ones. False if `progress` has a problem.
bool Play(const Sizes& sizes, LineSwarm& lines, GrpcSwarm& streams, Progress& progress,
          Measured& measured) {
  using Role = LineSwarm::Role;
  const std::chrono::seconds patience(sizes.patience_s);
  auto start = std::chrono::steady_clock::now();
  const std::string channel = lines.Connect(Role::kSender, "", 0);
  for (std::uint32_t i = 1; i < kLineSenders; ++i) lines.Connect(Role::kSender, channel, i);
  for (std::uint32_t i = 0; i < sizes.stalled; ++i) lines.Connect(Role::kStalled, channel);
  for (std::uint32_t i = 0; i < sizes.line_receivers; ++i) lines.Connect(Role::kReceiver, channel);
  lines.Start();
  for (std::uint32_t i = 0; i < sizes.grpc_streams; ++i) streams.AddReceiver(channel);
  for (std::uint32_t i = 0; i < kGrpcSenders; ++i) streams.AddSender(channel, kLineSenders + i);
  if (!progress.AwaitReady(sizes.grpc_streams, patience)) return false;
  measured.setup_s = SecondsSince(start);

  start = std::chrono::steady_clock::now();
  lines.StartSending();
  streams.StartSending();
  const std::uint32_t readers = sizes.line_receivers + kLineSenders + sizes.grpc_streams;
  if (!progress.AwaitComplete(readers, patience)) return false;
  measured.fan_out_s = SecondsSince(start);

  measured.held_bytes_max = lines.HeldForStalledMax();
  start = std::chrono::steady_clock::now();
  lines.WakeStalled();
  if (!progress.AwaitComplete(readers + sizes.stalled, patience)) return false;
  measured.catch_up_s = SecondsSince(start);
  return true;
}

int Run(const std::string& program, const Sizes& sizes) {
  const Traffic traffic{.senders = kLineSenders + kGrpcSenders,
                        .messages_each = sizes.messages_each};
  // Guests who only send must not end while the others still connect.
  ServerProcess server(program, {"--guest-grace-ms=600000"});
  Progress progress;
  LineSwarm lines(server.line_port(), traffic, progress);
  GrpcSwarm streams(server.grpc_address(), traffic, progress);
  Measured measured;
  const bool played = Play(sizes, lines, streams, progress, measured);
  const std::uint64_t rss_mib = server.PeakResidentKib() / 1024;
  lines.Stop();
  streams.Stop();
  const int exit_code = server.Stop();

  std::vector<const Tally*> tallies = lines.tallies();
  for (const Tally* tally : streams.tallies()) tallies.push_back(tally);
  std::uint64_t deliveries = 0;
  for (const Tally* tally : tallies) deliveries += tally->count();
  const std::uint64_t reading_deliveries =
      deliveries - std::uint64_t{sizes.stalled} * (played ? traffic.total() : 0);
  std::printf(
      "fan_out: %u line clients, %u gRPC streams, %u stalled clients, %u senders, %u messages: "
      "%llu deliveries; %.1f s to connect, %.1f s to chat (%.0f deliveries/s), %.1f s to catch up; "
      "the kernel held %zu bytes at the most for a stalled client; peak resident memory %llu MiB\n",
      sizes.line_receivers, sizes.grpc_streams, sizes.stalled, traffic.senders, traffic.total(),
      static_cast<unsigned long long>(deliveries), measured.setup_s, measured.fan_out_s,
      static_cast<double>(reading_deliveries) / measured.fan_out_s, measured.catch_up_s,
      measured.held_bytes_max, static_cast<unsigned long long>(rss_mib));

  if (!played) {
    std::fprintf(stderr, "fan_out: %s\n", progress.problem().c_str());
  }
  bool good = SameOrder(tallies) && played;
  // Otherwise the stalled ones did not stall: the kernel took everything for them.
  const std::size_t owed_bytes = std::size_t{traffic.total()} * MakeText(0, 0).size();
  if (measured.held_bytes_max >= owed_bytes && owed_bytes > 256 * 1024) {
    std::fprintf(stderr, "fan_out: the kernel held all of %zu bytes\n", owed_bytes);
    good = false;
  }
  if (rss_mib > sizes.rss_mib_max) {
    std::fprintf(stderr, "fan_out: more memory than %u MiB\n", sizes.rss_mib_max);
    good = false;
  }
  if (exit_code != 0) {
    std::fprintf(stderr, "fan_out: the server stopped with %d\n", exit_code);
    good = false;
  }
  return good ? 0 : 1;
}

}  // namespace
}  // namespace txtchat::e2e

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr,
                 "usage: fan_out_test TXTCHATD [LINE_RECEIVERS GRPC_STREAMS STALLED "
                 "MESSAGES_PER_SENDER RSS_MIB_MAX PATIENCE_S]\n");
    return 2;
  }
  txtchat::e2e::Sizes sizes;
  std::uint32_t* const fields[] = {&sizes.line_receivers, &sizes.grpc_streams, &sizes.stalled,
                                   &sizes.messages_each,  &sizes.rss_mib_max,  &sizes.patience_s};
  for (int i = 2; i < argc && i < 8; ++i) {
    *fields[i - 2] = static_cast<std::uint32_t>(std::strtoul(argv[i], nullptr, 10));
  }
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  return txtchat::e2e::Run(argv[1], sizes);
}
