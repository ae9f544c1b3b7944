#include "client/subscribe_stream.h"

#include <boost/asio/post.hpp>
#include <utility>

namespace txtchat::client {

SubscribeStream::SubscribeStream(std::weak_ptr<boost::asio::io_context> io,
                                 std::shared_ptr<void> in_flight, Handlers handlers)
    : io_(std::move(io)), in_flight_(std::move(in_flight)), handlers_(std::move(handlers)) {}

void SubscribeStream::Start(v1::ChatService::StubInterface& stub,
                            const v1::SubscribeRequest& request) {
  self_ = shared_from_this();
  request_ = request;
  stub.async()->Subscribe(&context_, &request_, this);
  AddHold();
  {
    absl::MutexLock lock(&mutex_);
    reading_ = true;
  }
  StartRead(&response_);
  StartCall();
}

void SubscribeStream::Next() {
  {
    absl::MutexLock lock(&mutex_);
    if (!held_ || reading_) return;
    reading_ = true;
  }
  response_.Clear();
  StartRead(&response_);
}

void SubscribeStream::Cancel() {
  handlers_ = {};
  bool release = false;
  {
    absl::MutexLock lock(&mutex_);
    cancelled_ = true;
    if (!reading_) release = std::exchange(held_, false);
  }
  context_.TryCancel();
  if (release) RemoveHold();
}

void SubscribeStream::OnReadDone(bool ok) {
  bool release = false;
  {
    absl::MutexLock lock(&mutex_);
    reading_ = false;
    if (!ok || cancelled_) release = std::exchange(held_, false);
  }
  if (release)
    RemoveHold();  // after this OnDone may run: nothing here is touched any more
  else if (ok)
    Deliver();
}

void SubscribeStream::Deliver() {
  const std::shared_ptr<boost::asio::io_context> io = io_.lock();
  if (io == nullptr) return;
  boost::asio::post(*io, [self = shared_from_this()] {
    if (self->handlers_.on_response) self->handlers_.on_response(self->response_);
  });
}

void SubscribeStream::OnDone(const grpc::Status& status) {
  // The posted function may run, and end this object, before post() returns.
  const std::shared_ptr<void> in_flight = std::move(in_flight_);
  const std::shared_ptr<SubscribeStream> self = std::move(self_);
  const std::shared_ptr<boost::asio::io_context> io = io_.lock();
  if (io == nullptr) return;
  boost::asio::post(*io, [self, status] {
    if (self->handlers_.on_end) self->handlers_.on_end(status);
  });
}

}  // namespace txtchat::client
