#include "grpc-service/other_calls.h"

#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "grpc-service/call_peer.h"
#include "grpc-service/pump_thread.h"
#include "grpc-service/standard_messages.h"
#include "grpc-service/status_mapping.h"

namespace txtchat::rpc {
namespace {

std::string Text(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (!buffer.Dump(&slices).ok()) return text;
  for (const grpc::Slice& slice : slices) {
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return text;
}

grpc::ByteBuffer Bytes(const std::string& text) {
  const grpc::Slice slice(text);
  return {&slice, 1};
}

absl::Status NoSuchRequest() {
  return absl::InvalidArgumentError("the request is not a message that this method takes");
}

/// One call. UnaryCalls keeps it from Begin to OnDone. Every Start…, Finish and TryCancel from
/// outside a reaction happens under its mutex, and none after the end.
class OtherCall : public grpc::ServerGenericBidiReactor, public OpenCall {
 public:
  OtherCall(UnaryCalls* calls, grpc::CallbackServerContext* context)
      : calls_(*calls), context_(context) {}

  /// It has come. Answers `refusal`, or why there is no room for it; or begins.
  static grpc::ServerGenericBidiReactor* Begin(const std::shared_ptr<OtherCall>& call,
                                               const PeerKey& peer, absl::Status refusal) {
    UnaryCalls::Arrival arrival = call->calls_.Add(call, CallKind::kRead, 0, peer);
    call->ticket_ = arrival.ticket;
    if (arrival.status.ok()) arrival.status = std::move(refusal);
    if (arrival.status.ok()) {
      call->StartRead(&call->request_);
    } else {
      call->End(arrival.status);
    }
    return call.get();
  }

  void BreakOff() override {
    absl::MutexLock lock(&mutex_);
    if (!done_) context_->TryCancel();
  }

  void OnDone() override {
    {
      absl::MutexLock lock(&mutex_);
      done_ = true;
    }
    calls_.Remove(ticket_);  // Deletes this, unless somebody is about to break it off.
  }

 protected:
  /// The end, once. Nothing is being read or written.
  void End(const absl::Status& status) {
    BeginReply();
    absl::MutexLock lock(&mutex_);
    Finish(ToGrpcStatus(status, context_));
  }
  /// The same, with `response_` before it.
  void Answer() {
    BeginReply();
    absl::MutexLock lock(&mutex_);
    StartWriteAndFinish(&response_, {}, grpc::Status::OK);
  }

  UnaryCalls& calls_;
  grpc::CallbackServerContext* const context_;  ///< Lives until OnDone.
  UnaryCalls::Ticket ticket_;                   ///< Set by Begin.
  // One is read, one is written at a time.
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
  absl::Mutex mutex_;

 private:
  void BeginReply() {
    if (!calls_.BeginReply(ticket_, PumpThread::NowMs())) BreakOff();
  }

  bool done_ ABSL_GUARDED_BY(mutex_) = false;
};

class HealthCheck final : public OtherCall {
 public:
  HealthCheck(UnaryCalls* calls, grpc::CallbackServerContext* context, const HealthBook* health)
      : OtherCall(calls, context), health_(*health) {}

  void OnReadDone(bool ok) override {
    const auto service = ok ? ParseHealthRequest(Text(request_)) : std::nullopt;
    if (!service.has_value()) return End(NoSuchRequest());
    const Serving serving = health_.Of(*service);
    if (serving == Serving::kServiceUnknown) {
      return End(absl::NotFoundError("this server has no service of that name"));
    }
    response_ = Bytes(HealthResponse(serving));
    Answer();
  }

 private:
  const HealthBook& health_;
};

/// A call that may last. `streams` has counted it, if it is not null.
class OtherStream : public OtherCall {
 public:
  OtherStream(UnaryCalls* calls, grpc::CallbackServerContext* context, StreamCount* streams)
      : OtherCall(calls, context), streams_(streams) {}

  void OnDone() override {
    if (streams_ != nullptr) streams_->Remove();
    OtherCall::OnDone();
  }

 private:
  StreamCount* const streams_;
};

class HealthWatch final : public OtherStream,
                          public HealthBook::Watcher,
                          public std::enable_shared_from_this<HealthWatch> {
 public:
  HealthWatch(UnaryCalls* calls, grpc::CallbackServerContext* context, StreamCount* streams,
              HealthBook* health)
      : OtherStream(calls, context, streams), health_(*health) {}

  void OnReadDone(bool ok) override {
    auto service = ok ? ParseHealthRequest(Text(request_)) : std::nullopt;
    if (!service.has_value()) return End(NoSuchRequest());
    {
      absl::MutexLock lock(&mutex_);
      service_ = std::move(service);
    }
    health_.Add(shared_from_this());
    Wake();
  }
  void OnWriteDone(bool ok) override {
    {
      absl::MutexLock lock(&mutex_);
      writing_ = false;
      gone_ = gone_ || !ok;
    }
    Wake();
  }
  void OnCancel() override {
    {
      absl::MutexLock lock(&mutex_);
      gone_ = true;
    }
    Wake();
  }
  void OnDone() override {
    health_.Remove(this);
    OtherStream::OnDone();
  }

  /// Tells the client what has changed, when it has taken what it was told before.
  void Wake() override {
    const absl::Status end = WriteNews();
    if (!end.ok()) End(end);
  }

 private:
  /// Not OK, once: the call is to end with it.
  absl::Status WriteNews() {
    absl::MutexLock lock(&mutex_);
    if (!service_.has_value() || writing_ || ended_) return absl::OkStatus();
    if (gone_) {
      ended_ = true;
      return absl::CancelledError("the client has gone");
    }
    const Serving serving = health_.Of(*service_);
    if (serving != told_) {
      told_ = serving;
      writing_ = true;
      response_ = Bytes(HealthResponse(serving));
      StartWrite(&response_);
      return absl::OkStatus();
    }
    ended_ = health_.ended();
    return ended_ ? absl::UnavailableError("the server is stopping; reconnect") : absl::OkStatus();
  }

  HealthBook& health_;
  std::optional<std::string> service_ ABSL_GUARDED_BY(mutex_);  ///< Set when it was read.
  Serving told_ ABSL_GUARDED_BY(mutex_) = Serving::kUnknown;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool gone_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

/// Answers one question after the other.
class Reflection final : public OtherStream {
 public:
  Reflection(UnaryCalls* calls, grpc::CallbackServerContext* context, StreamCount* streams,
             const std::vector<std::string>* services, std::function<void()> strike)
      : OtherStream(calls, context, streams), services_(*services), strike_(std::move(strike)) {}

  void OnReadDone(bool ok) override {
    if (!ok) return End(absl::OkStatus());
    strike_();
    const auto response = ReflectionResponse(Text(request_), services_);
    if (!response.has_value()) return End(NoSuchRequest());
    const absl::Status room = calls_.Charge(ticket_, response->size());
    if (!room.ok()) return End(room);
    response_ = Bytes(*response);
    StartWrite(&response_);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return End(absl::CancelledError("the client has gone"));
    StartRead(&request_);
  }

 private:
  const std::vector<std::string>& services_;
  const std::function<void()> strike_;
};

}  // namespace

OtherCalls::OtherCalls(const CallOptions& options, std::vector<std::string> services,
                       std::function<void(const PeerKey&)> strike)
    : services_(std::move(services)),
      strike_(std::move(strike)),
      calls_(options),
      streams_(options.calls_max / 2) {
  for (const std::string& service : services_) health_.Set(service, true);
  services_.insert(services_.end(), {kHealthService, kReflectionService});
}

grpc::ServerGenericBidiReactor* OtherCalls::CreateReactor(
    grpc::GenericCallbackServerContext* context) {
  static const std::string kCheck = absl::StrCat("/", kHealthService, "/Check");
  static const std::string kWatch = absl::StrCat("/", kHealthService, "/Watch");
  static const std::string kReflect =
      absl::StrCat("/", kReflectionService, "/ServerReflectionInfo");
  const PeerKey peer = ParsePeer(context->peer()).value_or(PeerKey());
  strike_(peer);
  const std::string& method = context->method();
  if (method == kCheck) {
    return OtherCall::Begin(std::make_shared<HealthCheck>(&calls_, context, &health_), peer,
                            absl::OkStatus());
  }
  if (method != kWatch && method != kReflect) {
    return OtherCall::Begin(
        std::make_shared<OtherCall>(&calls_, context), peer,
        absl::UnimplementedError("this server has no such method; reflection lists what it has"));
  }
  StreamCount* const counted = streams_.TryAdd() ? &streams_ : nullptr;
  absl::Status refusal;
  if (counted == nullptr) {
    refusal = absl::ResourceExhaustedError(
        "the server has its most open streams of health and reflection; retry with backoff");
  }
  std::shared_ptr<OtherCall> call;
  if (method == kWatch) {
    call = std::make_shared<HealthWatch>(&calls_, context, counted, &health_);
  } else {
    call = std::make_shared<Reflection>(&calls_, context, counted, &services_,
                                        [this, peer] { strike_(peer); });
  }
  return OtherCall::Begin(call, peer, std::move(refusal));
}

}  // namespace txtchat::rpc
