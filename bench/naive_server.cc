#include "bench/naive_server.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "bench/floor_server.h"
#include "txtchat/v1/chat.grpc.pb.h"

namespace txtchat::bench {
namespace {

constexpr absl::Duration kTurn = absl::Milliseconds(200);  // How late a signal may be noticed.
// Above those that the floor counts up from 0.
constexpr std::uint64_t kFirstChannelId = 0x8000000000;

using Response = v1::SubscribeResponse;

/// One Subscribe call. Thread-safe; deleted after OnDone.
class Stream final : public grpc::ServerWriteReactor<Response> {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    /// The call is over: nothing comes of it any more. May delete the stream.
    virtual void OnStreamDone(Stream& stream) = 0;
  };

  explicit Stream(Owner& owner) : owner_(owner) {}

  void Push(std::shared_ptr<const Response> response) {
    const absl::MutexLock lock(&mutex_);
    if (finished_) return;
    queue_.push_back(std::move(response));
    if (queue_.size() == 1) StartWrite(queue_.front().get());
  }

  void End(const grpc::Status& status) {
    const absl::MutexLock lock(&mutex_);
    if (!std::exchange(finished_, true)) Finish(status);
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return End(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the write failed"));
    const absl::MutexLock lock(&mutex_);
    queue_.pop_front();
    if (!finished_ && !queue_.empty()) StartWrite(queue_.front().get());
  }
  void OnCancel() override { End(grpc::Status::CANCELLED); }
  void OnDone() override { owner_.OnStreamDone(*this); }

 private:
  Owner& owner_;
  absl::Mutex mutex_;
  /// The first is being written.
  std::deque<std::shared_ptr<const Response>> queue_ ABSL_GUARDED_BY(mutex_);
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

/// Thread-safe. Its mutex comes before that of a stream: a channel's events go to all of its
/// streams in one order.
class NaiveService final : public v1::ChatService::CallbackService, public Stream::Owner {
 public:
  /// After the server's shutdown: gRPC may still have to say that a call is done.
  ~NaiveService() override {
    const absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(
        +[](Streams* streams) { return streams->empty(); }, &streams_));
  }

  grpc::ServerUnaryReactor* Register(grpc::CallbackServerContext* context,
                                     const v1::RegisterRequest* request,
                                     v1::RegisterResponse* response) override {
    const absl::MutexLock lock(&mutex_);
    v1::User user;
    user.set_id(absl::StrFormat("%016x", users_.size()));
    user.set_display_name(request->display_name());
    response->set_token("token-" + user.id());
    *response->mutable_user() = user;
    users_[response->token()] = std::move(user);
    return Answer(context, grpc::Status::OK);
  }

  grpc::ServerUnaryReactor* CreateChannel(grpc::CallbackServerContext* context,
                                          const v1::CreateChannelRequest* request,
                                          v1::CreateChannelResponse* response) override {
    const absl::MutexLock lock(&mutex_);
    if (UserOf(*context) == nullptr) return Answer(context, Unauthenticated());
    v1::Channel& channel = *response->mutable_channel();
    channel.set_id(absl::StrFormat("%010x", kFirstChannelId + channels_.size()));
    channel.set_display_name(request->display_name());
    channels_[channel.id()];
    return Answer(context, grpc::Status::OK);
  }

  grpc::ServerUnaryReactor* JoinChannel(grpc::CallbackServerContext* context,
                                        const v1::JoinChannelRequest* request,
                                        v1::JoinChannelResponse* response) override {
    response->mutable_channel()->set_id(request->channel_id());
    return AnswerIfThere(context, request->channel_id());
  }

  grpc::ServerUnaryReactor* LeaveChannel(grpc::CallbackServerContext* context,
                                         const v1::LeaveChannelRequest* request,
                                         v1::LeaveChannelResponse* /*response*/) override {
    return AnswerIfThere(context, request->channel_id());
  }

  grpc::ServerUnaryReactor* SendMessage(grpc::CallbackServerContext* context,
                                        const v1::SendMessageRequest* request,
                                        v1::SendMessageResponse* response) override {
    const absl::MutexLock lock(&mutex_);
    const v1::User* const sender = UserOf(*context);
    if (sender == nullptr) return Answer(context, Unauthenticated());
    Channel* const channel = Find(request->channel_id());
    if (channel == nullptr) return Answer(context, NotFound());
    const std::shared_ptr<const Response> posted =
        Post(*channel, request->channel_id(), *sender, request->text());
    const v1::Event& event = posted->events(0);
    v1::Message& message = *response->mutable_message();
    message.set_channel_id(request->channel_id());
    message.set_sequence(event.sequence());
    *message.mutable_create_time() = event.create_time();
    *message.mutable_sender() = *sender;
    message.set_text(request->text());
    return Answer(context, grpc::Status::OK);
  }

  grpc::ServerWriteReactor<Response>* Subscribe(grpc::CallbackServerContext* context,
                                                const v1::SubscribeRequest* request) override {
    auto owned = std::make_unique<Stream>(*this);
    Stream* const stream = owned.get();
    const absl::MutexLock lock(&mutex_);
    StreamEntry& entry = streams_[stream];
    entry.stream = std::move(owned);
    if (UserOf(*context) == nullptr) {
      stream->End(Unauthenticated());
      return stream;
    }
    auto first = std::make_shared<Response>();
    v1::Heartbeat& heartbeat = *first->add_events()->mutable_heartbeat();
    for (const std::string& id : request->channel_ids()) {
      Channel* const channel = Find(id);
      if (channel == nullptr) {
        stream->End(NotFound());
        return stream;
      }
      v1::ChannelHead& head = *heartbeat.add_heads();
      head.set_channel_id(id);
      head.set_head_sequence(channel->head);
      entry.channels.push_back(channel);
    }
    for (Channel* channel : entry.channels) channel->streams.push_back(stream);
    stream->Push(std::move(first));
    return stream;
  }

  /// A text that came over a line; nothing happens if the channel is not there.
  void PostFromLine(std::string_view channel_id, std::string_view text) {
    const absl::MutexLock lock(&mutex_);
    const std::string id(channel_id);
    if (Channel* const channel = Find(id); channel != nullptr) {
      Post(*channel, id, line_user_, std::string(text));
    }
  }

  void OnStreamDone(Stream& stream) override {
    std::unique_ptr<Stream> owned;  // Deleted behind the lock, when nobody can find it any more.
    const absl::MutexLock lock(&mutex_);
    const auto found = streams_.find(&stream);
    for (Channel* channel : found->second.channels) std::erase(channel->streams, &stream);
    owned = std::move(found->second.stream);
    streams_.erase(found);
  }

 private:
  struct Channel {
    std::uint64_t head = 0;  ///< The sequence number of the newest event.
    std::vector<Stream*> streams;
  };
  struct StreamEntry {
    std::unique_ptr<Stream> stream;
    std::vector<Channel*> channels;
  };
  using Streams = std::unordered_map<Stream*, StreamEntry>;

  static grpc::Status Unauthenticated() {
    return {grpc::StatusCode::UNAUTHENTICATED, "no token, or not one of this server"};
  }
  static grpc::Status NotFound() { return {grpc::StatusCode::NOT_FOUND, "no such channel"}; }

  static grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context,
                                          const grpc::Status& status) {
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(status);
    return reactor;
  }

