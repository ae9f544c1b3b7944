// The server as a whole: listening, draining, the standard services, bytes that are no requests.
#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/peer_guard.h"
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

/// HealthCheckRequest.service is field 1; so is HealthCheckResponse.status.
std::string HealthRequest(const std::string& service) {
  return '\x0a' + std::string(1, static_cast<char>(service.size())) + service;
}

std::string HealthOf(const RpcHarness& harness, const std::string& service) {
  grpc::ClientContext context;
  std::string response;
  const grpc::Status status = RawCall(harness.Connect(), context, "/grpc.health.v1.Health/Check",
                                      HealthRequest(service), &response);
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

TEST(RpcServer, SaysThatThereIsNoSuchMethod) {
  RpcHarness harness;
  for (const char* method : {"/no.Such/Method", "/txtchat.v1.ChatService/NoSuchMethod", "/"}) {
    grpc::ClientContext context;
    const grpc::Status status = RawCall(harness.Connect(), context, method, "");
    EXPECT_EQ(CodeOf(status), "UNIMPLEMENTED") << method;
    EXPECT_NE(status.error_message().find("no such method"), std::string::npos);
  }
}

TEST(RpcServer, RefusesAHealthRequestThatIsNone) {
  RpcHarness harness;
  for (const std::string& request : {std::string("\x0a\x05"
                                                 "abc"),
                                     std::string("\xff")}) {
    grpc::ClientContext context;
    const grpc::Status status =
        RawCall(harness.Connect(), context, "/grpc.health.v1.Health/Check", request);
    EXPECT_EQ(CodeOf(status), "INVALID_ARGUMENT");
  }
}

TEST(RpcServer, AnswersHealthWhereTheChatHasItsMostAndOverAndOver) {
  RpcOptions options;
  options.calls.calls_max = 1;
  PeerLimits limits;
  limits.commands_per_connection_per_s = 1;
  limits.commands_per_connection_burst = 1;
  PeerGuard peers(limits);
  RpcHarness harness({}, options, &peers);
  const std::shared_ptr<grpc::Channel> connection = harness.Connect();
  // Half an hour of a check in two seconds, at once.
  for (int i = 0; i < 900; ++i) {
    grpc::ClientContext context;
    std::string response;
    const grpc::Status status =
        RawCall(connection, context, "/grpc.health.v1.Health/Check", "", &response);
    ASSERT_EQ(CodeOf(status), "OK") << i << ": " << status.error_message();
    ASSERT_EQ(response, "\x08\x01");
    // Who is told is ahead of the server, which counts a call until gRPC is done with it.
    if (i % 30 == 29) {
      ASSERT_TRUE(Eventually([&] { return harness.server->open_other_calls().admitted == 0; }));
    }
  }
  EXPECT_EQ(harness.server->closed_connections(), 0u);
}

/// Sends one request, and keeps what comes.
class Exchange final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  explicit Exchange(const std::string& request) : request_(Bytes(request)) {}
  void Start() {
    StartWriteLast(&request_, {});
    StartRead(&response_);
    StartCall();
  }
  /// All responses so far.
  std::string Received() {
    absl::MutexLock lock(&mutex_);
    return received_;
  }
  bool HasEnded() const { return done_.HasBeenNotified(); }
  grpc::Status End() {
    done_.WaitForNotification();
    return status_;
  }
  void OnReadDone(bool ok) override {
    if (!ok) return;
    {
      absl::MutexLock lock(&mutex_);
      received_ += Text(response_);
    }
    StartRead(&response_);
  }
  void OnDone(const grpc::Status& status) override {
    status_ = status;
    done_.Notify();
  }

 private:
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
  absl::Mutex mutex_;
  std::string received_;
  grpc::Status status_;
  absl::Notification done_;
};

