// Calls that come faster than their peer may: they are told when to come again, and nobody else is.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "core/peer_guard.h"
#include "grpc-service/pump_thread.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "tests/grpc-service/rpc_harness.h"

namespace txtchat::rpc {
namespace {

/// A list of channels, and when to come again if it is refused (0: nothing is said).
std::pair<grpc::Status, std::int64_t> List(const Guest& guest) {
  const auto context = guest.Context();
  v1::ListChannelsResponse response;
  const grpc::Status status = guest.stub->ListChannels(context.get(), {}, &response);
  const std::string after = RetryAfter(*context);
  std::int64_t after_ms = 0;
  EXPECT_TRUE(after.empty() || absl::SimpleAtoi(after, &after_ms)) << after;
  return {status, after_ms};
}

TEST(RpcLimits, AFloodIsToldWhenToComeAgain) {
  // So slow that what comes back during the test is little.
  PeerGuard peers({.commands_per_connection_per_s = 1, .commands_per_connection_burst = 1'000});
  RpcHarness harness({}, {}, &peers);
  Guest flooder(harness, "flooder");
  std::size_t served = 1;  // Registering.
  std::pair<grpc::Status, std::int64_t> answer;
  for (; (answer = List(flooder)).first.ok(); ++served) ASSERT_LT(served, 2'000u);
  EXPECT_GE(served, 1'000u);
  EXPECT_EQ(CodeOf(answer.first), "RESOURCE_EXHAUSTED");
  EXPECT_GT(answer.second, 0);
  EXPECT_LE(answer.second, 1'000);
  EXPECT_EQ(answer.first.error_message(),
            "too much comes over this connection at once; slow down; retry after " +
                std::to_string(answer.second) + " ms");
  EXPECT_NE(answer.first.error_details().find("google.rpc.RetryInfo"), std::string::npos);
  EXPECT_GE(harness.server->calls_too_fast(), 1u);
  // Another connection has a limit of its own.
  Guest honest(harness, "honest");
  EXPECT_TRUE(List(honest).first.ok());
}

TEST(RpcLimits, AUserIsToldWhenToComeAgain) {
  Limits limits;
  limits.commands_per_user_per_s = 1;
  limits.commands_per_user_burst = 5;
  RpcHarness harness(limits);  // Its clock stands still.
  Guest flooder(harness, "flooder");
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(List(flooder).first.ok()) << i;
  const auto [status, after_ms] = List(flooder);
  EXPECT_EQ(CodeOf(status), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(status.error_message(), "your commands come too fast; retry after 1000 ms");
  EXPECT_EQ(after_ms, 1'000);
  EXPECT_NE(status.error_details().find("google.rpc.RetryInfo"), std::string::npos);
  TestStream stream(flooder);
  EXPECT_FALSE(stream.Next().has_value());
  EXPECT_EQ(stream.End().error_message(), "your commands come too fast; retry after 1000 ms");
  EXPECT_EQ(stream.RetryAfter(), "1000");
}

TEST(RpcLimits, StreamsAreCallsToo) {
  PeerGuard peers({.commands_per_connection_per_s = 1, .commands_per_connection_burst = 1});
  RpcHarness harness({}, {}, &peers);
  Guest guest(harness, "guest");
  grpc::Status status;
  for (int i = 0; i < 100 && status.ok(); ++i) {
    // Registering was the one call; another within a second of it is too much.
    TestStream stream(guest);
    if (!stream.Next().has_value()) status = stream.End();
  }
  EXPECT_EQ(CodeOf(status), "RESOURCE_EXHAUSTED") << status.error_message();
}

/// Has the loopback do this until it may no more; it may again only after an hour.
void UseUp(PeerGuard& peers, const Command& command) {
  const std::int64_t then_ms = PumpThread::NowMs() + 3'600'000;
  const IpAddress loopback = *IpAddress::Parse("127.0.0.1");
  for (int i = 0; i < 100'000 && peers.MayCreate(loopback, command, then_ms).ok(); ++i) {
  }
}

TEST(RpcLimits, WhoRegistersTooManyIsToldWhenToComeAgain) {
  PeerGuard peers({.registrations_per_address_per_minute = 2, .shared_address_ranges = {}});
  RpcHarness harness({}, {}, &peers);
  Guest guest(harness, "guest");
  UseUp(peers, Register{});
  grpc::ClientContext context;
  v1::RegisterRequest request;
  v1::RegisterResponse response;
  request.set_display_name("late");
  const grpc::Status status = guest.stub->Register(&context, request, &response);
  EXPECT_EQ(CodeOf(status), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(status.error_message(),
            "too many users are registered from your address; retry after 30000 ms");
  EXPECT_EQ(context.GetServerTrailingMetadata().count("retry-after-ms"), 1u);
  EXPECT_NE(status.error_details().find("google.rpc.RetryInfo"), std::string::npos);
  EXPECT_EQ(harness.server->calls_too_fast(), 1u);
  EXPECT_TRUE(List(guest).first.ok()) << "who is there already goes on";
}

TEST(RpcLimits, WhatAnAddressMakesIsBounded) {
  PeerGuard peers({.creations_per_address_per_minute = 2,
                   .creations_per_address_burst = 2,
                   .shared_address_ranges = {}});
  RpcHarness harness({}, {}, &peers);
  Guest guest(harness, "guest");
  const std::string room = guest.Create("room");
  UseUp(peers, CreateChannel{});
  v1::CreateChannelRequest request;
  v1::CreateChannelResponse response;
  request.set_display_name("room");
  const grpc::Status status = guest.stub->CreateChannel(guest.Context().get(), request, &response);
  EXPECT_EQ(CodeOf(status), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(status.error_message(),
            "too many channels, bans, mutes and invites are made from your address; retry after "
            "30000 ms");
  EXPECT_TRUE(guest.Send(room, "x").ok());
  request.set_display_name("");
  EXPECT_EQ(CodeOf(guest.stub->CreateChannel(guest.Context().get(), request, &response)),
            "RESOURCE_EXHAUSTED")
      << "before the core looks at it";
}

TEST(RpcLimits, ConnectionsOfOneAddressShareWhatItMay) {
  PeerGuard peers({.commands_per_address_per_s = 1,
                   .commands_per_address_burst = 100,
                   .shared_address_ranges = {}});
  RpcHarness harness({}, {}, &peers);
  Guest one(harness, "one");
  Guest other(harness, "other");
  int served = 0;
  while (List(one).first.ok()) ASSERT_LT(++served, 1'000);
  EXPECT_GE(served, 98);
  const auto [status, after_ms] = List(other);
  if (!status.ok()) {  // Unless a second has passed.
    EXPECT_EQ(status.error_message().substr(0, 34), "too much comes from your address a");
    EXPECT_GT(after_ms, 0);
  }
  EXPECT_GE(harness.server->calls_too_fast(), 1u);
}

TEST(RpcLimits, ASharedAddressHasNone) {
  PeerGuard peers({.connections_per_address = 1,
                   .commands_per_address_per_s = 1,
                   .commands_per_address_burst = 1});
  RpcHarness harness({}, {}, &peers);
  Guest one(harness, "one");
  Guest other(harness, "other");
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(List(i % 2 == 0 ? one : other).first.ok());
  EXPECT_EQ(harness.server->calls_too_fast(), 0u);
}

}  // namespace
}  // namespace txtchat::rpc
