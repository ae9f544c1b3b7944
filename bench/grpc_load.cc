#include "bench/grpc_load.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "bench/response_reader.h"

namespace txtchat::bench {
namespace {

constexpr std::size_t kEnteringMax = 64;
constexpr int kResponseBytesMax = 64 << 20;
constexpr std::uint64_t kSlowTickNs = 20'000'000;
constexpr std::uint64_t kTurnNs = 50'000'000;
// gRPC rounds deadlines up to milliseconds: nearer ones are polled for.
constexpr std::uint64_t kTimerErrorNs = 2'000'000;
// Few, so that publishers on lines need not wait long for their turn.
constexpr int kPolledMax = 8;

template <typename T>
grpc::ByteBuffer Encode(const T& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

absl::Status StatusOf(const std::string& what, const grpc::Status& status) {
  const std::string text =
      what + ": " +
      (status.error_message().empty() ? "code " + std::to_string(status.error_code())
                                      : status.error_message());
  return {static_cast<absl::StatusCode>(status.error_code()), text};
}

}  // namespace

/// One guest, and its stream if it has one.
class GrpcLoad::User final : public GrpcStream::Listener {
 public:
  User(GrpcLoad& load, std::uint32_t seat_index)
      : load_(load), seat_index_(seat_index), seat_(load.context_.layout.seats[seat_index]) {}

  /// Registers, joins, subscribes; Entered follows.
  void Begin() {
    v1::RegisterRequest request;
    request.set_display_name("bench");
    UnaryCall<v1::RegisterRequest, v1::RegisterResponse>::Start(
        load_.pending_, "", request,
        [this](auto* context, const auto& r) {
          return stub().PrepareAsyncRegister(context, r, &load_.queue_);
        },
        [this](const grpc::Status& status, const v1::RegisterResponse& response) {
          if (!status.ok()) return load_.Failed("cannot register", status);
          token_ = response.token();
          JoinFrom(0);
        });
  }

  /// Subscribes; Entered follows with the first heartbeat.
  void Subscribe() {
    in_ = false;
    v1::SubscribeRequest request;
    for (std::uint32_t i = 0; i < seat_.channel_count; ++i) request.add_channel_ids(ChannelId(i));
    stream_ = std::make_unique<GrpcStream>(*this, load_.scratch_);
    ++load_.streams_open_;
    stream_->Start(*load_.ConnectionOf(seat_index_).generic, load_.queue_, token_, Encode(request));
  }

  void Cancel() {
    read_at_ns_ = 0;
    if (stream_ != nullptr) stream_->Cancel();
  }

  void OnResponse(std::string_view response) override {
    if (!std::exchange(in_, true)) load_.Entered();
    load_.Take(*this, response);
    if (seat_.role == Role::kStalled) return;
    if (seat_.role == Role::kSlow && !load_.slow_may_hurry_) {
      // The next one when this one would have been read at the slow rate.
      read_at_ns_ =
          NowNanos() + response.size() * 1'000'000'000 / load_.context_.options.slow_bytes_per_s;
      return;
    }
    stream_->Read();
  }

  void OnEnd(const grpc::Status& status) override {
    --load_.streams_open_;
    if (!load_.leaving_) {
      if (!in_) load_.Failed("cannot subscribe", status);
      load_.incidents_.Note(&Incidents::disconnects,
                            "the server ended a stream: " + status.error_message());
    }
    stream_.reset();
  }

  void ReadIfDue(std::uint64_t now_ns) {
    if (read_at_ns_ == 0 || stream_ == nullptr) return;
    if (now_ns < read_at_ns_ && !load_.slow_may_hurry_) return;
    read_at_ns_ = 0;
    stream_->Read();
  }

  void SendMessage(const Stamp& stamp) {
    v1::SendMessageRequest request;
    request.set_channel_id(ChannelId(0));
    load_.context_.traffic.codec().Append(stamp, *request.mutable_text());
    UnaryCall<v1::SendMessageRequest, v1::SendMessageResponse>::Start(
        load_.pending_, token_, request,
        [this](auto* context, const auto& r) {
          return stub().PrepareAsyncSendMessage(context, r, &load_.queue_);
        },
        [this, time_ns = stamp.time_ns](const grpc::Status& status,
                                        const v1::SendMessageResponse&) {
          OnSent(status, time_ns);
        });
  }

  const Seat& seat() const { return seat_; }
  std::uint32_t seat_index() const { return seat_index_; }

 private:
  v1::ChatService::Stub& stub() { return *load_.ConnectionOf(seat_index_).stub; }
  const std::string& ChannelId(std::uint32_t i) const {
    return load_.channel_ids_[load_.context_.layout.ChannelOf(seat_, i)];
  }