/// Watches the health of a service.
class Watch {
 public:
  Watch(const RpcHarness& harness, const std::string& service)
      : Watch(harness.Connect(), service) {}
  Watch(const std::shared_ptr<grpc::Channel>& connection, const std::string& service)
      : stub_(connection), exchange_(HealthRequest(service)) {
    context_.set_deadline(std::chrono::system_clock::now() + kPatience);
    stub_.PrepareBidiStreamingCall(&context_, "/grpc.health.v1.Health/Watch", {}, &exchange_);
    exchange_.Start();
  }
  ~Watch() {
    context_.TryCancel();
    End();
  }
  /// Whether this many statuses come, and they are these. False at once if it has ended without.
  bool HasSeen(const std::vector<int>& statuses) {
    std::string bytes;
    for (const int status : statuses) bytes += {'\x08', static_cast<char>(status)};
    const auto is_over = [&] {
      const bool ended = exchange_.HasEnded();
      return exchange_.Received().size() >= bytes.size() || ended;
    };
    return Eventually(is_over) && exchange_.Received() == bytes;
  }
  std::string End() { return CodeOf(exchange_.End()); }

 private:
  RawStub stub_;
  grpc::ClientContext context_;
  Exchange exchange_;
};

TEST(RpcServer, TellsWatchersOfHealthWhatChanges) {
  RpcHarness harness;
  Watch store(harness, "txtchat.store");
  Watch whole(harness, "");
  Watch unknown(harness, "nonsense");
  EXPECT_TRUE(store.HasSeen({1}));
  EXPECT_TRUE(whole.HasSeen({1}));
  EXPECT_TRUE(unknown.HasSeen({3}));
  harness.server->SetStoreServing(false);
  EXPECT_TRUE(store.HasSeen({1, 2}));
  harness.server->SetStoreServing(true);
  EXPECT_TRUE(store.HasSeen({1, 2, 1}));
  harness.server->SetNotServing();
  EXPECT_TRUE(store.HasSeen({1, 2, 1, 2}));
  EXPECT_TRUE(whole.HasSeen({1, 2}));
  harness.server->Shutdown(absl::Seconds(60));
  for (Watch* watch : {&store, &whole, &unknown}) EXPECT_EQ(watch->End(), "UNAVAILABLE");
  EXPECT_TRUE(unknown.HasSeen({3}));
}

TEST(RpcServer, TakesSoManyWatchersAndForgetsThoseWhoGo) {
  RpcOptions options;
  options.other_calls.calls_max = 4;  // Half of them streams.
  RpcHarness harness({}, options);
  Watch first(harness, "");
  EXPECT_TRUE(first.HasSeen({1}));
  {
    Watch second(harness, "");
    EXPECT_TRUE(second.HasSeen({1}));
    EXPECT_EQ(Watch(harness, "").End(), "RESOURCE_EXHAUSTED");
    EXPECT_EQ(HealthOf(harness, ""), "SERVING");
  }
  EXPECT_TRUE(Eventually([&] { return Watch(harness, "").HasSeen({1}); }));
  harness.server->SetNotServing();
  EXPECT_TRUE(first.HasSeen({1, 2}));
}

TEST(RpcServer, TakesSoManyStandardCallsOfOneConnection) {
  RpcOptions options;
  options.other_calls.calls_per_connection_max = 1;
  RpcHarness harness({}, options);
  const std::shared_ptr<grpc::Channel> connection = harness.Connect();
  Watch first(connection, "");
  EXPECT_TRUE(first.HasSeen({1}));
  EXPECT_EQ(Watch(connection, "").End(), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(HealthOf(harness, ""), "SERVING");
}

TEST(RpcServer, HasTheStandardReflectionService) {
  RpcHarness harness;
  RawStub stub(harness.Connect());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  Exchange list_services(std::string("\x3a\x01*"));  // ServerReflectionRequest.list_services.
  stub.PrepareBidiStreamingCall(&context,
                                "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                {}, &list_services);
  list_services.Start();
  EXPECT_EQ(CodeOf(list_services.End()), "OK");
  for (const char* service :
       {"txtchat.v1.ChatService", "txtchat.v1.AccountService", "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection"}) {
    EXPECT_NE(list_services.Received().find(service), std::string::npos) << service;
  }
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
  EXPECT_EQ(harness.server->FlushAndFinish(absl::Seconds(5)), 1u);
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