  grpc::ServerUnaryReactor* AnswerIfThere(grpc::CallbackServerContext* context,
                                          const std::string& channel_id) {
    const absl::MutexLock lock(&mutex_);
    if (UserOf(*context) == nullptr) return Answer(context, Unauthenticated());
    return Answer(context, Find(channel_id) == nullptr ? NotFound() : grpc::Status::OK);
  }

  /// Null if there is none.
  const v1::User* UserOf(const grpc::CallbackServerContext& context) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto header = context.client_metadata().find("authorization");
    if (header == context.client_metadata().end()) return nullptr;
    absl::string_view token(header->second.data(), header->second.size());
    absl::ConsumePrefix(&token, "Bearer ");
    const auto found = users_.find(std::string(token));
    return found == users_.end() ? nullptr : &found->second;
  }

  /// Null if there is none.
  Channel* Find(const std::string& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto found = channels_.find(id);
    return found == channels_.end() ? nullptr : &found->second;
  }

  /// Every stream gets the same message, which gRPC encodes for each of them.
  static std::shared_ptr<const Response> Post(Channel& channel, const std::string& id,
                                              const v1::User& sender, const std::string& text) {
    auto response = std::make_shared<Response>();
    v1::Event& event = *response->add_events();
    event.set_channel_id(id);
    event.set_sequence(++channel.head);
    const std::int64_t now_ns = absl::GetCurrentTimeNanos();
    event.mutable_create_time()->set_seconds(now_ns / 1'000'000'000);
    event.mutable_create_time()->set_nanos(static_cast<std::int32_t>(now_ns % 1'000'000'000));
    *event.mutable_message_posted()->mutable_sender() = sender;
    event.mutable_message_posted()->set_text(text);
    for (Stream* stream : channel.streams) stream->Push(response);
    return response;
  }

  static v1::User LineUser() {
    v1::User user;
    user.set_id("127.0.0.1:1");
    user.set_display_name("bench");
    return user;
  }

  const v1::User line_user_ = LineUser();
  absl::Mutex mutex_;
  std::unordered_map<std::string, v1::User> users_ ABSL_GUARDED_BY(mutex_);  ///< By token.
  std::unordered_map<std::string, Channel> channels_ ABSL_GUARDED_BY(mutex_);
  Streams streams_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::Status ServeNaive(const Endpoint& listen, const std::optional<Endpoint>& publish_listen,
                        const std::atomic<bool>& stop) {
  NaiveService service;
  grpc::ServerBuilder builder;
  Endpoint bound = listen;
  int port = 0;
  // Two servers on one port would share the load.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort(listen.ToString(), grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return absl::UnavailableError("cannot listen on " + listen.ToString());
  }
  bound.port = static_cast<std::uint16_t>(port);
  std::printf("listening on %s\n", bound.ToString().c_str());
  std::fflush(stdout);
  absl::Status served;
  if (publish_listen.has_value()) {
    served = ServeFloor(*publish_listen, stop,
                        {.announcement = "lines on",
                         .on_text = [&](std::string_view channel_id, std::string_view text) {
                           service.PostFromLine(channel_id, text);
                         }});
  } else {
    while (!stop) absl::SleepFor(kTurn);
  }
  server->Shutdown(std::chrono::system_clock::now());
  return served;
}

}  // namespace txtchat::bench
