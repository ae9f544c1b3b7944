#include "tests/grpc-service/rpc_harness.h"

#include <chrono>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

namespace txtchat::rpc {
namespace {

EncoderSet EncodersOf(const ProtoEncoder& encoder) {
  EncoderSet encoders{};
  encoders[IndexOf(WireFormat::kProto)] = &encoder;
  return encoders;
}

}  // namespace

RpcHarness::RpcHarness(Limits limits_in, RpcOptions options, PeerGuard* peers)
    : limits(limits_in),
      flood_lane(std::make_unique<InlineLane>()),
      memory(limits.store_bytes_max),
      store(&memory),
      history(&store, EncodersOf(encoder), limits),
      engine(limits, EncodersOf(encoder), &store),
      recovered(engine.Recover(clock.NowUnixMs())),
      sequencer(&engine, &clock, limits) {
  options.listen = "127.0.0.1:0";
  absl::StatusOr<std::unique_ptr<RpcServer>> started =
      RpcServer::Start({.sequencer = &sequencer,
                        .history = &history,
                        .clock = &clock,
                        .session_ids = &session_ids,
                        .limits = limits,
                        .epoch = engine.state().epoch(),
                        .secrets = &secrets,
                        .peers = peers},
                       options);
  EXPECT_TRUE(started.ok()) << started.status();
  server = *std::move(started);
}

RpcHarness::~RpcHarness() {
  server->Shutdown(absl::Seconds(5));
  sequencer.Stop();
  history.Stop();
  server.reset();
}

std::shared_ptr<grpc::Channel> RpcHarness::Connect() const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", server->port()),
                                   grpc::InsecureChannelCredentials(), arguments);
}

std::string RetryAfter(const grpc::ClientContext& context) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto it = trailers.find("retry-after-ms");
  return it == trailers.end() ? "" : std::string(it->second.data(), it->second.size());
}

std::string CodeOf(const grpc::Status& status) {
  return absl::StatusCodeToString(static_cast<absl::StatusCode>(status.error_code()));
}

// --- Guest.

Guest::Guest(const RpcHarness& harness, const std::string& name)
    : connection(harness.Connect()), stub(v1::ChatService::NewStub(connection)) {
  v1::RegisterRequest request;
  request.set_display_name(name);
  v1::RegisterResponse response;
  const grpc::Status status = stub->Register(Context().get(), request, &response);
  EXPECT_EQ(CodeOf(status), "OK") << status.error_message();
  id = response.user().id();
  token = response.token();
}

std::unique_ptr<grpc::ClientContext> Guest::Context() const {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + kPatience);
  if (!token.empty()) context->AddMetadata("authorization", "Bearer " + token);
  return context;
}

std::string Guest::Create(const std::string& name) {
  v1::CreateChannelRequest request;
  request.set_display_name(name);
  v1::CreateChannelResponse response;
  const grpc::Status status = stub->CreateChannel(Context().get(), request, &response);
  EXPECT_EQ(CodeOf(status), "OK") << status.error_message();
  return response.channel().id();
}

grpc::Status Guest::Join(const std::string& channel_id) {
  v1::JoinChannelRequest request;
  request.set_channel_id(channel_id);
  v1::JoinChannelResponse response;
  return stub->JoinChannel(Context().get(), request, &response);
}

grpc::Status Guest::Leave(const std::string& channel_id) {
  v1::LeaveChannelRequest request;
  request.set_channel_id(channel_id);
  v1::LeaveChannelResponse response;
  return stub->LeaveChannel(Context().get(), request, &response);
}

grpc::Status Guest::Send(const std::string& channel_id, const std::string& text,
                         v1::Message* stored) {
  v1::SendMessageRequest request;
  request.set_channel_id(channel_id);
  request.set_text(text);
  v1::SendMessageResponse response;
  const grpc::Status status = stub->SendMessage(Context().get(), request, &response);
  if (stored != nullptr) *stored = response.message();
  return status;
}

void Guest::Flood(RpcHarness& harness, const std::string& channel_id, std::size_t count,
                  std::size_t text_bytes) const {
  absl::BlockingCounter stored(static_cast<int>(count));
  for (std::size_t i = 0; i < count; ++i) {
    std::string text = std::to_string(i) + " ";
    if (text.size() < text_bytes) text.resize(text_bytes, 'x');
    Envelope envelope;
    envelope.command = txtchat::Send{.channel_id = channel_id, .text = std::move(text)};
    envelope.actor.credential = harness.secrets.HashOf(token);
    envelope.lane = harness.flood_lane.get();
    envelope.time_unix_ms = harness.clock.NowUnixMs();
    envelope.done = [&stored](const absl::StatusOr<Result>& result) {
      EXPECT_TRUE(result.ok()) << result.status();
      stored.DecrementCount();
    };
    while (harness.sequencer.Submit(envelope) == SubmitResult::kFull) std::this_thread::yield();
  }
  stored.Wait();
}

// --- TestStream.

TestStream::TestStream(const Guest& guest, const std::vector<std::string>& channel_ids)
    : context_(guest.Context()) {
  v1::SubscribeRequest request;
  request.mutable_channel_ids()->Assign(channel_ids.begin(), channel_ids.end());
  reader_ = guest.stub->Subscribe(context_.get(), request);
}

TestStream::TestStream(const Guest& guest, const v1::SubscribeRequest& request)
    : context_(guest.Context()), reader_(guest.stub->Subscribe(context_.get(), request)) {}

TestStream::~TestStream() {
  if (end_.has_value()) return;
  Cancel();
  End();
}

std::optional<v1::Event> TestStream::Next() {
  while (next_ == response_.events_size()) {
    next_ = 0;
    response_.Clear();
    if (end_.has_value()) return std::nullopt;
    if (!reader_->Read(&response_)) {
      response_.Clear();
      end_ = reader_->Finish();
      return std::nullopt;
    }
  }
  return response_.events(next_++);
}

std::optional<v1::Event> TestStream::NextNews() {
  std::optional<v1::Event> event = Next();
  while (event.has_value() && event->has_heartbeat()) event = Next();
  return event;
}

std::string TestStream::NextLine() {
  const std::optional<v1::Event> event = NextNews();
  if (!event.has_value()) return "(end)";
  if (event->has_gap()) {
    return absl::StrCat("gap ", event->gap().from_sequence(), "-", event->gap().to_sequence());
  }
  if (event->has_recovery()) {
    const v1::Recovery& recovery = event->recovery();
    return absl::StrCat(v1::Recovery::State_Name(recovery.state()), " ", event->channel_id(), " ",
                        recovery.from_sequence(), "-", recovery.to_sequence());
  }
  const std::string sequence = absl::StrCat(event->sequence(), " ");
  if (event->has_member_joined()) {
    return sequence + "+" + event->member_joined().user().display_name();
  }
  if (event->has_member_left()) return sequence + "-" + event->member_left().user().display_name();
  const v1::MessagePosted& posted = event->message_posted();
  return sequence + posted.sender().display_name() + ": " + posted.text();
}

grpc::Status TestStream::End() {
  while (Next().has_value()) {
  }
  return *end_;
}

bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace txtchat::rpc