  void JoinFrom(std::uint32_t i) {
    if (i == seat_.channel_count) {
      if (seat_.role == Role::kPublisher) return load_.Entered();
      return Subscribe();
    }
    v1::JoinChannelRequest request;
    request.set_channel_id(ChannelId(i));
    UnaryCall<v1::JoinChannelRequest, v1::JoinChannelResponse>::Start(
        load_.pending_, token_, request,
        [this](auto* context, const auto& r) {
          return stub().PrepareAsyncJoinChannel(context, r, &load_.queue_);
        },
        [this, i](const grpc::Status& status, const v1::JoinChannelResponse&) {
          if (!status.ok()) return load_.Failed("cannot join", status);
          JoinFrom(i + 1);
        });
  }

  void OnSent(const grpc::Status& status, std::uint64_t time_ns) {
    Traffic& traffic = load_.context_.traffic;
    if (status.ok()) {
      traffic.Acknowledged(seat_.publisher, time_ns, NowNanos());
    } else {
      traffic.Refused(seat_.publisher);
      load_.incidents_.Note(&Incidents::refusals, status.error_message());
      // A full server may have room again; anything else will not pass.
      if (status.error_code() != grpc::StatusCode::RESOURCE_EXHAUSTED) {
        load_.Failed("cannot send", status);
      }
    }
    if (load_.failure_.ok()) load_.SendMore(seat_.publisher);
  }

  GrpcLoad& load_;
  const std::uint32_t seat_index_;
  const Seat& seat_;
  std::string token_;
  std::unique_ptr<GrpcStream> stream_;
  bool in_ = false;               ///< The stream has begun.
  std::uint64_t read_at_ns_ = 0;  ///< Of a slow reader that is not reading.
};

GrpcLoad::GrpcLoad(const LoadContext& context)
    : Load(context), publishers_(context.options.publishers) {
  for (std::uint32_t i = 0; i < context.layout.seats.size(); ++i) {
    const Seat& seat = context.layout.seats[i];
    if (IsOnLines(context.options, seat.role)) continue;
    users_.push_back(std::make_unique<User>(*this, i));
    if (seat.role == Role::kPublisher) publishers_[seat.publisher] = users_.back().get();
    if (seat.role == Role::kSlow) slow_.push_back(users_.back().get());
  }
}

GrpcLoad::~GrpcLoad() {
  leaving_ = true;
  if (failure_.ok()) failure_ = absl::CancelledError("the load has ended");
  for (const auto& user : users_) user->Cancel();
  for (PendingCall* call : pending_) call->Cancel();
  // A cancelled call always ends. The queue must not be shut down before, since a stream's last
  // step is started by the one before it.
  while (streams_open_ > 0 || !pending_.empty()) Turn(NowNanos() + kTurnNs);
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

std::uint32_t GrpcLoad::connection_count() const {
  return static_cast<std::uint32_t>(std::min(connections_.size(), users_.size()));
}

void GrpcLoad::OpenConnections() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(kResponseBytesMax);
  arguments.SetUserAgentPrefix("txtchat-bench/" TXTCHAT_VERSION);
  connections_.clear();
  for (std::uint32_t i = 0; i < context_.options.connections; ++i) {
    const std::shared_ptr<grpc::Channel> channel = grpc::CreateCustomChannel(
        context_.options.server.ToString(), grpc::InsecureChannelCredentials(), arguments);
    connections_.push_back(
        {v1::ChatService::NewStub(channel), std::make_unique<grpc::GenericStub>(channel)});
  }
}

absl::Status GrpcLoad::FoundChannels() {
  // A guest of its own, so that nobody is in a channel who does not belong there. It leaves each
  // channel at once: one may be in 1,000 only.
  v1::ChatService::Stub& stub = *connections_.front().stub;
  std::string token;
  const auto prepare = [&](grpc::ClientContext& context) {
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::nanoseconds(patience_ns()));
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
  };
  v1::RegisterRequest registering;
  registering.set_display_name("bench");
  v1::RegisterResponse registered;
  grpc::ClientContext register_context;
  prepare(register_context);
  grpc::Status status = stub.Register(&register_context, registering, &registered);
  if (!status.ok()) return StatusOf("cannot register", status);
  token = registered.token();
  while (channel_ids_.size() < context_.layout.channels_in_all() && !context_.interrupted) {
    v1::CreateChannelRequest creating;
    creating.set_display_name("bench");
    v1::CreateChannelResponse created;
    grpc::ClientContext create_context;
    prepare(create_context);
    status = stub.CreateChannel(&create_context, creating, &created);
    if (!status.ok()) return StatusOf("cannot create a channel", status);
    channel_ids_.push_back(created.channel().id());
    v1::LeaveChannelRequest leaving;
    leaving.set_channel_id(channel_ids_.back());
    v1::LeaveChannelResponse left;
    grpc::ClientContext leave_context;
    prepare(leave_context);
    status = stub.LeaveChannel(&leave_context, leaving, &left);
    if (!status.ok()) return StatusOf("cannot leave a channel", status);
  }
  return context_.interrupted ? absl::CancelledError("interrupted") : absl::OkStatus();
}

absl::Status GrpcLoad::Connect() {
  OpenConnections();
  if (absl::Status s = FoundChannels(); !s.ok()) return s;
  std::vector<User*> everybody;
  for (const auto& user : users_) everybody.push_back(user.get());
  Histogram took_ns;
  return Enter(everybody, kEnteringMax, "connecting", took_ns, [](User& user) { user.Begin(); });
}

absl::StatusOr<Histogram> GrpcLoad::Storm() {
  std::vector<User*> subscribers;
  std::uint32_t others = streams_open_;
  for (const auto& user : users_) {
    if (user->seat().role == Role::kSubscriber) subscribers.push_back(user.get());
  }
  others -= static_cast<std::uint32_t>(subscribers.size());
  leaving_ = true;
  for (User* user : subscribers) user->Cancel();
  while (streams_open_ > others) Turn(NowNanos() + kTurnNs);
  leaving_ = false;
  OpenConnections();
  Histogram took_ns;
  const absl::Status status = Enter(subscribers, subscribers.size(), "coming back", took_ns,
                                    [](User& user) { user.Subscribe(); });
  if (!status.ok()) return status;
  return took_ns;
}

template <typename Begin>
absl::Status GrpcLoad::Enter(const std::vector<User*>& users, std::size_t at_once, const char* what,
                             Histogram& took_ns, Begin begin) {
  entered_ = 0;
  entry_began_ns_ = last_entered_ns_ = NowNanos();
  entry_took_ns_ = &took_ns;
  for (std::size_t next = 0; entered_ < users.size() && failure_.ok();) {
    for (; next < users.size() && entering_ < at_once; ++next) {
      ++entering_;
      begin(*users[next]);
    }
    if (context_.interrupted) {
      failure_ = absl::CancelledError("interrupted");
    } else if (patience_is_over(last_entered_ns_)) {
      failure_ = absl::DeadlineExceededError(std::to_string(users.size() - entered_) + " of " +
                                             std::to_string(users.size()) +
                                             " users are still not in their channels");
    }
    const std::uint64_t now = NowNanos();
    Turn(now + kTurnNs);
    context_.progress.Update(what, entered_, users.size(), now);
  }
  entry_took_ns_ = nullptr;
  return failure_;
}

void GrpcLoad::Entered() {
  --entering_;
  ++entered_;
  last_entered_ns_ = NowNanos();
  if (entry_took_ns_ != nullptr) entry_took_ns_->Record(last_entered_ns_ - entry_began_ns_);
}

void GrpcLoad::Failed(const std::string& what, const grpc::Status& status) {
  if (failure_.ok()) failure_ = StatusOf(what, status);
}

void GrpcLoad::Turn(std::uint64_t until_ns) {
  const std::uint64_t now = NowNanos();
  if (!slow_.empty()) {
    if (now >= next_slow_ns_) ReadSlow();
    until_ns = std::min(until_ns, std::max(now, next_slow_ns_));
  }
  // In an open loop the end is when the next message is due, to the microsecond: the last bit of
  // the way is polled.
  std::uint64_t wait_ns = until_ns > now ? until_ns - now : 0;
  if (context_.traffic.phase().rate > 0) wait_ns -= std::min(wait_ns, kTimerErrorNs);
  Next(wait_ns);
}

void GrpcLoad::Poll() {
  if (!slow_.empty() && NowNanos() >= next_slow_ns_) ReadSlow();
  for (int i = 0; i < kPolledMax && Next(0); ++i) {
  }
}

bool GrpcLoad::Next(std::uint64_t wait_ns) {
  const gpr_timespec deadline =
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                   gpr_time_from_nanos(static_cast<std::int64_t>(wait_ns), GPR_TIMESPAN));
  void* tag = nullptr;
  bool ok = false;
  if (queue_.AsyncNext(&tag, &ok, deadline) != grpc::CompletionQueue::GOT_EVENT) return false;
  static_cast<Completion*>(tag)->Done(ok);
  return true;
}

