#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "txtchat/v1/chat.grpc.pb.h"

namespace txtchat::client {

// One Subscribe call. Its handlers run on the thread that runs `io`; the next response is read only
// when Next() is called, so a slow reader holds back the server rather than filling memory here.
//
// Owns itself from Start() until gRPC is done with it. Next() and Cancel() belong to the thread
// that runs `io`; no handler runs after Cancel().
class SubscribeStream : public grpc::ClientReadReactor<v1::SubscribeResponse>,
                        public std::enable_shared_from_this<SubscribeStream> {
 public:
  struct Handlers {
    std::function<void(const v1::SubscribeResponse&)> on_response;
    std::function<void(const grpc::Status&)> on_end;  // last
  };

  // `in_flight` is let go when gRPC has made its last call here.
  SubscribeStream(std::weak_ptr<boost::asio::io_context> io, std::shared_ptr<void> in_flight,
                  Handlers handlers);

  // Set the metadata before Start().
  grpc::ClientContext& context() { return context_; }

  void Start(v1::ChatService::StubInterface& stub, const v1::SubscribeRequest& request);
  void Next();
  void Cancel();

 private:
  void OnReadDone(bool ok) override;
  void Deliver();
  void OnDone(const grpc::Status& status) override;

  // Weak: what is posted holds this object, and would keep the loop that holds it.
  const std::weak_ptr<boost::asio::io_context> io_;
  std::shared_ptr<void> in_flight_;
  Handlers handlers_;  // of the thread that runs io_
  grpc::ClientContext context_;
  v1::SubscribeRequest request_;
  v1::SubscribeResponse response_;  // gRPC's while reading_, else the io_ thread's
  std::shared_ptr<SubscribeStream> self_;

  absl::Mutex mutex_;
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool held_ ABSL_GUARDED_BY(mutex_) = true;  // reads may still be started from outside a reaction
};

}  // namespace txtchat::client
