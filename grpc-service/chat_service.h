#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/command.h"
#include "grpc-service/call_runner.h"
#include "grpc-service/pump_thread.h"
#include "grpc-service/rpc_options.h"
#include "grpc-service/rpc_server.h"
#include "grpc-service/stream_count.h"
#include "grpc-service/unary_call.h"
#include "grpc-service/unary_calls.h"
#include "txtchat/v1/chat.grpc.pb.h"

namespace txtchat::rpc {

// Every method takes and answers raw bytes: Subscribe, to send what is encoded already; the others,
// because a request that cannot be parsed (a text that is not UTF-8 is one) would be answered
// UNIMPLEMENTED by generated code.
using RawChatService = v1::ChatService::WithRawCallbackMethod_Register<
    v1::ChatService::WithRawCallbackMethod_CreateChannel<
        v1::ChatService::WithRawCallbackMethod_OpenDirectChannel<
            v1::ChatService::WithRawCallbackMethod_GetChannel<
                v1::ChatService::WithRawCallbackMethod_ListChannels<
                    v1::ChatService::WithRawCallbackMethod_ListMembers<
                        v1::ChatService::WithRawCallbackMethod_JoinChannel<
                            v1::ChatService::WithRawCallbackMethod_JoinByInvite<
                                v1::ChatService::WithRawCallbackMethod_LeaveChannel<
                                    v1::ChatService::WithRawCallbackMethod_SendMessage<
                                        v1::ChatService::WithRawCallbackMethod_ListMessages<
                                            v1::ChatService::WithRawCallbackMethod_Subscribe<
                                                v1::ChatService::Service>>>>>>>>>>>>;

/// The RPCs of txtchat.v1.ChatService: turns requests into commands, and their results into
/// responses on a pump's thread. What each call answers is documented in the .proto.
///
/// Methods are called by gRPC, on any of its threads. The pumps and the dependencies outlive it.
class ChatService final : public RawChatService {
 public:
  /// `close` ends the connection of a peer; thread-safe.
  ChatService(const RpcDependencies& dependencies, const RpcOptions& options,
              const std::vector<std::unique_ptr<PumpThread>>* pumps,
              std::function<void(const PeerKey&)> close);

  /// From now on every call is refused with UNAVAILABLE. Thread-safe.
  void StopAccepting() {
    accepting_ = false;
    runner_.calls().StopAdmitting();
  }
  StreamCount& streams() { return streams_; }
  UnaryCalls& calls() { return runner_.calls(); }
  CallRunner& runner() { return runner_; }
  std::uint64_t calls_too_fast() const { return runner_.calls_too_fast(); }

  grpc::ServerUnaryReactor* Register(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* CreateChannel(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* OpenDirectChannel(grpc::CallbackServerContext* context,
                                              const grpc::ByteBuffer* request,
                                              grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetChannel(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListChannels(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListMembers(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* JoinChannel(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* JoinByInvite(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* LeaveChannel(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* SendMessage(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListMessages(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* Subscribe(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request) override;

 private:
  /// Tells the core that a stream has ended.
  void CloseStream(SessionId id, PumpThread& pump);

  const RpcDependencies dependencies_;
  const RpcOptions options_;
  StreamOptions stream_options_;
  CallRunner runner_;
  std::atomic<bool> accepting_{true};
  StreamCount streams_;
};

}  // namespace txtchat::rpc