void GrpcLoad::ReadSlow() {
  const std::uint64_t now = NowNanos();
  next_slow_ns_ = now + kSlowTickNs;
  for (User* user : slow_) user->ReadIfDue(now);
}

void GrpcLoad::Take(User& user, std::string_view response) {
  const std::uint64_t now_ns = NowNanos();
  Traffic& traffic = context_.traffic;
  ResponseReader reader(response);
  for (ReceivedEvent event; reader.Next(event);) {
    if (event.kind == ReceivedEvent::Kind::kGap) {
      incidents_.Note(&Incidents::gaps, "a stream was told of a gap");
    }
    if (event.kind != ReceivedEvent::Kind::kMessage) continue;
    Stamp stamp;
    if (!traffic.Delivered(user.seat_index(), event.text, now_ns, stamp)) continue;
    if (event.channel_id != channel_ids_[traffic.ChannelOf(stamp)]) {
      traffic.Unknown(user.seat_index());
    }
  }
  if (!reader.good()) traffic.Unknown(user.seat_index());
}

void GrpcLoad::Send(std::uint32_t publisher, std::uint64_t count, std::uint64_t time_ns) {
  for (std::uint64_t i = 0; i < count; ++i) {
    publishers_[publisher]->SendMessage(context_.traffic.Send(publisher, time_ns));
  }
}

}  // namespace txtchat::bench
