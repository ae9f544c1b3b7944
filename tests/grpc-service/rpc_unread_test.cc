// Clients that call and do not read what they are answered.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/grpc-service/raw_http2_client.h"
#include "tests/grpc-service/rpc_harness.h"

namespace txtchat::rpc {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kMemoryIsReal = false;  // Sanitizers keep what was freed.
#else
constexpr bool kMemoryIsReal = true;
#endif

constexpr std::int64_t kNeverMs = 3'600'000;
constexpr std::size_t kManyChannels = 400;

std::size_t ResidentBytes() {
  std::size_t total_pages = 0;
  std::size_t resident_pages = 0;
  std::ifstream("/proc/self/statm") >> total_pages >> resident_pages;
  return resident_pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

RpcOptions Options(const CallOptions& calls) {
  RpcOptions options;
  options.calls = calls;
  return options;
}

v1::ListChannelsRequest WholeList() {
  v1::ListChannelsRequest request;
  request.set_page_size(1'000);
  return request;
}

/// A server with a list of channels, 150 bytes each.
class World {
 public:
  explicit World(const CallOptions& calls, std::size_t channels = 3) : harness({}, Options(calls)) {
    for (std::size_t i = 0; i < channels; ++i) {
      alice.Create(std::to_string(1'000 + i) + std::string(120, 'n'));
    }
    // gRPC is done with a call a little after its client is.
    EXPECT_TRUE(EventuallyNothingIsOpen());
  }

  std::unique_ptr<RawHttp2Client> ConnectWithoutWindow() const {
    return std::make_unique<RawHttp2Client>(harness.server->port(), 0);
  }
  std::uint32_t CallForList(RawHttp2Client& client) const {
    return client.Call("ListChannels", alice.token, WholeList().SerializeAsString());
  }
  grpc::Status List(const v1::ListChannelsRequest& request = WholeList()) const {
    v1::ListChannelsResponse response;
    return alice.stub->ListChannels(alice.Context().get(), request, &response);
  }
  bool EventuallyNothingIsOpen() const {
    return Eventually([&] {
      const CallCounts open = harness.server->open_calls();
      return open.admitted == 0 && open.refused == 0 && open.held_bytes == 0;
    });
  }

  RpcHarness harness;
  Guest alice{harness, "alice"};
};

TEST(RpcUnread, RepliesThatNobodyReadsTakeNoMoreThanTheirLimit) {
  constexpr std::size_t kLimit = 16 * kMiB;
  World world({.unread_reply_bytes_max = kLimit,
               .reply_stall_timeout_ms = kNeverMs,
               .reply_stall_pressed_ms = kNeverMs},
              kManyChannels);
  const std::size_t before = ResidentBytes();
  std::vector<std::unique_ptr<RawHttp2Client>> hoarders;
  constexpr std::size_t kCallsEach = 500;  // 240 MiB of replies altogether.
  for (int i = 0; i < 8; ++i) {
    hoarders.push_back(world.ConnectWithoutWindow());
    for (std::size_t c = 0; c < kCallsEach; ++c) world.CallForList(*hoarders.back());
  }
  for (const auto& hoarder : hoarders) {
    EXPECT_TRUE(hoarder->ReadUntil([&] { return hoarder->answered() == kCallsEach; }));
  }
  // What is left of the room is taken as well.
  grpc::Status refused;
  EXPECT_TRUE(Eventually([&] {
    world.CallForList(*hoarders.front());
    refused = world.List();
    return !refused.ok();
  }));
  EXPECT_EQ(CodeOf(refused), "RESOURCE_EXHAUSTED");
  EXPECT_NE(refused.error_message().find("unread_reply_bytes_max"), std::string::npos)
      << refused.error_message();

  EXPECT_LE(world.harness.server->open_calls().held_bytes, kLimit);
  const std::size_t after = ResidentBytes();
  const std::size_t grown_mib = (after - std::min(before, after)) / kMiB;
  RecordProperty("grown_mib", static_cast<int>(grown_mib));
  if (kMemoryIsReal) {
    EXPECT_LT(grown_mib, 120u);
  }
  EXPECT_EQ(CodeOf(world.alice.Send(world.alice.id, "talking goes on")), "OK");

  hoarders.clear();
  EXPECT_TRUE(world.EventuallyNothingIsOpen());
  EXPECT_EQ(CodeOf(world.List()), "OK");
}

TEST(RpcUnread, AReplyThatIsNotTakenIsBrokenOff) {
  World world({.reply_stall_timeout_ms = 500});
  constexpr std::size_t kCalls = 100;
  const auto hoarder = world.ConnectWithoutWindow();
  for (std::size_t i = 0; i < kCalls; ++i) world.CallForList(*hoarder);
  EXPECT_TRUE(hoarder->ReadUntil([&] { return hoarder->ended() == kCalls; }));
  EXPECT_EQ(hoarder->data_bytes(), 0u);
  EXPECT_TRUE(world.EventuallyNothingIsOpen()) << "with the connection open";
  // The connection itself is none the worse.
  const std::uint32_t stream = world.CallForList(*hoarder);
  hoarder->Grant(stream, 1'000'000);
  EXPECT_TRUE(hoarder->ReadUntil([&] { return hoarder->ended() == kCalls + 1; }));
  EXPECT_GT(hoarder->data_bytes(), 3 * 120u);
}

TEST(RpcUnread, RoomThatIsScarceIsTakenBackSooner) {
  World world({.calls_max = 20, .reply_stall_timeout_ms = kNeverMs, .reply_stall_pressed_ms = 50});
  const auto hoarder = world.ConnectWithoutWindow();
  for (int i = 0; i < 15; ++i) world.CallForList(*hoarder);
  EXPECT_TRUE(hoarder->ReadUntil([&] { return hoarder->ended() >= 5; }));
  EXPECT_EQ(hoarder->data_bytes(), 0u);
}

TEST(RpcUnread, OneCallMoreThanTheMostIsToldSo) {
  constexpr std::size_t kMost = 20;
  World world(
      {.calls_max = kMost, .reply_stall_timeout_ms = kNeverMs, .reply_stall_pressed_ms = kNeverMs});
  auto hoarder = world.ConnectWithoutWindow();
  for (std::size_t i = 0; i < kMost; ++i) world.CallForList(*hoarder);
  EXPECT_TRUE(hoarder->ReadUntil([&] { return hoarder->answered() == kMost; }));
  const grpc::Status refused = world.alice.Send(world.alice.id, "x");
  EXPECT_EQ(CodeOf(refused), "RESOURCE_EXHAUSTED");
  EXPECT_NE(refused.error_message().find("calls_max, 20"), std::string::npos)
      << refused.error_message();
  hoarder.reset();
  EXPECT_TRUE(world.EventuallyNothingIsOpen());
  EXPECT_EQ(CodeOf(world.alice.Send(world.alice.id, "x")), "OK");
}

TEST(RpcUnread, ADrainWaitsUntilRepliesAreTaken) {
  World world({});
  const auto slow = world.ConnectWithoutWindow();
  const std::uint32_t stream = world.CallForList(*slow);
  ASSERT_TRUE(slow->ReadUntil([&] { return slow->answered() == 1; }));
  world.harness.server->StopAccepting();
  world.harness.sequencer.Drain();
  std::atomic<bool> drained{false};
  std::size_t cut = 1;
  std::thread drain([&] {
    cut = world.harness.server->FlushAndFinish(absl::Seconds(60));
    drained = true;
    world.harness.server->Shutdown(absl::ZeroDuration());
  });
  // Refused calls come and go meanwhile; the drain does not wait for them.
  EXPECT_EQ(CodeOf(world.alice.Send(world.alice.id, "too late")), "UNAVAILABLE");
  EXPECT_FALSE(drained);
  slow->Grant(stream, 1'000'000);
  EXPECT_TRUE(slow->ReadUntil([&] { return slow->ended() == 1; }));
  EXPECT_GT(slow->data_bytes(), 3 * 120u);
  drain.join();
  EXPECT_EQ(cut, 0u);
}

TEST(RpcUnread, ADrainCountsTheRepliesThatItCuts) {
  World world({});
  const auto hoarder = world.ConnectWithoutWindow();
  for (int i = 0; i < 3; ++i) world.CallForList(*hoarder);
  ASSERT_TRUE(hoarder->ReadUntil([&] { return hoarder->answered() == 3; }));
  world.harness.server->StopAccepting();
  world.harness.sequencer.Drain();
  EXPECT_EQ(world.harness.server->FlushAndFinish(absl::Milliseconds(50)), 3u);
  EXPECT_TRUE(hoarder->ReadUntil([&] { return hoarder->ended() == 3; }));
  EXPECT_EQ(hoarder->data_bytes(), 0u);
  EXPECT_TRUE(world.EventuallyNothingIsOpen());
}

}  // namespace
}  // namespace txtchat::rpc
