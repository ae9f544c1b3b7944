// The server as a whole: listening, draining, the standard services, bytes that are no requests.
#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpcpp/generic/generic_stub.h"
#include "gtest/gtest.h"
#include "tests/grpc-service/rpc_harness.h"

namespace txtchat::rpc {
namespace {

using RawStub = grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer>;

grpc::ByteBuffer Bytes(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return {&slice, 1};
}

std::string Text(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(buffer.Dump(&slices).ok());
  std::string text;
  for (const grpc::Slice& slice : slices) text.append(slice.begin(), slice.end());
  return text;
}

/// A unary call with a request of any bytes.
grpc::Status RawCall(const std::shared_ptr<grpc::Channel>& channel, grpc::ClientContext& context,
                     const std::string& method, const std::string& request,
                     std::string* response = nullptr) {
  RawStub stub(channel);
  grpc::ByteBuffer sent = Bytes(request);
  grpc::ByteBuffer received;
  grpc::Status result;
  absl::Notification done;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  stub.UnaryCall(&context, method, {}, &sent, &received, [&](grpc::Status status) {
    result = std::move(status);
    done.Notify();
  });
  done.WaitForNotification();
  if (response != nullptr && result.ok()) *response = Text(received);
  return result;
}

std::string HealthOf(const RpcHarness& harness, const std::string& service) {
  // HealthCheckRequest.service is field 1; so is HealthCheckResponse.status.
  std::string request;
  if (!service.empty())
    request = '\x0a' + std::string(1, static_cast<char>(service.size())) + service;
  grpc::ClientContext context;
  std::string response;
  const grpc::Status status =
      RawCall(harness.Connect(), context, "/grpc.health.v1.Health/Check", request, &response);
  if (!status.ok()) return CodeOf(status);
  return response == "\x08\x01" ? "SERVING" : response == "\x08\x02" ? "NOT_SERVING" : response;
}

TEST(RpcServer, TellsWhenItCannotListen) {
  RpcHarness first;
  const RpcDependencies dependencies{.sequencer = &first.sequencer,
                                     .history = &first.history,
                                     .clock = &first.clock,
                                     .session_ids = &first.session_ids,
                                     .secrets = &first.secrets};
  const std::string taken = "127.0.0.1:" + std::to_string(first.server->port());
  for (const std::string& address :
       {taken, std::string("127.0.0.1:none"), std::string("192.0.2.1:1")}) {
    const auto second = RpcServer::Start(dependencies, {.listen = address});
    EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable) << address;
    EXPECT_NE(std::string(second.status().message()).find(address), std::string::npos);
  }
}

TEST(RpcServer, RefusesLimitsThatClientsCouldNotRead) {
  RpcHarness harness;
  RpcDependencies dependencies{.sequencer = &harness.sequencer,
                               .history = &harness.history,
                               .clock = &harness.clock,
                               .session_ids = &harness.session_ids,
                               .secrets = &harness.secrets};
  dependencies.limits.text_bytes_max = 4 * 1024 * 1024;
  EXPECT_EQ(RpcServer::Start(dependencies, {.listen = "127.0.0.1:0"}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(RpcServer, AnswersBytesThatAreNoRequestClearly) {
  RpcHarness harness;
  Guest alice(harness, "alice");
  const std::string noise = "\xff\xff\xff\xff";
  const std::string bad_utf8 = std::string("\x0a\x04") + "ab\xff\xfe";
  for (const char* method : {"Register", "CreateChannel", "GetChannel", "ListMembers",
                             "JoinChannel", "LeaveChannel", "SendMessage"}) {
    for (const std::string& request : {noise, bad_utf8}) {
      const auto context = alice.Context();
      const grpc::Status status = RawCall(
          alice.connection, *context, std::string("/txtchat.v1.ChatService/") + method, request);
      EXPECT_EQ(CodeOf(status), "INVALID_ARGUMENT") << method;
      EXPECT_NE(status.error_message().find("not a valid"), std::string::npos) << method;
    }
  }
  EXPECT_EQ(CodeOf(alice.Send(alice.id, "all well")), "OK");
}

TEST(RpcServer, HasTheStandardHealthService) {
  RpcHarness harness;
  EXPECT_EQ(HealthOf(harness, ""), "SERVING");
  EXPECT_EQ(HealthOf(harness, "txtchat.v1.ChatService"), "SERVING");
  EXPECT_EQ(HealthOf(harness, "nonsense"), "NOT_FOUND");
  harness.server->SetNotServing();
  EXPECT_EQ(HealthOf(harness, ""), "NOT_SERVING");
  EXPECT_EQ(HealthOf(harness, "txtchat.v1.ChatService"), "NOT_SERVING");
}

/// Sends one request and keeps the first response.
class OneExchange final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  explicit OneExchange(const std::string& request) : request_(Bytes(request)) {}
  void Run() {
    StartWriteLast(&request_, {});
    StartRead(&response_);
    StartCall();
    done_.WaitForNotification();
  }
  void OnReadDone(bool ok) override {
    if (ok && response.empty()) {
      response = Text(response_);
      StartRead(&response_);
    }
  }
  void OnDone(const grpc::Status&) override { done_.Notify(); }

  std::string response;

 private:
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
  absl::Notification done_;
};

TEST(RpcServer, HasTheStandardReflectionService) {
  RpcHarness harness;
  RawStub stub(harness.Connect());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  OneExchange list_services(std::string("\x3a\x01*"));  // ServerReflectionRequest.list_services.
  stub.PrepareBidiStreamingCall(&context,
                                "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                {}, &list_services);
  list_services.Run();
  EXPECT_NE(list_services.response.find("txtchat.v1.ChatService"), std::string::npos);
  EXPECT_NE(list_services.response.find("grpc.health.v1.Health"), std::string::npos);
}

TEST(RpcServer, DrainsEveryStreamToItsEnd) {
  RpcHarness harness;
  Guest alice(harness, "alice");
  const std::string channel = alice.Create("c");
  constexpr int kMessages = 3'000;
  std::vector<std::unique_ptr<TestStream>> streams;
  for (int i = 0; i < 5; ++i) {
    streams.push_back(std::make_unique<TestStream>(alice, std::vector{channel}));
    ASSERT_TRUE(streams.back()->Next().has_value());
  }
  alice.Flood(harness, channel, kMessages, 500);

  harness.server->SetNotServing();
  harness.server->StopAccepting();
  EXPECT_EQ(CodeOf(alice.Send(channel, "too late")), "UNAVAILABLE");
  EXPECT_EQ(CodeOf(TestStream(alice).End()), "UNAVAILABLE");
  harness.sequencer.Drain();
  std::size_t cut = 1;
  std::thread drain([&] { cut = harness.server->FlushAndFinish(absl::Seconds(60)); });
  for (const auto& stream : streams) {
    std::uint64_t last = 0;
    while (const std::optional<v1::Event> event = stream->NextNews()) last = event->sequence();
    EXPECT_EQ(last, kMessages + 1u);
    const grpc::Status end = stream->End();
    EXPECT_EQ(CodeOf(end), "UNAVAILABLE");
    EXPECT_EQ(end.error_message(), "the server is draining; reconnect");
  }
  drain.join();
  EXPECT_EQ(cut, 0u);
}

TEST(RpcServer, CutsWhoDoesNotReadWhenTheTimeToDrainIsOver) {
  RpcHarness harness;
  Guest alice(harness, "alice");
  const std::string channel = alice.Create("c");
  TestStream stalled(alice, {channel});
  TestStream reading(alice, {alice.id});
  ASSERT_TRUE(stalled.Next().has_value());
  ASSERT_TRUE(reading.Next().has_value());
  alice.Flood(harness, channel, 2'000, 8'000);
  harness.server->StopAccepting();
  harness.sequencer.Drain();
  EXPECT_EQ(harness.server->FlushAndFinish(absl::Seconds(2)), 1u);
  EXPECT_EQ(CodeOf(reading.End()), "UNAVAILABLE");
  EXPECT_FALSE(stalled.End().ok());
  EXPECT_TRUE(Eventually([&] { return harness.server->open_streams() == 0; }));
}

TEST(RpcServer, TakesNoLongerToDrainThanItWasGiven) {
  // A stream that is not broken off by itself while the test runs: all waiting for it is too long.
  RpcOptions options;
  options.stream.cut_grace_ms = 3'600'000;
  absl::Duration shortest = absl::InfiniteDuration();
  // One try may be late for reasons of the machine.
  for (int i = 0; i < 3 && shortest >= absl::Seconds(3); ++i) {
    RpcHarness harness({}, options);
    Guest alice(harness, "alice");
    const std::string channel = alice.Create("c");
    TestStream stalled(alice, {channel});
    ASSERT_TRUE(stalled.Next().has_value());
    alice.Flood(harness, channel, 2'000, 8'000);
    harness.server->StopAccepting();
    harness.sequencer.Drain();
    const absl::Time began = absl::Now();
    EXPECT_EQ(harness.server->FlushAndFinish(absl::Seconds(1)), 1u);
    harness.server->Shutdown(absl::ZeroDuration());
    shortest = std::min(shortest, absl::Now() - began);
    EXPECT_FALSE(stalled.End().ok());
  }
  EXPECT_LT(shortest, absl::Seconds(3));
}

TEST(RpcServer, ShutsDownWithStreamsOpen) {
  RpcHarness harness;
  Guest alice(harness, "alice");
  TestStream stream(alice);
  ASSERT_TRUE(stream.Next().has_value());
  harness.server->Shutdown(absl::Seconds(10));
  EXPECT_EQ(CodeOf(stream.End()), "UNAVAILABLE");
  harness.server->Shutdown(absl::Seconds(10));
}

}  // namespace
}  // namespace txtchat::rpc
